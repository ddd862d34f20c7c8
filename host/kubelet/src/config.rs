//! What a user may write under `receivers: kubelet_stats:`. The keys and defaults are the Collector's.

mod endpoint;

use std::path::{Path, PathBuf};
use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Files, Refused, Secret, Wrong};
use host_periodic::{Choices, Schedule};
use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::attribute::ResourceAttributes;
use crate::metric;
use crate::settings::{Groups, Interfaces, Labels, Settings};

/// The receiver's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long it is from one scrape to the next.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub collection_interval: Duration,
    /// How long the first scrape waits.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_delay: Duration,
    /// How long a scrape may take; 0 is no limit but that of each question, a minute.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// As whom the kubelet is asked.
    pub auth_type: AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// The kubelet: `host:port`, or an address; with `auth_type: kubeConfig` the name of the node. Without it this host.
    pub endpoint: String,
    /// Whether whoever answers is taken for the kubelet.
    pub insecure_skip_verify: bool,
    /// Whose word is taken for who the kubelet is.
    pub ca_file: PathBuf,
    pub ca_pem: Secret,
    pub include_system_ca_certs_pool: bool,
    /// With `auth_type: tls`: who asks.
    pub cert_file: PathBuf,
    pub cert_pem: Secret,
    pub key_file: PathBuf,
    pub key_pem: Secret,
    /// Whose certificate is expected, where that is not the endpoint's name.
    pub server_name_override: String,
    pub min_version: String,
    pub max_version: String,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    /// How often files are looked at, at most.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub reload_interval: Duration,
    /// What is told of containers and volumes beside their names.
    pub extra_metadata_labels: Vec<MetadataLabel>,
    /// What is told of.
    pub metric_groups: Vec<MetricGroup>,
    /// How the API server is asked for what the kubelet does not know.
    pub k8s_api_config: Option<ApiConfig>,
    /// The name of the node, of which the API server is asked what it has.
    pub node: String,
    /// Where all interfaces are told of, and not the default one alone.
    pub collect_all_network_interfaces: AllInterfaces,
    /// Which metrics there are.
    pub metrics: Choices,
    /// Which attributes resources have.
    pub resource_attributes: ResourceAttributes,
    /// Taken for the Collector's sake: few questions are asked of the API server, and each once.
    pub kube_api_qps: f64,
    /// Taken for the Collector's sake.
    pub kube_api_burst: u32,
    dialer: Refused,
    tpm: Refused,
}

/// As whom the kubelet is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuthType {
    /// Nobody, on the port that answers everybody.
    None,
    /// Whom the certificate in `cert_file` names.
    #[default]
    Tls,
    /// The service account of the pod.
    ServiceAccount,
    /// The user of a context of `$KUBECONFIG` or `~/.kube/config`, by way of the API server.
    KubeConfig,
}

/// What is told of an object beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum MetadataLabel {
    #[serde(rename = "container.id")]
    ContainerId,
    #[serde(rename = "k8s.volume.type")]
    VolumeType,
}

/// Of what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetricGroup {
    Container,
    Pod,
    Node,
    Volume,
}

/// How the API server is asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    pub auth_type: host_kubernetes::AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// Taken for the Collector's sake.
    pub kube_api_qps: f64,
    /// Taken for the Collector's sake.
    pub kube_api_burst: u32,
}

/// Where all interfaces are told of.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AllInterfaces {
    pub pod: bool,
    pub node: bool,
}

impl Default for Config {
    fn default() -> Self {
        let tls = host_tls::ClientConfig::default();
        Config {
            collection_interval: Duration::from_secs(10),
            initial_delay: Schedule::INITIAL_DELAY,
            timeout: Duration::ZERO,
            auth_type: AuthType::default(),
            context: None,
            endpoint: String::new(),
            insecure_skip_verify: false,
            ca_file: PathBuf::new(),
            ca_pem: Secret::default(),
            include_system_ca_certs_pool: false,
            cert_file: PathBuf::new(),
            cert_pem: Secret::default(),
            key_file: PathBuf::new(),
            key_pem: Secret::default(),
            server_name_override: String::new(),
            min_version: String::new(),
            max_version: String::new(),
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            reload_interval: tls.reload_interval,
            extra_metadata_labels: Vec::new(),
            metric_groups: vec![MetricGroup::Container, MetricGroup::Pod, MetricGroup::Node],
            k8s_api_config: None,
            node: String::new(),
            collect_all_network_interfaces: AllInterfaces::default(),
            metrics: Choices::default(),
            resource_attributes: ResourceAttributes::default(),
            kube_api_qps: 0.0,
            kube_api_burst: 0,
            dialer: Refused::default(),
            tpm: Refused::default(),
        }
    }
}

impl Config {
    pub(crate) fn schedule(&self) -> Schedule {
        Schedule { interval: self.collection_interval, initial_delay: self.initial_delay, timeout: self.timeout }
    }

