//! A detector is somebody who can be asked where the collector runs, and what it answers.

use super::config::{Config, DetectorName};
use super::env::{self, EnvError};
use super::kubernetes::{self, Kubernetes, KubernetesError};
use super::system::{self, System, SystemError};

/// The schema of what `system` and `k8s_api` find, as the Collector names it.
pub(super) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.40.0";

/// What a detector found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) attributes: Vec<(String, Value)>,
    /// Empty where there is none.
    pub(crate) schema_url: &'static str,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    Texts(Vec<String>),
}

/// Why a detector found nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Env(#[from] EnvError),
    #[error(transparent)]
    System(#[from] SystemError),
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),
    #[error("no answer within {0:?}")]
    Slow(std::time::Duration),
}

/// Somebody who can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Detector {
    Env,
    System(System),
    Kubernetes(Kubernetes),
}

impl Trouble {
    /// Whether asking again is pointless: what is wrong stands in the environment of this process.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Trouble::Env(_) | Trouble::Kubernetes(KubernetesError::NoNode(_)))
    }
}

impl Detector {
    pub(crate) fn new(name: DetectorName, config: &Config) -> Self {
        match name {
            DetectorName::Env => Detector::Env,
            DetectorName::System => Detector::System(config.system.clone()),
            DetectorName::K8sApi => Detector::Kubernetes(config.k8s_api.clone()),
            DetectorName::K8sNode => {
                tracing::warn!("the detector `k8snode` is called `k8s_api` today, and so is its section");
                Detector::Kubernetes(config.k8snode.clone())
            }
        }
    }

    pub(crate) async fn detect(&self) -> Result<Found, Trouble> {
        match self {
            Detector::Env => Ok(env::detect(|name| std::env::var(name).ok())?),
            Detector::System(config) => Ok(system::detect(config.clone()).await?),
            Detector::Kubernetes(config) => Ok(kubernetes::detect(config).await?),
        }
    }

    /// Whether this trouble is that a source cannot be reached, which may be so for good.
    pub(crate) fn is_missing(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Kubernetes(KubernetesError::Node(_)) => true,
            Trouble::Slow(_) => matches!(self, Detector::Kubernetes(_)),
            Trouble::Kubernetes(_) | Trouble::Env(_) | Trouble::System(_) => false,
        }
    }
}

impl Found {
    pub(super) fn text(&mut self, key: Option<&str>, value: impl Into<String>) {
        self.put(key, Value::Text(value.into()));
    }

    pub(super) fn put(&mut self, key: Option<&str>, value: Value) {
        if let Some(key) = key {
            self.attributes.push((key.to_owned(), value));
        }
    }

    /// Takes what `other` found and this has not.
    pub(super) fn join(&mut self, other: Found) {
        for (key, value) in other.attributes {
            if self.attributes.iter().all(|(known, _)| *known != key) {
                self.attributes.push((key, value));
            }
        }
        if self.schema_url.is_empty() {
            self.schema_url = other.schema_url;
        }
    }
}
