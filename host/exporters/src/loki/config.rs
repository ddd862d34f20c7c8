//! What a user may write under `exporters: loki:`. The keys and defaults are those of the Collector's former exporter where it
//! had them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter};
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Auth, Check, Refused, Secret, Wrong};
use host_tls::ClientConfig;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

use super::exporter::Loki;
use super::labels::{LONGEST_NAME, Plan};
use super::line::Format;
use super::names;
use super::push::Manner;
use crate::Deps;
use crate::http::{Client, Connections, endpoint, headers};
use crate::otlp::BuildError;
use crate::sending::Sending;

/// Where Loki takes pushes.
const PATH: &str = "/loki/api/v1/push";
/// Who Loki keeps data for.
pub(super) const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// The resource attributes that Loki itself indexes of OTLP, in the order in which they find room, but for those that differ
/// from pod to pod and from process to process: `k8s.pod.name` and `service.instance.id`.
const RESOURCE_LABELS: [&str; 16] = [
    "service.name",
    "service.namespace",
    "deployment.environment.name",
    "deployment.environment",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
    "k8s.container.name",
    "container.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.replicaset.name",
];

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `http://host:port`, behind which stands `/loki/api/v1/push`, or the whole address.
    pub endpoint: String,
    /// For `https://` endpoints.
    pub tls: ClientConfig,
    pub auth: Option<Auth>,
    /// Sent with each request.
    pub headers: BTreeMap<String, Secret>,
    /// Whom Loki keeps the data for, where no hint says so.
    pub tenant: String,
    /// How long one attempt may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    pub retry_on_failure: Retry,
    pub sending_queue: SendingQueue,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
    /// The largest request in bytes, uncompressed; what is larger is sent in pieces.
    pub max_request_size: usize,
    pub default_labels_enabled: DefaultLabels,
    pub labels: Labels,
    /// Resource attributes that are not sent.
    pub exclude_resource_attributes: Vec<String>,
    /// Whether what is no label goes into structured metadata, which Loki has since 3.0.
    pub structured_metadata: bool,
    /// The form of lines where no hint says so; `raw` with structured metadata, and `json` without.
    pub format: Option<Format>,
    /// Taken for the Collector's sake: buffers are as large as they need to be.
    pub read_buffer_size: usize,
    pub write_buffer_size: usize,
    compression: Refused,
    proxy_url: Refused,
    tenant_id: Refused,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: String::new(),
            tls: ClientConfig::default(),
            auth: None,
            headers: BTreeMap::new(),
            tenant: String::new(),
            timeout: Duration::from_secs(30),
            retry_on_failure: Retry::default(),
            sending_queue: SendingQueue::default(),
            required: true,
            max_request_size: 4 << 20,
            default_labels_enabled: DefaultLabels::default(),
            labels: Labels::default(),
            exclude_resource_attributes: vec!["hub.received_at".to_owned()],
            structured_metadata: true,
            format: None,
            read_buffer_size: 0,
            write_buffer_size: 512 << 10,
            compression: Refused::default(),
            proxy_url: Refused::default(),
            tenant_id: Refused::default(),
        }
    }
}

/// Labels that no attribute is needed for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultLabels {
    /// `exporter="OTLP"`
    pub exporter: bool,
    /// `job="NAMESPACE/NAME"` of the service.
    pub job: bool,
    /// `instance` is `service.instance.id`.
    pub instance: bool,
    /// `level` is the severity.
    pub level: bool,
}

impl Default for DefaultLabels {
    fn default() -> Self {
        DefaultLabels { exporter: true, job: true, instance: false, level: true }
    }
}

/// Attributes that are labels.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    /// Of resources, in the order in which they find room.
    pub resource: Vec<String>,
    /// Of records.
    pub attributes: Vec<String>,
}

impl Default for Labels {
    fn default() -> Self {
        Labels { resource: RESOURCE_LABELS.map(str::to_owned).to_vec(), attributes: Vec::new() }
    }
}

