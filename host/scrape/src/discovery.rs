//! Where the targets of a job come from: what finds them tells what there is, whenever that changes.

mod file;
mod http;
mod kubernetes;

use std::path::Path;
use std::sync::Arc;

use host_component::Shutdown;
use host_config::Wrong;
use host_receivers::Budget;
use host_telemetry::Metrics;
use tokio::sync::watch;

use crate::config::Job;
use crate::counts::Counts;
use crate::labels::Labels;
use crate::target::Group;

/// Groups that one source of targets tells of; none as long as it has told nothing yet.
pub(crate) type Told = Option<Arc<Vec<Group>>>;

/// Finds targets.
pub(crate) enum Discovery {
    Static(Vec<Group>),
    File(file::FileDiscovery),
    Http(Box<http::HttpDiscovery>),
    Kubernetes(Box<kubernetes::KubernetesDiscovery>),
}

/// What finding targets needs.
#[derive(Clone, Copy)]
pub(crate) struct Deps<'a> {
    pub(crate) owner: &'a str,
    pub(crate) base: &'a Path,
    pub(crate) metrics: &'a Metrics,
    pub(crate) budget: &'a Budget,
    pub(crate) counts: &'a Arc<Counts>,
}

impl Discovery {
    /// All of a job.
    ///
    /// # Errors
    /// When certificates or credentials cannot be used.
    pub(crate) fn of(job: &Job, deps: &Deps<'_>) -> Result<Vec<Discovery>, Wrong> {
        let mut all = Vec::new();
        if !job.static_configs.is_empty() {
            let group = |config: &crate::config::StaticConfig| {
                let labels: Labels =
                    config.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                Group::of(&config.targets, labels)
            };
            all.push(Discovery::Static(job.static_configs.iter().map(group).collect()));
        }
        for config in &job.file_sd_configs {
            all.push(Discovery::File(file::FileDiscovery::new(config, deps)));
        }
        for (at, config) in job.http_sd_configs.iter().enumerate() {
            let made = http::HttpDiscovery::new(config, deps);
            let key = |wrong: Wrong| Wrong::new(format!("http_sd_configs[{at}].{}", wrong.key), wrong.message);
            all.push(Discovery::Http(Box::new(made.map_err(key)?)));
        }
        for (at, config) in job.kubernetes_sd_configs.iter().enumerate() {
            let made = kubernetes::KubernetesDiscovery::new(config, deps);
            let key = |wrong: Wrong| Wrong::new(format!("kubernetes_sd_configs[{at}].{}", wrong.key), wrong.message);
            all.push(Discovery::Kubernetes(Box::new(made.map_err(key)?)));
        }
        Ok(all)
    }

    /// Tells what there is until the end.
    pub(crate) async fn run(self, told: watch::Sender<Told>, mut shutdown: Shutdown) {
        match self {
            Discovery::Static(groups) => {
                told.send_replace(Some(Arc::new(groups)));
                // Whoever listens takes a sender that is gone for the end.
                shutdown.wait().await;
            }
            Discovery::File(files) => files.run(told, shutdown).await,
            Discovery::Http(http) => http.run(told, shutdown).await,
            Discovery::Kubernetes(kubernetes) => kubernetes.run(told, shutdown).await,
        }
    }
}
