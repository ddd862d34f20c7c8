//! A job keeps one scraper for each of its targets, as they come and go.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::select_all;
use host_component::{Consumers, Shutdown, Trigger, spawn};
use host_receivers::{Budget, Lanes};
use http::HeaderMap;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Job;
use crate::counts::Counts;
use crate::discovery::{Discovery, Told};
use crate::http::Client;
use crate::relabel::Rules;
use crate::scraper::Scraper;
use crate::table::Reading;
use crate::target::{Target, TargetKey, shard};

/// Changes that come within this time are taken together.
const GATHER: Duration = Duration::from_millis(500);

/// Which of the targets are scraped here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shard {
    pub(crate) index: u32,
    pub(crate) shards: u32,
}

/// What all scrapers of a job have in common.
pub(crate) struct Shared {
    pub(crate) receiver: String,
    pub(crate) job: Job,
    pub(crate) rules: Rules,
    pub(crate) reading: Arc<Reading>,
    pub(crate) client: Client,
    /// With each request.
    pub(crate) headers: HeaderMap,
    pub(crate) consumers: Consumers,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) budget: Budget,
    /// What sets this replica apart from others that scrape the same.
    pub(crate) seed: u64,
    pub(crate) first_after: Option<Duration>,
    /// Whether targets that are not found any more are told stale.
    pub(crate) tells_vanished: bool,
    /// Whether there are more targets than the job may have.
    pub(crate) is_over: AtomicBool,
}

/// A job, not scraping yet.
pub(crate) struct Runner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) discoveries: Vec<Discovery>,
    pub(crate) shard: Shard,
}

/// A scraper under way.
struct Running {
    target: Target,
    /// Fired when its target is gone.
    gone: Trigger,
}

impl Runner {
    pub(crate) async fn run(self, mut shutdown: Shutdown) {
        let Runner { shared, discoveries, shard } = self;
        let mut finding = JoinSet::new();
        let mut told = Vec::new();
        for discovery in discoveries {
            let (sender, receiver) = watch::channel(None);
            finding.spawn(discovery.run(sender, shutdown.clone()));
            told.push(receiver);
        }
        let mut crew = Crew { shared, shard, running: HashMap::new(), scraping: JoinSet::new() };
        loop {
            crew.follow(&mut told, &shutdown);
            let is_over = loop {
                tokio::select! {
                    () = shutdown.wait() => break true,
                    () = changed(&mut told) => break false,
                    // Nothing has changed of what is to be scraped.
                    Some(_) = crew.scraping.join_next(), if !crew.scraping.is_empty() => {}
                }
            };
            if is_over {
                break;
            }
            // What many objects change at once is looked at once. The first targets are not waited for.
            if !crew.running.is_empty() {
                tokio::select! {
                    () = shutdown.wait() => break,
                    () = tokio::time::sleep(GATHER) => {}
                }
            }
        }
        while crew.scraping.join_next().await.is_some() {}
        while finding.join_next().await.is_some() {}
    }
}

/// Returns when somebody who finds targets has told something.
async fn changed(told: &mut [watch::Receiver<Told>]) {
    let mut waiting: Vec<_> = told.iter_mut().map(|told| Box::pin(told.changed())).collect();
    while !waiting.is_empty() {
        let (changed, _, rest) = select_all(waiting).await;
        if changed.is_ok() {
            return;
        }
        // Whoever has ended tells nothing any more.
        waiting = rest;
    }
    std::future::pending::<()>().await;
}

/// The scrapers of a job.
struct Crew {
    shared: Arc<Shared>,
    shard: Shard,
    running: HashMap<TargetKey, Running>,
    scraping: JoinSet<()>,
}

impl Crew {
    /// Has the scrapers be those of what is told now.
    fn follow(&mut self, told: &mut [watch::Receiver<Told>], shutdown: &Shutdown) {
        let groups: Vec<Told> = told.iter_mut().map(|told| told.borrow_and_update().clone()).collect();
        if groups.iter().all(Option::is_none) {
            return;
        }
        let (targets, elsewhere) = self.targets(&groups);
        let limit = self.shared.job.limits.targets;
        let is_over = limit > 0 && (targets.len() + elsewhere) as u64 > limit;
        self.shared.is_over.store(is_over, Ordering::Relaxed);
        self.shared.counts.targets.set(targets.len() as i64);
        self.shared.counts.elsewhere.set(elsewhere as i64);
        self.running.retain(|key, running| {
            let stays = targets.get(key).is_some_and(|target| *target == running.target);
            if !stays {
                running.gone.fire();
            }
            stays
        });
        for (key, target) in targets {
            if self.running.contains_key(&key) {
                continue;
            }
            let (gone, is_gone) = Trigger::new();
            let scraper = Scraper::new(Arc::clone(&self.shared), target.clone());
            let name = key.uri.to_string();
            let task = spawn("scraper", &name, scraper.run(is_gone, shutdown.clone()));
            self.scraping.spawn(async move {
                if let Err(error) = task.await
                    && error.is_panic()
                {
                    tracing::error!(target = name, "a scraper has ended, which is a mistake in this program");
                }
            });
            self.running.insert(key, Running { target, gone });
        }
    }

    /// The targets that are scraped here, and how many are scraped elsewhere.
    fn targets(&self, groups: &[Told]) -> (HashMap<TargetKey, Target>, usize) {
        let Shared { receiver, job, rules, counts, .. } = &*self.shared;
        let mut targets = HashMap::new();
        let mut elsewhere = 0;
        let all = groups.iter().flatten().flat_map(|groups| groups.iter());
        for labels in all.flat_map(crate::target::Group::discovered) {
            match Target::new(job, rules, labels) {
                Ok(Some(target)) if shard(target.hash(), self.shard.shards) != self.shard.index => elsewhere += 1,
                Ok(Some(target)) => {
                    targets.insert(target.key.clone(), target);
                }
                Ok(None) => {}
                Err(error) => {
                    counts.unusable.inc();
                    tracing::warn!(receiver, job = job.name, error, "a target that was found cannot be scraped");
                }
            }
        }
        (targets, elsewhere)
    }
}

/// How a job reads what its targets expose.
pub(crate) fn reading(job: &Job, rules: Rules) -> Reading {
    Reading {
        honor_labels: job.honor_labels,
        honor_timestamps: job.honor_timestamps,
        track_timestamps_staleness: job.track_timestamps_staleness,
        native_histograms: job.native_histograms,
        classic_histograms: job.classic_histograms,
        extra_metrics: job.extra_metrics,
        rules,
        external_labels: job.external_labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        limits: job.limits,
    }
}
