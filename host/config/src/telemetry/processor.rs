//! How own records leave: batched, over OTLP, by the keys of the Collector, which are those of `opentelemetry-configuration` 0.3.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::check::Wrong;
use crate::secret::Secret;

/// One of `processors`: `batch` or `simple`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Processor {
    /// Gathers records for a while.
    pub batch: Option<Batch>,
    /// Sends what there is at once.
    pub simple: Option<Simple>,
}

/// Times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// How long records wait for others: 1,000 for logs and 5,000 for traces, unless it is set.
    pub schedule_delay: Option<u64>,
    /// How long a batch is tried to be sent: 30,000 unless it is set.
    pub export_timeout: Option<u64>,
    /// Records that may wait: 2,048 unless it is set. What comes when there are as many is dropped and counted.
    pub max_queue_size: Option<usize>,
    /// Records in a request: 512 unless it is set.
    pub max_export_batch_size: Option<usize>,
    pub exporter: Exporter,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Simple {
    pub exporter: Exporter,
}

/// Where records go.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exporter {
    pub otlp: Option<OwnOtlp>,
}

/// An exporter of OTLP for the collector's own telemetry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OwnOtlp {
    pub protocol: Option<Protocol>,
    /// `http://host:port` or `https://host:port`; without a scheme `insecure` decides which it is.
    pub endpoint: String,
    /// Whether an endpoint without a scheme is asked in the clear.
    pub insecure: bool,
    /// Sent with each request: a list of `name` and `value`.
    pub headers: OwnHeaders,
    /// More of them, as `name=value,name=value`.
    pub headers_list: Secret,
    pub compression: OwnCompression,
    /// Milliseconds that one attempt may take: 10,000 unless it is set.
    pub timeout: Option<u64>,
    /// The authority of the peer's certificate.
    pub certificate: PathBuf,
    /// What is shown to the peer.
    pub client_certificate: PathBuf,
    pub client_key: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Protocol {
    #[serde(rename = "grpc")]
    Grpc,
    #[serde(rename = "http/protobuf")]
    Http,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnCompression {
    #[default]
    None,
    Gzip,
}

/// Headers as a list of names and values, or as the mapping that the Collector's older form is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnHeaders(pub Vec<(String, Secret)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value: Secret,
}

impl<'de> Deserialize<'de> for OwnHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = OwnHeaders;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of headers, each with `name` and `value`")
            }

            fn visit_unit<E>(self) -> Result<OwnHeaders, E> {
                Ok(OwnHeaders::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OwnHeaders, A::Error> {
                let mut headers = Vec::new();
                while let Some(Header { name, value }) = list.next_element()? {
                    headers.push((name, value));
                }
                Ok(OwnHeaders(headers))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OwnHeaders, A::Error> {
                let mut headers = Vec::new();
                while let Some(header) = map.next_entry()? {
                    headers.push(header);
                }
                Ok(OwnHeaders(headers))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for OwnHeaders {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OwnHeaders".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = || json_schema!({ "type": "string" });
        json_schema!({
            "anyOf": [
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": { "name": text(), "value": text() },
                        "required": ["name", "value"],
                        "additionalProperties": false,
                    },
                },
                { "type": "object", "additionalProperties": text() },
            ],
        })
    }
}

/// How records are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    pub delay: Duration,
    pub timeout: Duration,
    pub queue: usize,
    pub size: usize,
}

impl Processor {
    /// How it gathers records, of which those that wait for others do so for `delay`.
    pub fn batching(&self, delay: Duration) -> Batching {
        let defaults = Batch::default();
        let batch = self.batch.as_ref().unwrap_or(&defaults);
        let queue = batch.max_queue_size.unwrap_or(2048);
        let millis = |written: Option<u64>, default| written.map_or(default, milliseconds);
        Batching {
            delay: if self.simple.is_some() { Duration::ZERO } else { millis(batch.schedule_delay, delay) },
            timeout: millis(batch.export_timeout, Duration::from_secs(30)),
            queue,
            // What is gathered waits, too.
            size: batch.max_export_batch_size.unwrap_or(512).min(queue),
        }
    }

    /// Where it sends them, and the keys that lead there.
    pub fn otlp(&self) -> Option<(&'static str, &OwnOtlp)> {
        let batch = self.batch.as_ref().map(|batch| ("batch.exporter.otlp", &batch.exporter));
        let (key, exporter) =
            batch.or_else(|| self.simple.as_ref().map(|simple| ("simple.exporter.otlp", &simple.exporter)))?;
        Some((key, exporter.otlp.as_ref()?))
    }
}

/// A duration that was written in milliseconds. A year is for ever, and a clock can add it to the time.
pub fn milliseconds(written: u64) -> Duration {
    const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
    Duration::from_millis(written).min(FOREVER)
}

/// What makes no sense in `processors`, which stand at `at`.
pub(super) fn wrongs(processors: &[Processor], at: &str) -> Vec<Wrong> {
    let of = |(index, processor): (usize, &Processor)| {
        let at = format!("{at}[{index}]");
        let wrongs = wrongs_of(processor).into_iter();
        wrongs.map(move |(key, message)| Wrong::new(format!("{at}{key}"), message)).collect::<Vec<_>>()
    };
    processors.iter().enumerate().flat_map(of).collect()
}

fn wrongs_of(processor: &Processor) -> Vec<(String, &'static str)> {
    if processor.batch.is_some() == processor.simple.is_some() {
        return vec![(String::new(), "a processor is either `batch` or `simple`: write one of them")];
    }
    let mut wrongs = Vec::new();
    if let Some(batch) = &processor.batch {
        let rules = [
            ("export_timeout", batch.export_timeout == Some(0)),
            ("max_queue_size", batch.max_queue_size == Some(0)),
            ("max_export_batch_size", batch.max_export_batch_size == Some(0)),
        ];
        let broken = rules.into_iter().filter(|(_, is_broken)| *is_broken);
        wrongs.extend(broken.map(|(key, _)| (format!(".batch.{key}"), "it has to be more than 0")));
    }
    let kind = if processor.batch.is_some() { "batch" } else { "simple" };
    match processor.otlp() {
        None => wrongs.push((
            format!(".{kind}.exporter"),
            "the exporter is missing: write `otlp` with its `protocol` and `endpoint`",
        )),
        Some((key, otlp)) => {
            if otlp.protocol.is_none() {
                wrongs.push((format!(".{key}.protocol"), "the protocol is missing: write `grpc` or `http/protobuf`"));
            }
            if otlp.endpoint.is_empty() {
                wrongs.push((
                    format!(".{key}.endpoint"),
                    "the endpoint is missing: write `http://host:port` or `https://host:port`",
                ));
            }
        }
    }
    wrongs
}
