//! What a user may write under `processors: resource_detection:`. The keys and defaults are the Collector's.

use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Wrong};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::kubernetes::Kubernetes;
use super::retry::Retry;
use super::system::System;

/// The processor's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who is asked. Of two that find the same attribute the first wins.
    #[schemars(schema_with = "names")]
    pub detectors: Vec<DetectorName>,
    /// Whether what was detected takes the place of what a resource says of itself.
    pub r#override: bool,
    /// So long detection may take; with `retry.max_elapsed_time` so long one attempt may take. 0 is no limit.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// How often it is detected anew; 0 is never.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub refresh_interval: Duration,
    /// Whether a source that cannot be reached counts as a failure, and not as one that knows nothing.
    pub fail_on_missing_metadata: bool,
    pub retry: Retry,
    pub system: System,
    pub k8s_api: Kubernetes,
    /// The section of the detector `k8snode`, the older name of `k8s_api`.
    pub k8snode: Kubernetes,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            detectors: vec![DetectorName::Env],
            r#override: true,
            timeout: Duration::from_secs(5),
            refresh_interval: Duration::ZERO,
            fail_on_missing_metadata: false,
            retry: Retry::default(),
            system: System::default(),
            k8s_api: Kubernetes::default(),
            k8snode: Kubernetes::default(),
        }
    }
}

/// Somebody who can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum DetectorName {
    Env,
    System,
    K8sApi,
    /// The older name of [`DetectorName::K8sApi`].
    K8sNode,
}

/// A detector that is not here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no detector {name:?} here: {instead}")]
pub struct UnknownDetector {
    pub name: String,
    instead: String,
}

impl DetectorName {
    const ALL: [DetectorName; 4] =
        [DetectorName::Env, DetectorName::System, DetectorName::K8sApi, DetectorName::K8sNode];

    pub fn as_str(self) -> &'static str {
        match self {
            DetectorName::Env => "env",
            DetectorName::System => "system",
            DetectorName::K8sApi => "k8s_api",
            DetectorName::K8sNode => "k8snode",
        }
    }
}

impl TryFrom<String> for DetectorName {
    type Error = UnknownDetector;

    fn try_from(name: String) -> Result<Self, UnknownDetector> {
        let written = name.trim();
        if let Some(known) = DetectorName::ALL.into_iter().find(|known| known.as_str() == written) {
            return Ok(known);
        }
        let instead = match ELSEWHERE.iter().find(|(names, _)| names.contains(&written)) {
            Some((_, instead)) => (*instead).to_owned(),
            None => match host_config::nearest(written, DetectorName::ALL.map(DetectorName::as_str)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("write one of {}", DetectorName::ALL.map(DetectorName::as_str).join(", ")),
            },
        };
        Err(UnknownDetector { name: written.to_owned(), instead })
    }
}

const CLOUD: &str = "set what it would find with `resource` (as in `cloud.region: ${env:REGION}`), or with \
                     OTEL_RESOURCE_ATTRIBUTES and the detector `env`; or keep it in a Collector that sends OTLP to the \
                     `otlp` receiver here";
const CONTAINER: &str = "use `system`, with `hostname_sources: [os]`, and name the container with \
                         OTEL_RESOURCE_ATTRIBUTES and the detector `env`";

/// The Collector's other detectors, and what to do instead.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (&["k8s_node"], "write `k8s_api`"),
    (&["docker"], CONTAINER),
    (&["ec2", "ecs", "eks", "elastic_beanstalk", "lambda", "gcp", "gce", "gke"], CLOUD),
    (&["azure", "aks", "azureappservice", "azurecontainerapps", "alibaba_ecs", "tencent_cvm"], CLOUD),
    (&["akamai", "digitalocean", "hetzner", "heroku", "ibmcloud_classic", "ibmcloud_vpc"], CLOUD),
    (&["nova", "oraclecloud", "scaleway", "upcloud", "vultr", "consul", "dynatrace"], CLOUD),
    (&["openshift", "kubeadm"], CLOUD),
];

fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": { "type": "string", "enum": DetectorName::ALL.map(DetectorName::as_str) },
    })
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let endless = self.retry.enabled && self.timeout.is_zero() && self.retry.max_elapsed_time.is_zero();
        let mut wrongs = Wrong::among([
            ("detectors", self.detectors.is_empty(), "it names nobody to ask; write `[env]` or take the processor out"),
            (
                "timeout",
                endless,
                "with retries and without `retry.max_elapsed_time` detection would never end; set one of the two",
            ),
        ]);
        wrongs.extend(self.retry.wrongs());
        wrongs
    }
}
