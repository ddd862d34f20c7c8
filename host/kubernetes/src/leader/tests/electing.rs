//! Candidates before an API server that does as it is told.

use std::time::Duration;

use host_telemetry::Metrics;
use tokio::time::{sleep, timeout};

use super::fake::Fake;
use crate::leader::{Config, Electors, Leadership};

/// What a test waits for comes within this.
const PATIENCE: Duration = Duration::from_secs(60);

/// One that is quick to ask, and slow to take what another has.
pub(super) fn config() -> Config {
    Config {
        lease_name: "tidegate".to_owned(),
        lease_namespace: "observability".to_owned(),
        lease_duration: Duration::from_secs(30),
        renew_deadline: Duration::from_secs(8),
        retry_period: Duration::from_millis(20),
        ..Config::default()
    }
}

/// A process that takes part.
#[derive(Default)]
struct Candidate {
    electors: Electors,
    metrics: Metrics,
}

impl Candidate {
    fn stands(&self, fake: &Fake) -> Leadership {
        self.electors.leadership("k8s_leader_elector", &config().at(fake.server()), &self.metrics)
    }
}

async fn in_time(what: impl Future<Output = ()>) {
    timeout(PATIENCE, what).await.expect("it comes to that after a while");
}

async fn until(mut is_so: impl FnMut() -> bool) {
    in_time(async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_of_two_wins_and_the_other_follows_at_once_where_it_gives_the_lease_up() {
    let fake = Fake::start().await;
    let (first, second) = (Candidate::default(), Candidate::default());
    let leads = first.stands(&fake);
    in_time(leads.won()).await;
    let holder = fake.spec()["holderIdentity"].clone();
    let waits = second.stands(&fake);
    let asked = fake.state().asked;
    until(|| fake.state().asked > asked + 10).await;
    assert!(leads.is_won() && !waits.is_won());
    assert!(first.metrics.render().contains("tidegate_k8s_leader_elector_leader{extension=\"k8s_leader_elector\"} 1"));
    assert!(second.metrics.render().contains("tidegate_k8s_leader_elector_leader{extension=\"k8s_leader_elector\"} 0"));
    drop(leads);
    first.electors.released(PATIENCE).await;
    in_time(waits.won()).await;
    let spec = fake.spec();
    assert_ne!(spec["holderIdentity"], holder);
    assert_eq!((&spec["leaseTransitions"], &spec["leaseDurationSeconds"]), (&1.into(), &30.into()));
}

#[tokio::test]
async fn whoever_asks_twice_takes_part_once() {
    let fake = Fake::start().await;
    let candidate = Candidate::default();
    let (one, other) = (candidate.stands(&fake), candidate.stands(&fake));
    in_time(one.won()).await;
    drop(one);
    assert!(other.is_won());
    let asked = fake.state().asked;
    until(|| fake.state().asked > asked + 4).await;
    assert!(other.is_won(), "the election goes on as long as somebody wants it");
}

#[tokio::test]
async fn of_many_that_begin_at_once_one_leads() {
    let fake = Fake::start().await;
    let candidates: Vec<Candidate> = std::iter::repeat_with(Candidate::default).take(12).collect();
    let standing: Vec<Leadership> = candidates.iter().map(|candidate| candidate.stands(&fake)).collect();
    let leaders = || standing.iter().filter(|leadership| leadership.is_won()).count();
    until(|| leaders() == 1).await;
    let asked = fake.state().asked;
    until(|| {
        assert!(leaders() <= 1);
        fake.state().asked > asked + 300
    })
    .await;
    assert_eq!(leaders(), 1);
}

#[tokio::test]
async fn a_leader_that_gets_no_answer_stops_before_another_may_begin_and_leads_again_when_it_gets_one() {
    let fake = Fake::start().await;
    let candidate = Candidate::default();
    let leads = candidate.stands(&fake);
    in_time(leads.won()).await;
    fake.state().hangs = true;
    in_time(leads.lost()).await;
    let since = fake.state().written.unwrap().elapsed();
    assert!(since < config().lease_duration, "another could have begun by now: {since:?}");
    fake.state().hangs = false;
    in_time(leads.won()).await;
    assert_eq!(fake.spec()["leaseTransitions"], 0, "nobody else had it");
}

#[tokio::test]
async fn a_leader_whose_lease_another_has_stops() {
    let fake = Fake::start().await;
    let candidate = Candidate::default();
    let leads = candidate.stands(&fake);
    in_time(leads.won()).await;
    fake.renew_as("other", 3600);
    in_time(leads.lost()).await;
    assert_eq!(fake.spec()["holderIdentity"], "other");
}

#[tokio::test]
async fn a_lease_is_taken_when_its_holder_renews_it_no_more_and_not_before() {
    let fake = Fake::start().await;
    fake.renew_as("other", 4);
    let candidate = Candidate::default();
    let waits = candidate.stands(&fake);
    // For longer than it holds.
    for _ in 0..60 {
        sleep(Duration::from_millis(80)).await;
        fake.renew_as("other", 4);
        assert!(!waits.is_won());
    }
    in_time(waits.won()).await;
    assert_eq!(fake.spec()["leaseTransitions"], 4);
}

#[tokio::test]
async fn who_may_not_ask_for_the_lease_is_no_leader_and_is_counted() {
    let fake = Fake::start().await;
    fake.state().refuses = Some(403);
    let candidate = Candidate::default();
    let waits = candidate.stands(&fake);
    until(|| fake.state().asked > 3).await;
    assert!(!waits.is_won());
    let failures = "tidegate_k8s_leader_elector_failures{extension=\"k8s_leader_elector\"} ";
    until(|| candidate.metrics.render().lines().any(|line| line.strip_prefix(failures).is_some_and(|n| n != "0")))
        .await;
    fake.state().refuses = None;
    in_time(waits.won()).await;
}
