//! The receiver runs its jobs, each for itself.

use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown, spawn};
use host_config::{Check as _, Wrong};
use host_receivers::{Deps, Lanes};

use crate::config::{Config, Job};
use crate::counts::Counts;
use crate::discovery::{self, Discovery};
use crate::http::Client;
use crate::job::{Runner, Shard, Shared, reading};
use crate::relabel::Rules;
use crate::scraper;
use crate::target::Fnv;

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
}

/// The receiver, not scraping yet.
pub struct Prometheus {
    id: ComponentId,
    jobs: Vec<Runner>,
}

impl Config {
    /// Makes the receiver.
    ///
    /// # Errors
    /// Where a value makes no sense, or a file that is named cannot be used.
    pub fn build(self, id: ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Prometheus, BuildError> {
        let made = self.jobs_of(&id, consumers, deps);
        match made {
            Ok(jobs) => Ok(Prometheus { id, jobs }),
            Err(wrong) => Err(BuildError::Value { id, wrong }),
        }
    }

    fn jobs_of(&self, id: &ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Vec<Runner>, Wrong> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(wrong);
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let shard = self.shard(&host)?;
        let mut seed = Fnv::default();
        seed.add(&host);
        let owner = id.to_string();
        let lanes = Arc::new(Lanes::new(&owner, "http", deps.metrics));
        let jobs = self.jobs().into_iter().enumerate();
        jobs.map(|(at, job)| {
            let key = |wrong: Wrong| Wrong::new(format!("config.scrape_configs[{at}].{}", wrong.key), wrong.message);
            let rules = |name: &str, configs| {
                Rules::new(configs).map_err(|(rule, error)| key(Wrong::new(format!("{name}[{rule}].regex"), error)))
            };
            let counts = Arc::new(Counts::new(&owner, &job.name, deps.metrics));
            let discovery = discovery::Deps {
                owner: &owner,
                base: deps.base,
                metrics: deps.metrics,
                budget: deps.budget,
                counts: &counts,
            };
            let discoveries = Discovery::of(&job, &discovery).map_err(key)?;
            let client = client(&job, &owner, deps).map_err(key)?;
            let of_series = rules("metric_relabel_configs", &job.metric_relabel_configs)?;
            let shared = Shared {
                receiver: owner.clone(),
                rules: rules("relabel_configs", &job.relabel_configs)?,
                reading: Arc::new(reading(&job, of_series)),
                client,
                headers: scraper::headers(&job),
                consumers: consumers.clone(),
                lanes: Arc::clone(&lanes),
                counts,
                budget: deps.budget.clone(),
                seed: seed.0,
                first_after: self.initial_scrape_offset,
                job,
            };
            Ok(Runner { shared: Arc::new(shared), discoveries, shard })
        })
        .collect()
    }

    /// Which of the targets this replica scrapes.
    fn shard(&self, host: &str) -> Result<Shard, Wrong> {
        let shards = self.sharding.shards;
        let ordinal = || host.rsplit_once('-').and_then(|(_, ordinal)| ordinal.parse::<u32>().ok());
        let index = match self.sharding.index {
            Some(index) => index,
            None if shards == 1 => 0,
            None => ordinal().ok_or_else(|| {
                let message = format!("it is missing, and the name of this host, {host:?}, ends in no number: set it");
                Wrong::new("sharding.index", message)
            })?,
        };
        if index < shards {
            return Ok(Shard { index, shards });
        }
        let message = format!("this is replica {index}, and there are {shards}: raise `sharding.shards`");
        Err(Wrong::new("sharding.index", message))
    }
}

fn client(job: &Job, owner: &str, deps: &Deps<'_>) -> Result<Client, Wrong> {
    Client::new(&job.http, owner, job.scheme == "https", deps.base, deps.metrics)
}

impl Receiver for Prometheus {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let owner = self.id.to_string();
            let run = |job: Runner| spawn("scrape job", &owner, job.run(shutdown.clone()));
            let jobs: Vec<_> = self.jobs.into_iter().map(run).collect();
            for job in jobs {
                if let Err(error) = job.await
                    && error.is_panic()
                {
                    tracing::error!(receiver = owner, "a job has ended, which is a mistake in this program");
                }
            }
        })
    }
}