    pub(crate) fn settings(&self) -> Settings {
        let has = |group| self.metric_groups.contains(&group);
        let says = |label| self.extra_metadata_labels.contains(&label);
        let AllInterfaces { pod, node } = self.collect_all_network_interfaces;
        Settings {
            metrics: self.metrics.clone(),
            attributes: self.resource_attributes.clone(),
            groups: Groups {
                container: has(MetricGroup::Container),
                pod: has(MetricGroup::Pod),
                node: has(MetricGroup::Node),
                volume: has(MetricGroup::Volume),
            },
            labels: Labels {
                container_id: says(MetadataLabel::ContainerId),
                volume_type: says(MetadataLabel::VolumeType),
            },
            all_interfaces: Interfaces { pod, node },
        }
    }

    /// Where the kubelet is, seen from the host of this name.
    ///
    /// # Errors
    /// When that is no address.
    pub(crate) fn address(&self, host: &str) -> Result<Uri, Wrong> {
        endpoint::address(&self.endpoint, self.auth_type, host)
    }

    /// How the kubelet's certificate is checked, and which is shown to it.
    pub(crate) fn tls(&self) -> host_tls::ClientConfig {
        host_tls::ClientConfig {
            insecure_skip_verify: self.insecure_skip_verify,
            ca_file: self.ca_file.clone(),
            ca_pem: self.ca_pem.clone(),
            include_system_ca_certs_pool: self.include_system_ca_certs_pool,
            cert_file: self.cert_file.clone(),
            cert_pem: self.cert_pem.clone(),
            key_file: self.key_file.clone(),
            key_pem: self.key_pem.clone(),
            server_name_override: self.server_name_override.clone(),
            min_version: self.min_version.clone(),
            max_version: self.max_version.clone(),
            cipher_suites: self.cipher_suites.clone(),
            curve_preferences: self.curve_preferences.clone(),
            reload_interval: self.reload_interval,
            ..host_tls::ClientConfig::default()
        }
    }

    pub(crate) fn names_authority(&self) -> bool {
        is_set(&self.ca_file) || !self.ca_pem.is_empty()
    }

    fn shows_certificate(&self) -> [bool; 2] {
        [is_set(&self.cert_file) || !self.cert_pem.is_empty(), is_set(&self.key_file) || !self.key_pem.is_empty()]
    }

    fn wrongs_of_access(&self) -> Vec<Wrong> {
        const MISSING: &str = "it is missing: `auth_type: tls`, which holds where nothing else is written, shows the kubelet a \
                               certificate; name it, or write `auth_type: serviceAccount`";
        const NOT_SHOWN: &str = "no certificate is shown with this `auth_type`: write `tls`, or take it out";
        let [certificate, key] = self.shows_certificate();
        let is_tls = self.auth_type == AuthType::Tls;
        let mut wrongs = Wrong::among([
            ("cert_file", is_tls && !certificate, MISSING),
            ("key_file", is_tls && !key, MISSING),
            ("cert_file", !is_tls && certificate, NOT_SHOWN),
            ("key_file", !is_tls && key, NOT_SHOWN),
            (
                "context",
                self.context.is_some() && self.auth_type != AuthType::KubeConfig,
                "it is one of a kubeconfig: write `auth_type: kubeConfig`, or take it out",
            ),
            (
                "dialer",
                self.dialer.0,
                "take it out: `timeout` says how long a scrape may take, the connection included",
            ),
            ("tpm", self.tpm.0, "keys are read from files: name one in `key_file`"),
        ]);
        wrongs.extend(self.address("localhost").err());
        wrongs
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.schedule().wrongs();
        wrongs.extend(self.wrongs_of_access());
        if wrongs.iter().all(|wrong| !matches!(wrong.key.as_str(), "cert_file" | "key_file")) {
            wrongs.extend(bare(self.tls().wrongs("tls")));
        }
        let labels = &self.extra_metadata_labels;
        let twice = |(at, label): (usize, &MetadataLabel)| labels.iter().take(at).any(|before| before == label);
        let needs_capacity = self.settings().needs_capacity();
        wrongs.extend(Wrong::among([
            (
                "extra_metadata_labels",
                labels.iter().enumerate().any(twice),
                "one of them stands there twice: take one of the two out",
            ),
            (
                "metric_groups",
                self.metric_groups.is_empty(),
                "it names nothing to tell of: write some of `container`, `pod`, `node` and `volume`, or take it out",
            ),
            (
                "node",
                needs_capacity && self.node.is_empty(),
                "it is missing: shares of what the node has (`*.node.utilization`) need its name; write `${env:K8S_NODE_NAME}`, \
                 with that variable from the field `spec.nodeName`",
            ),
            (
                "k8s_api_config",
                needs_capacity && self.k8s_api_config.is_none(),
                "it is missing: what the node has (for `*.node.utilization`) is asked of the API server; write \
                 `{auth_type: serviceAccount}`",
            ),
        ]));
        wrongs.extend(self.metrics.wrongs("metrics", metric::ALL));
        wrongs.extend(self.resource_attributes.wrongs());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        bare(self.tls().wrongs_in("tls", &|path| files.read(path)))
    }
}

/// The same, with keys that stand in the section itself.
pub(crate) fn bare(wrongs: Vec<Wrong>) -> Vec<Wrong> {
    let key = |key: String| key.strip_prefix("tls.").map(str::to_owned).unwrap_or(key);
    wrongs.into_iter().map(|Wrong { key: old, message }| Wrong::new(key(old), message)).collect()
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests;