impl Labels {
    fn wrongs(&self, excluded: &[String]) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        for (key, names) in [("labels.resource", &self.resource), ("labels.attributes", &self.attributes)] {
            let is_bad = |name: &&String| {
                name.is_empty() || names::valid(name).starts_with("__") || names::valid(name).len() > LONGEST_NAME
            };
            if let Some(name) = names.iter().find(is_bad) {
                wrongs.push(Wrong::new(
                    key,
                    format!(
                        "{name:?} is no name of a label: write the key of an attribute, which does not begin with `__`"
                    ),
                ));
            }
        }
        if let Some(name) = self.resource.iter().find(|name| excluded.contains(name)) {
            let told = format!("`exclude_resource_attributes` names {name}, too: take it out of one of the two");
            wrongs.push(Wrong::new("labels.resource", told));
        }
        wrongs
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            ("timeout", self.timeout.is_zero(), "it has to be more than 0"),
            ("max_request_size", self.max_request_size == 0, "it has to be more than 0"),
            ("compression", self.compression.0, "pushes are compressed by snappy, as Loki wants it: take it out"),
            (
                "proxy_url",
                self.proxy_url.0,
                "proxies are not served: name Loki itself, or `otlp_http` to a Collector that has it",
            ),
            ("tenant_id", self.tenant_id.0, "it is called `tenant`"),
        ]);
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs.extend(self.auth.iter().flat_map(|auth| auth.wrongs("auth")));
        wrongs.extend(self.retry_on_failure.wrongs());
        wrongs.extend(self.sending_queue.wrongs());
        wrongs.extend(self.labels.wrongs(&self.exclude_resource_attributes));
        wrongs.extend(self.header_map().err());
        wrongs.extend(self.uri().err());
        wrongs
    }
}

impl Config {
    /// Makes the exporter. It connects when the first request is to be sent.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        let wrong = |wrong| BuildError { id: id.clone(), wrong };
        if let Some(first) = self.wrongs().into_iter().next() {
            return Err(wrong(first));
        }
        let uri = self.uri().map_err(wrong)?;
        let headers = self.header_map().map_err(wrong)?;
        let connections = Connections {
            answer_bytes: super::exporter::ANSWER_BYTES,
            ..Connections::new(&self.tls, self.auth.as_ref(), headers, self.timeout)
        };
        let client = Client::new(id, &[&uri], connections, deps).map_err(wrong)?;
        let loki = Loki::new(id, client, uri, self.manner(), self.max_request_size, deps.metrics);
        Ok(Arc::new(Sending::new(id, loki, self.retry_on_failure, &self.sending_queue, deps.metrics)))
    }

    /// How records are translated.
    pub(super) fn manner(&self) -> Manner {
        let DefaultLabels { exporter, job, instance, level } = self.default_labels_enabled;
        let plan = Plan::new(&self.labels.resource, &self.labels.attributes, &self.exclude_resource_attributes);
        let format = self.format.unwrap_or(if self.structured_metadata { Format::Raw } else { Format::Json });
        Manner {
            plan: Plan { exporter, job, instance, level, ..plan },
            format,
            structured_metadata: self.structured_metadata,
        }
    }

    fn header_map(&self) -> Result<HeaderMap, Wrong> {
        let mut map = headers(&self.headers, "HTTP", |name| matches!(name, "content-length" | "content-encoding"))?;
        if self.tenant.is_empty() {
            return Ok(map);
        }
        if map.contains_key(TENANT) {
            return Err(Wrong::new("tenant", "`headers` has an X-Scope-OrgID, too: take one of the two out"));
        }
        let value = HeaderValue::try_from(&self.tenant)
            .map_err(|_| Wrong::new("tenant", "it is sent as a header: use printable ASCII"))?;
        map.insert(TENANT, value);
        Ok(map)
    }

    /// Where pushes go.
    fn uri(&self) -> Result<Uri, Wrong> {
        if self.endpoint.is_empty() {
            return Err(Wrong::new("endpoint", "the endpoint is missing; write the `http://host:port` of Loki"));
        }
        let uri = endpoint("endpoint", &self.endpoint, "")?;
        if matches!(uri.path(), "" | "/") { endpoint("endpoint", &self.endpoint, PATH) } else { Ok(uri) }
    }
}
