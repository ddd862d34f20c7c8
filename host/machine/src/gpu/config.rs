//! What a user may write under `receivers: gpu:`. The Collector has no such receiver.

use std::path::PathBuf;
use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Wrong};
use host_periodic::{Choices, Schedule, Spec};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{dcgm, semconv};

/// The receiver's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub collection_interval: Duration,
    /// How long the first collection waits.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_delay: Duration,
    /// What a collection may take; 0 is no limit.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// The library of the driver; without it, `libnvidia-ml.so.1` where the linker finds it.
    pub library_path: Option<PathBuf>,
    /// Whose names metrics have.
    pub names: Names,
    /// What `Hostname` says under the names of DCGM; without it, the name of this host.
    pub hostname: Option<String>,
    /// Which metrics are wanted.
    pub metrics: Choices,
    pub pod_resources: PodResources,
}

/// Whose names metrics have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// The semantic conventions of OpenTelemetry.
    #[default]
    Semconv,
    /// The exporter of NVIDIA's DCGM.
    Dcgm,
    Both,
}

/// `pod_resources:`, from whom it is known which container has which card.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PodResources {
    pub enabled: bool,
    /// Where the kubelet listens.
    pub socket: PathBuf,
}

impl Default for PodResources {
    fn default() -> Self {
        PodResources { enabled: true, socket: PathBuf::from("/var/lib/kubelet/pod-resources/kubelet.sock") }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            collection_interval: Duration::from_secs(30),
            initial_delay: Schedule::INITIAL_DELAY,
            timeout: Duration::ZERO,
            library_path: None,
            names: Names::default(),
            hostname: None,
            metrics: Choices::default(),
            pod_resources: PodResources::default(),
        }
    }
}

impl Names {
    pub(super) fn has_semconv(self) -> bool {
        matches!(self, Names::Semconv | Names::Both)
    }

    pub(super) fn has_dcgm(self) -> bool {
        matches!(self, Names::Dcgm | Names::Both)
    }

    fn specs(self) -> Vec<Spec> {
        let semconv = semconv::METRICS.iter().filter(|_| self.has_semconv());
        semconv.chain(dcgm::METRICS.iter().filter(|_| self.has_dcgm())).copied().collect()
    }
}

impl Config {
    pub(super) fn schedule(&self) -> Schedule {
        Schedule { interval: self.collection_interval, initial_delay: self.initial_delay, timeout: self.timeout }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.schedule().wrongs();
        wrongs.extend(self.metrics.wrongs("metrics", &self.names.specs()));
        let is_relative = |path: &PathBuf| !path.is_absolute();
        wrongs.extend(Wrong::among([
            (
                "library_path",
                self.library_path.as_ref().is_some_and(is_relative),
                "it starts with `/`: write the whole path of the library, or take it out to have the linker look",
            ),
            (
                "pod_resources.socket",
                is_relative(&self.pod_resources.socket),
                "it starts with `/`: write the whole path of the kubelet's socket",
            ),
        ]));
        wrongs
    }
}
