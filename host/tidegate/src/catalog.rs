//! The catalog is what a configuration may name: the one list of components, written by hand.

mod differences;
mod elsewhere;
mod guest;
mod storage;

use host_component::{ComponentId, Kind, Signal};
use host_config::{Catalog, Check, Component, Errors, Files, Lookup, Telemetry, Value, Warning, Wrong};
use host_extensions::{basic_auth, bearer_token_auth, headers_setter, oauth2_client};
use host_processors::memory_limiter;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::differences::kubernetes;
pub(crate) use self::differences::{Difference, FAN_OUT, ROUTES, SERVICE};
pub(crate) use self::guest::Guest;
use crate::{elections, endpoints, extensions, forward, health, own};

/// One component type.
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) r#type: &'static str,
    /// Older names, which the Collector takes too.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) signals: &'static [Signal],
    /// Where it does something else than the Collector's component of this name.
    pub(crate) differences: &'static [Difference],
    check: fn(&Value, &Files<'_>) -> Result<(), Errors>,
    /// What its section may hold.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    /// The bundled module that it is, where it is one of the Collector's processors or connectors that run as such.
    pub(crate) guest: Option<Guest>,
}

/// What those that take OTTL have in common.
const OTTL: &str = include_str!("../../../sdk/ottl/README.md");

