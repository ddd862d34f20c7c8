//! The quotas of a receiver: each identity for itself, and no more remembered than has to be.

use std::sync::Arc;
use std::time::Duration;

use host_component::Signal;
use host_identity::{Config, Limits, Names, Rule, Source, Speaker};
use host_telemetry::Metrics;
use tokio::time::Instant;

use super::{Announced, GONE, Limit, Quotas};
use crate::otlp::identity::violations::{IDENTITIES, LONGEST, OTHER};

fn speaker(identity: &str, limits: Option<Limits>) -> Speaker {
    let rule = Rule { of: "**".to_owned(), clusters: vec!["a".to_owned()], ..Rule::default() };
    let config = Config { from: vec![Source::Dns], rules: vec![rule], limits, ..Config::default() };
    let names = [identity.to_owned()];
    config.build("identity").unwrap().speaker(&Names { dns: &names, ..Names::default() }).unwrap()
}

/// A request of so many bytes.
fn logs(bytes: usize) -> Announced {
    Announced { signal: Signal::Logs, bytes, largest: 1 << 20 }
}

fn limited(identity: &str) -> Speaker {
    speaker(identity, Some(Limits { items_per_second: Some(10.0), ..Limits::default() }))
}

#[test]
fn the_connections_of_an_identity_have_one_quota_and_who_is_not_limited_has_none() {
    let (quotas, now) = (Quotas::new("otlp", &Metrics::new()), Instant::now());
    let (one, same, other) = (limited("one"), limited("one"), limited("other"));
    let quota = quotas.of(&one, now).unwrap();
    assert!(Arc::ptr_eq(&quota, &quotas.of(&same, now).unwrap()));
    assert!(!Arc::ptr_eq(&quota, &quotas.of(&other, now).unwrap()));
    assert!(quotas.of(&speaker("one", None), now).is_none());
}

#[test]
fn who_connects_anew_owes_what_it_owed_and_who_owes_nothing_is_forgotten() {
    let (quotas, now) = (Quotas::new("otlp", &Metrics::new()), Instant::now());
    let quota = quotas.of(&limited("owes"), now).unwrap();
    quota.share(logs(1), now).unwrap().settle(Limit::Items, 50);
    drop(quota);
    let refused = quotas.of(&limited("owes"), now).unwrap().share(logs(1), now).err().unwrap();
    assert_eq!(refused.after, Some(Duration::from_millis(4001)));
    let known = |now| {
        quotas.of(&limited(&format!("{now:?}")), now);
        quotas.known.lock().unwrap().contains_key("owes")
    };
    assert!(known(now + Duration::from_secs(4)));
    assert!(!known(now + Duration::from_secs(6)));
}

#[test]
fn a_bounded_number_of_those_that_have_gone_is_remembered_and_most_of_all_who_owes_most() {
    let (quotas, now) = (Quotas::new("otlp", &Metrics::new()), Instant::now());
    let connected = quotas.of(&limited("connected"), now).unwrap();
    for number in 0..3 * GONE {
        let quota = quotas.of(&limited(&format!("{number}")), now).unwrap();
        quota.share(logs(1), now).unwrap().settle(Limit::Items, 20 + number as u64);
    }
    let known = quotas.known.lock().unwrap();
    assert!(known.len() <= GONE + 2, "{}", known.len());
    assert!(known.contains_key(&format!("{}", 3 * GONE - 1)) && !known.contains_key("0"));
    assert!(Arc::ptr_eq(&known["connected"], &connected));
}

#[test]
fn identities_make_a_bounded_number_of_series() {
    let (metrics, now) = (Metrics::new(), Instant::now());
    let quotas = Quotas::new("otlp", &metrics);
    for number in 0..2 * IDENTITIES {
        let quota = quotas.of(&limited(&format!("{number}{}", "x".repeat(200))), now).unwrap();
        quota.share(logs(1), now).unwrap().settle(Limit::Items, 20);
        assert!(quota.share(logs(1), now).is_err());
    }
    let series = metrics.totals("tidegate_identity_requests_refused", "identity");
    assert_eq!((series.len(), series[OTHER]), (IDENTITIES + 1, IDENTITIES as u64));
    assert!(series.keys().all(|identity| identity.len() <= LONGEST));
}
