//! The workshop makes jobs of their configurations, with what all jobs of a receiver have in common.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use host_component::Consumers;
use host_config::Wrong;
use host_receivers::{Budget, Deps, Lanes};
use host_telemetry::Metrics;

use crate::config::{Http, Job};
use crate::counts::Counts;
use crate::discovery::{self, Discovery};
use crate::http::Client;
use crate::job::{Runner, Shard, Shared, reading};
use crate::relabel::Rules;
use crate::scraper;
use crate::target::Fnv;

#[derive(Clone)]
pub(crate) struct Workshop {
    owner: String,
    consumers: Consumers,
    lanes: Arc<Lanes>,
    budget: Budget,
    base: PathBuf,
    metrics: Metrics,
    shard: Shard,
    /// What sets this host apart from others that scrape the same.
    seed: u64,
    first_after: Option<Duration>,
}

impl Workshop {
    pub(crate) fn new(
        owner: String,
        host: &str,
        shard: Shard,
        first_after: Option<Duration>,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Self {
        let mut seed = Fnv::default();
        seed.add(host);
        Workshop {
            lanes: Arc::new(Lanes::new(&owner, "http", deps.metrics)),
            owner,
            consumers: consumers.clone(),
            budget: deps.budget.clone(),
            base: deps.base.to_owned(),
            metrics: deps.metrics.clone(),
            shard,
            seed: seed.0,
            first_after,
        }
    }

    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn counts(&self, job: &str) -> Counts {
        Counts::new(&self.owner, job, &self.metrics)
    }

    /// A client that asks so; `is_encrypted` is whether it will be over TLS for sure.
    pub(crate) fn client(&self, http: &Http, is_encrypted: bool) -> Result<Client, Wrong> {
        Client::new(http, &self.owner, is_encrypted, &self.base, &self.metrics)
    }

    /// Makes a job. `tells_vanished` is whether targets that are not found any more are told stale.
    ///
    /// # Errors
    /// When a pattern is none, or a file that is named cannot be used; with keys below the job.
    pub(crate) fn runner(&self, job: Job, tells_vanished: bool) -> Result<Runner, Wrong> {
        let rules = |name: &str, configs| {
            Rules::new(configs).map_err(|(rule, error)| Wrong::new(format!("{name}[{rule}].regex"), error))
        };
        let counts = Arc::new(self.counts(&job.name));
        let deps = discovery::Deps {
            owner: &self.owner,
            base: &self.base,
            metrics: &self.metrics,
            budget: &self.budget,
            counts: &counts,
        };
        let discoveries = Discovery::of(&job, &deps)?;
        let of_series = rules("metric_relabel_configs", &job.metric_relabel_configs)?;
        let shared = Shared {
            receiver: self.owner.clone(),
            rules: rules("relabel_configs", &job.relabel_configs)?,
            reading: Arc::new(reading(&job, of_series)),
            client: self.client(&job.http, job.scheme == "https")?,
            headers: scraper::headers(&job),
            consumers: self.consumers.clone(),
            lanes: Arc::clone(&self.lanes),
            counts,
            budget: self.budget.clone(),
            seed: self.seed,
            first_after: self.first_after,
            tells_vanished,
            is_over: AtomicBool::new(false),
            job,
        };
        Ok(Runner { shared: Arc::new(shared), discoveries, shard: self.shard })
    }
}