/// Every component; [`crate::factories`] makes them by their type.
const ENTRIES: &[Entry] = &[
    Entry::checked::<host_receivers::otlp::Config>(Kind::Receiver, "otlp", &[]).differs(differences::OTLP_RECEIVER),
    Entry::checked::<host_receivers::file_log::Config>(Kind::Receiver, "file_log", &["filelog"])
        .only(&[Signal::Logs])
        .differs(differences::FILE_LOG),
    Entry::checked::<host_receivers::syslog::Config>(Kind::Receiver, "syslog", &[])
        .only(&[Signal::Logs])
        .differs(differences::SYSLOG),
    Entry::checked::<host_receivers::journald::Config>(Kind::Receiver, "journald", &[])
        .only(&[Signal::Logs])
        .differs(differences::JOURNALD),
    Entry::checked::<host_kafka::receiver::Config>(Kind::Receiver, "kafka", &[]).differs(differences::KAFKA_RECEIVER),
    Entry::checked::<host_scrape::Config>(Kind::Receiver, "prometheus", &[])
        .only(&[Signal::Metrics])
        .differs(differences::PROMETHEUS_RECEIVER),
    Entry::checked::<host_machine::host_metrics::Config>(Kind::Receiver, "host_metrics", &["hostmetrics"])
        .only(&[Signal::Metrics])
        .differs(differences::HOST_METRICS),
    Entry::checked::<host_machine::gpu::Config>(Kind::Receiver, "gpu", &[])
        .only(&[Signal::Metrics])
        .differs(differences::GPU),
    Entry::checked::<host_kubelet::Config>(Kind::Receiver, "kubelet_stats", &["kubeletstats"])
        .only(&[Signal::Metrics])
        .differs(kubernetes::KUBELET_STATS),
    Entry::checked::<host_cluster::Config>(Kind::Receiver, "k8s_cluster", &[])
        .only(&[Signal::Metrics])
        .differs(kubernetes::K8S_CLUSTER),
    Entry::checked::<host_events::Config>(Kind::Receiver, "k8s_events", &[])
        .only(&[Signal::Logs])
        .differs(kubernetes::K8S_EVENTS),
    Entry::checked::<host_processors::batch::Config>(Kind::Processor, "batch", &[]).differs(differences::BATCH),
    Entry::checked::<memory_limiter::Config>(Kind::Processor, "memory_limiter", &[])
        .differs(differences::MEMORY_LIMITER),
    Entry::checked::<host_processors::resource_detection::Config>(
        Kind::Processor,
        "resource_detection",
        &["resourcedetection"],
    )
    .differs(differences::RESOURCE_DETECTION),
    Entry::checked::<host_processors::k8s_attributes::Config>(Kind::Processor, "k8s_attributes", &["k8sattributes"])
        .differs(kubernetes::K8S_ATTRIBUTES),
    Entry::checked::<host_wasm::ProcessorConfig>(Kind::Processor, "wasm", &[]),
    Entry::guest::<guest_resource::Resource>(Kind::Processor, "resource", "resource", &Signal::ALL)
        .documented(&[include_str!("../../../guests/resource/README.md")])
        .reading(|section| section.decode().map(|config| guest_resource::request_keys(&config)).unwrap_or_default()),
    Entry::guest::<guest_attributes::Attributes>(Kind::Processor, "attributes", "attributes", &Signal::ALL)
        .documented(&[include_str!("../../../guests/attributes/README.md")])
        .reading(|section| section.decode().map(|config| guest_attributes::request_keys(&config)).unwrap_or_default()),
    Entry::guest::<guest_redaction::Redaction>(Kind::Processor, "redaction", "redaction", &Signal::ALL)
        .documented(&[include_str!("../../../guests/redaction/README.md")]),
    Entry::guest::<guest_filter::Filter>(Kind::Processor, "filter", "filter", &Signal::ALL)
        .documented(&[include_str!("../../../guests/filter/README.md"), OTTL]),
    Entry::guest::<guest_transform::Transform>(Kind::Processor, "transform", "transform", &Signal::ALL)
        .documented(&[include_str!("../../../guests/transform/README.md"), OTTL]),
    Entry::guest::<guest_probabilistic_sampler::ProbabilisticSampler>(
        Kind::Processor,
        "probabilistic_sampler",
        "probabilistic-sampler",
        &[Signal::Logs, Signal::Traces],
    )
    .documented(&[include_str!("../../../guests/probabilistic-sampler/README.md")]),
    Entry::checked::<host_exporters::otlp::Config>(Kind::Exporter, "otlp_grpc", &["otlp"])
        .differs(differences::OTLP_EXPORTER),
    Entry::checked::<host_exporters::otlp::HttpConfig>(Kind::Exporter, "otlp_http", &["otlphttp"])
        .differs(differences::OTLP_EXPORTER),
    Entry::checked::<host_exporters::load_balancing::Config>(Kind::Exporter, "load_balancing", &["loadbalancing"])
        .differs(differences::LOAD_BALANCING),
    Entry::checked::<host_exporters::prometheus_remote_write::Config>(
        Kind::Exporter,
        "prometheus_remote_write",
        &["prometheusremotewrite"],
    )
    .of(&[Signal::Metrics])
    .differs(differences::PROMETHEUS_REMOTE_WRITE),
    Entry::checked::<host_exporters::loki::Config>(Kind::Exporter, "loki", &[])
        .of(&[Signal::Logs])
        .differs(differences::LOKI),
    Entry::checked::<host_kafka::exporter::Config>(Kind::Exporter, "kafka", &[]).differs(differences::KAFKA_EXPORTER),
    Entry::new::<host_exporters::file::Config>(Kind::Exporter, "file", &[]).differs(differences::FILE),
    Entry::new::<host_exporters::debug::Config>(Kind::Exporter, "debug", &[]).differs(differences::DEBUG),
    Entry::checked::<host_exporters::splunk_hec::Config>(Kind::Exporter, "splunk_hec", &[])
        .differs(differences::SPLUNK_HEC),
    Entry::checked::<host_exporters::datadog::Config>(Kind::Exporter, "datadog", &[]).differs(differences::DATADOG),
    Entry::new::<forward::Config>(Kind::Connector, "forward", &[]).differs(differences::CONNECTOR),
    Entry::guest::<guest_routing_connector::RoutingConnector>(
        Kind::Connector,
        "routing",
        "routing-connector",
        &Signal::ALL,
    )
    .reading(|section| {
        section.decode().map(|config| guest_routing_connector::request_keys(&config)).unwrap_or_default()
    })
    .documented(&[include_str!("../../../guests/routing-connector/README.md"), OTTL])
    .differs(differences::CONNECTOR),
    Entry::new::<health::Config>(Kind::Extension, "health_check", &[]),
    Entry::checked::<basic_auth::Config>(Kind::Extension, "basicauth", &[]),
    Entry::checked::<bearer_token_auth::Config>(Kind::Extension, "bearertokenauth", &[]),
    Entry::checked::<oauth2_client::Config>(Kind::Extension, "oauth2client", &[]),
    Entry::checked::<headers_setter::Config>(Kind::Extension, "headers_setter", &[]),
    Entry::checked::<host_queue::Config>(Kind::Extension, "file_storage", &[]).differs(differences::FILE_STORAGE),
    Entry::checked::<host_kubernetes::leader::Config>(Kind::Extension, "k8s_leader_elector", &[])
        .differs(kubernetes::K8S_LEADER_ELECTOR),
];

