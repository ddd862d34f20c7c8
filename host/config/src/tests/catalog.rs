//! A catalog of toys: two receivers, a processor, two connectors, an exporter.

use std::collections::BTreeMap;
use std::time::Duration;

use host_component::{ComponentId, Kind, Signal};
use serde::Deserialize;

use crate::{Catalog, Errors, Lookup, Value};

pub(super) struct Toy;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    default_pipelines: Vec<String>,
    table: Vec<Row>,
    /// The name of a route that no pipelines of the section make up.
    route: Option<String>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Row {
    pipelines: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Otlp {
    pub(super) protocols: Protocols,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Protocols {
    pub(super) grpc: Option<Server>,
    pub(super) http: Option<Server>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    pub(super) endpoint: String,
    pub(super) max_streams: u16,
    #[serde(deserialize_with = "crate::time::duration")]
    pub(super) idle: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Server { endpoint: "localhost:4317".to_owned(), max_streams: 100, idle: Duration::from_secs(60) }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Debug {
    pub(super) verbosity: Verbosity,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) ratio: f64,
    pub(super) shards: Vec<u8>,
    pub(super) offset: i32,
    pub(super) pin: Option<String>,
    pub(super) color: bool,
    pub(super) target: Target,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verbosity {
    #[default]
    Basic,
    Normal,
    Detailed,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    #[default]
    Stdout,
    File {
        path: String,
    },
    Level(u8),
}

const TYPES: [(Kind, &str, &[Signal]); 8] = [
    (Kind::Receiver, "otlp", &Signal::ALL),
    (Kind::Receiver, "file_log", &[Signal::Logs]),
    (Kind::Processor, "batch", &Signal::ALL),
    (Kind::Processor, "memory_limiter", &Signal::ALL),
    (Kind::Exporter, "debug", &Signal::ALL),
    (Kind::Connector, "forward", &Signal::ALL),
    (Kind::Connector, "routing", &Signal::ALL),
    (Kind::Extension, "health_check", &Signal::ALL),
];

impl Catalog for Toy {
    fn lookup(&self, kind: Kind, r#type: &str) -> Lookup {
        let (wanted, deprecated_alias) = if r#type == "filelog" { ("file_log", true) } else { (r#type, false) };
        if let Some((_, canonical, signals)) = TYPES.iter().find(|(k, name, _)| *k == kind && *name == wanted) {
            return Lookup::Known { canonical, deprecated_alias, signals };
        }
        if r#type == "transform" {
            return Lookup::Unsupported { instead: "write it as a `wasm` processor".to_owned() };
        }
        let names = TYPES.iter().filter(|(k, ..)| *k == kind).map(|(_, name, _)| *name);
        Lookup::Unknown { nearest: crate::nearest(r#type, names).map(str::to_owned) }
    }

    fn check(&self, _kind: Kind, id: &ComponentId, value: &Value, errors: &mut Errors) {
        let wrong = match id.r#type() {
            "otlp" => value.decode::<Otlp>().err(),
            "debug" => value.decode::<Debug>().err(),
            _ => None,
        };
        if let Some(wrong) = wrong {
            errors.extend(wrong);
        }
    }

    fn check_in(&self, kind: Kind, id: &ComponentId, signal: Signal, value: &Value, errors: &mut Errors) {
        if kind == Kind::Exporter && id.to_string() == "debug/logs_alone" && signal != Signal::Logs {
            errors.push(value.problem(format!("it takes no {signal}")));
        }
    }

    fn why_first(&self, id: &ComponentId) -> Option<&'static str> {
        (id.r#type() == "memory_limiter").then_some("it refuses what comes")
    }

    fn routes(&self, id: &ComponentId, _: Signal, value: &Value) -> Vec<String> {
        let table: Table = if id.r#type() == "routing" { value.decode().unwrap_or_default() } else { Table::default() };
        let rows = table.table.into_iter().map(|row| row.pipelines);
        [table.default_pipelines]
            .into_iter()
            .chain(rows)
            .filter(|row| !row.is_empty())
            .map(|pipelines| pipelines.join(", "))
            .chain(table.route)
            .collect()
    }
}
