//! The receiver runs its jobs, each for itself.

use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown, spawn};
use host_config::{Check as _, Wrong};
use host_receivers::Deps;

use crate::allocator::Allocator;
use crate::config::Config;
use crate::job::{Runner, Shard};
use crate::workshop::Workshop;

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
    allocator: Option<Allocator>,
}

impl Config {
    /// Makes the receiver.
    ///
    /// # Errors
    /// Where a value makes no sense, or a file that is named cannot be used.
    pub fn build(self, id: ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Prometheus, BuildError> {
        let made = self.made(&id, consumers, deps);
        made.map_err(|wrong| BuildError::Value { id, wrong })
    }

    fn made(&self, id: &ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Prometheus, Wrong> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(wrong);
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let shard = self.shard(&host)?;
        let workshop = Workshop::new(id.to_string(), &host, shard, self.initial_scrape_offset, consumers, deps);
        let jobs = self.jobs().into_iter().enumerate().map(|(at, job)| {
            let below = |wrong: Wrong| Wrong::new(format!("config.scrape_configs[{at}].{}", wrong.key), wrong.message);
            workshop.runner(job, true).map_err(below)
        });
        let jobs = jobs.collect::<Result<_, _>>()?;
        let allocator = self.target_allocator.as_ref().map(|config| Allocator::new(config, workshop.clone()));
        let below = |wrong: Wrong| Wrong::new(format!("target_allocator.{}", wrong.key), wrong.message);
        Ok(Prometheus { id: id.clone(), jobs, allocator: allocator.transpose().map_err(below)? })
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

impl Receiver for Prometheus {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let owner = self.id.to_string();
            let run = |job: Runner| spawn("scrape job", &owner, job.run(shutdown.clone()));
            let mut jobs: Vec<_> = self.jobs.into_iter().map(run).collect();
            jobs.extend(
                self.allocator.map(|allocator| spawn("target allocator", &owner, allocator.run(shutdown.clone()))),
            );
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