impl Entry {
    const fn new<C>(kind: Kind, r#type: &'static str, aliases: &'static [&'static str]) -> Self
    where
        C: DeserializeOwned + JsonSchema,
    {
        Entry { schema: SchemaGenerator::subschema_for::<C>, ..Entry::opaque::<C>(kind, r#type, aliases) }
    }

    /// For a section of which no schema is known.
    const fn opaque<C: DeserializeOwned>(kind: Kind, r#type: &'static str, aliases: &'static [&'static str]) -> Self {
        let check = |value: &Value, _: &Files<'_>| value.decode::<C>().map(|_| ());
        let schema = |_: &mut SchemaGenerator| json_schema!({ "type": "object" });
        Entry { kind, r#type, aliases, signals: &Signal::ALL, differences: &[], check, guest: None, schema }
    }

    /// A processor or connector of the Collector's that is a bundled module, under the Collector's keys.
    const fn guest<P>(kind: Kind, r#type: &'static str, module: &'static str, signals: &'static [Signal]) -> Self
    where
        P: tidegate_sdk::Processor,
        P::Config: Serialize,
    {
        let guest = Some(Guest::of::<P>(module));
        Entry { signals, guest, ..Entry::opaque::<P::Config>(kind, r#type, &[]) }
    }

    /// As [`Entry::new`], for a section that knows which values make sense.
    const fn checked<C: DeserializeOwned + Check + JsonSchema>(
        kind: Kind,
        r#type: &'static str,
        aliases: &'static [&'static str],
    ) -> Self {
        Entry { check: |value, files| value.checked::<C>(files).map(|_| ()), ..Entry::new::<C>(kind, r#type, aliases) }
    }

    /// For a guest: pages that list what is another way in the Collector.
    const fn documented(self, pages: &'static [&'static str]) -> Self {
        let guest = match self.guest {
            Some(guest) => Some(guest.documented(pages)),
            None => None,
        };
        Entry { guest, ..self }
    }

    /// For a guest that looks at request metadata: by which keys.
    const fn reading(self, keys: fn(&Value) -> Vec<String>) -> Self {
        let guest = match self.guest {
            Some(guest) => Some(guest.reading(keys)),
            None => None,
        };
        Entry { guest, ..self }
    }

    /// For a component that does not know every signal.
    const fn of(self, signals: &'static [Signal]) -> Self {
        Entry { signals, ..self }
    }

    /// For what does not know all signals.
    const fn only(self, signals: &'static [Signal]) -> Self {
        Entry { signals, ..self }
    }

    const fn differs(self, differences: &'static [Difference]) -> Self {
        Entry { differences, ..self }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.r#type).chain(self.aliases.iter().copied())
    }
}

/// All entries, in the order of the list.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter()
}

/// The entry that a type or an older name of it means.
pub(crate) fn find(kind: Kind, name: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.kind == kind && entry.names().any(|known| known == name))
}

/// The name under which the factories know the type of `id`.
pub(crate) fn canonical(kind: Kind, id: &ComponentId) -> &str {
    find(kind, id.r#type()).map_or(id.r#type(), |entry| entry.r#type)
}

/// The catalog of this binary, with the files that sections may name.
pub(crate) struct Components<'a>(pub(crate) Files<'a>);

impl Catalog for Components<'_> {
    fn lookup(&self, kind: Kind, r#type: &str) -> Lookup {
        if let Some(entry) = find(kind, r#type) {
            return Lookup::Known {
                canonical: entry.r#type,
                deprecated_alias: entry.r#type != r#type,
                signals: entry.signals,
            };
        }
        if let Some(instead) = elsewhere::instead(kind, r#type) {
            return Lookup::Unsupported { instead: instead.to_owned() };
        }
        let names = entries().filter(|entry| entry.kind == kind).flat_map(Entry::names);
        Lookup::Unknown { nearest: host_config::nearest(r#type, names).map(str::to_owned) }
    }

    fn check(&self, kind: Kind, id: &ComponentId, value: &Value, errors: &mut Errors) {
        let Some(entry) = find(kind, id.r#type()) else { return };
        if let Err(wrong) = (entry.check)(value, &self.0) {
            errors.extend(wrong);
        }
    }

    fn instead_of_key(&self, path: &str) -> Option<&'static str> {
        let unserved = |kind, id: &str, key: &str| {
            let r#type = id.split_once('/').map_or(id, |(r#type, _)| r#type);
            elsewhere::key(kind, find(kind, r#type)?.r#type, key)
        };
        let (section, rest) = path.split_once('.')?;
        let kind = match section {
            "receivers" => Kind::Receiver,
            "processors" => Kind::Processor,
            "exporters" => Kind::Exporter,
            "connectors" => Kind::Connector,
            "extensions" => Kind::Extension,
            _ => return elsewhere::key_of_service(path),
        };
        let (id, key) = rest.split_once('.')?;
        unserved(kind, id, key)
    }

    fn check_authenticator(&self, user: &Component, extension: &Component) -> Result<(), String> {
        extensions::check(user, extension)
    }

    fn check_own_authenticator(&self, extension: &Component) -> Result<(), String> {
        extensions::check_server("endpoint for metrics", extension)
    }

    fn check_own_tls(&self, section: &Value, errors: &mut Errors) {
        if let Err(wrong) = endpoints::check_tls(section, &self.0) {
            errors.extend(wrong);
        }
    }

    fn check_storage(&self, extension: &Component) -> Result<(), String> {
        storage::check(extension)
    }

    fn check_elector(&self, extension: &Component) -> Result<(), String> {
        elections::check(extension)
    }

    fn doubts(&self, component: &Component) -> Vec<Warning> {
        storage::doubts(component)
    }

    fn check_in(&self, kind: Kind, id: &ComponentId, signal: Signal, value: &Value, errors: &mut Errors) {
        let entry = find(kind, id.r#type()).filter(|entry| entry.signals.contains(&signal));
        let guest = entry.and_then(|entry| entry.guest.as_ref());
        if let Some(problem) = guest.and_then(|guest| guest.problem_in(signal, value)) {
            errors.push(problem);
        }
        if kind == Kind::Exporter
            && canonical(kind, id) == "load_balancing"
            && let Ok(config) = value.decode::<host_exporters::load_balancing::Config>()
            && let Some(told) = config.problem_in(signal)
        {
            errors.push(value.problem_at(&["routing_key"], told));
        }
    }

    fn why_first(&self, id: &ComponentId) -> Option<&'static str> {
        let is_limiter = canonical(Kind::Processor, id) == "memory_limiter";
        is_limiter.then_some("what it refuses has been processed by those before it, which takes memory, too")
    }

    fn routes(&self, id: &ComponentId, signal: Signal, value: &Value) -> Vec<String> {
        let guest = find(Kind::Connector, id.r#type()).and_then(|entry| entry.guest.as_ref());
        guest.map(|guest| guest.routes(signal, value)).unwrap_or_default()
    }

    fn wrongs_of_telemetry(&self, telemetry: &Telemetry) -> Vec<Wrong> {
        own::wrongs(telemetry, &self.0)
    }

    fn check_modules(&self, value: &Value, errors: &mut Errors) {
        if let Err(wrong) = value.checked::<host_modules::ModulesSection>(&self.0) {
            errors.extend(wrong);
        }
    }
}
