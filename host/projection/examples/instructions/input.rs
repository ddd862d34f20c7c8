//! Input of the shape that the benches send: pods of a Kubernetes estate, and a little personal data.

use host_otlp::{Limits, Payload, Signal, check};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

/// E-mail, payment card, US social security number, IPv4.
pub(crate) const PATTERNS: [&str; 4] = [
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"\b(?:\d{4}[- ]?){3}\d{4}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
];

/// Resources with so many log records each.
pub(crate) fn logs(resources: usize, records: usize) -> Payload {
    let mut rng = Rng(1);
    let resource_logs = (0..resources).map(|_| ResourceLogs {
        resource: Some(resource(&mut rng)),
        scope_logs: vec![ScopeLogs {
            scope: Some(scope("io.example.logging")),
            log_records: (0..records).map(|_| record(&mut rng)).collect(),
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    });
    let request = ExportLogsServiceRequest { resource_logs: resource_logs.collect() };
    payload(Signal::Logs, &request)
}

/// 100 spans of 4 resources.
pub(crate) fn spans() -> Payload {
    let mut rng = Rng(2);
    let resource_spans = (0..4).map(|_| ResourceSpans {
        resource: Some(resource(&mut rng)),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope("io.opentelemetry.tomcat-10.0")),
            spans: (0..25).map(|_| span(&mut rng)).collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    });
    let request = ExportTraceServiceRequest { resource_spans: resource_spans.collect() };
    payload(Signal::Traces, &request)
}

fn payload(signal: Signal, request: &impl Message) -> Payload {
    check(signal, request.encode_to_vec().into(), &Limits::default()).expect("an encoder wrote it")
}

/// A small generator of numbers that are the same in each run.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len() as u64) as usize]
    }

    fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from_digit(self.below(16) as u32, 16).expect("a hexadecimal digit")).collect()
    }

    fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|len| self.hex(len)).join("-")
    }
}

const SERVICES: [&str; 6] = ["checkout", "cart", "payment", "catalog", "frontend", "shipping"];
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const ROUTES: [&str; 5] =
    ["/api/v1/orders/{id}", "/api/v1/carts/{id}/items", "/api/v1/products", "/healthz", "/api/v2/search"];
const WORDS: [&str; 16] = [
    "request",
    "completed",
    "upstream",
    "connection",
    "timeout",
    "retrying",
    "cache",
    "miss",
    "order",
    "accepted",
    "queue",
    "depth",
    "worker",
    "finished",
    "handler",
    "returned",
];

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn integer(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(value as i64))
}

fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope { name: name.to_owned(), version: "1.32.0".to_owned(), ..InstrumentationScope::default() }
}

fn resource(rng: &mut Rng) -> Resource {
    let service = rng.pick(&SERVICES);
    let attributes = vec![
        text("service.name", service),
        text("service.version", format!("2.{}.{}", rng.below(20), rng.below(10))),
        text("service.instance.id", rng.uuid()),
        text("k8s.namespace.name", "shop"),
        text("k8s.deployment.name", service),
        text("k8s.pod.name", format!("{service}-{}-{}", rng.hex(10), rng.hex(5))),
        text("k8s.pod.uid", rng.uuid()),
        text("k8s.container.name", service),
        text("k8s.node.name", format!("ip-10-0-{}-{}.internal", rng.below(64), rng.below(256))),
        text("telemetry.sdk.language", "java"),
    ];
    Resource { attributes, ..Resource::default() }
}

fn email(rng: &mut Rng) -> String {
    format!("{}.{}@staff.example", rng.pick(&WORDS), rng.below(10_000))
}

fn address(rng: &mut Rng) -> String {
    format!("10.77.{}.{}", rng.below(256), 1 + rng.below(254))
}

/// 200 bytes of free text, some of it about people.
fn sentence(rng: &mut Rng) -> String {
    let mut text = String::new();
    if rng.chance(20) {
        text += &format!("user {} signed in; ", email(rng));
    }
    if rng.chance(20) {
        text += &format!("peer {} accepted; ", address(rng));
    }
    if rng.chance(5) {
        text += &format!("card 4929-{:04}-{:04}-{:04} charged; ", rng.below(9999), rng.below(9999), rng.below(9999));
    }
    if rng.chance(1) {
        text += &format!("ssn 917-{:02}-{:04} checked; ", 10 + rng.below(80), 1000 + rng.below(9000));
    }
    while text.len() < 200 {
        text += rng.pick(&WORDS);
        text += " ";
    }
    text.truncate(200);
    text
}

fn record(rng: &mut Rng) -> LogRecord {
    let last = match rng.chance(20) {
        true => text("enduser.id", email(rng)),
        false => attribute("retry", Value::BoolValue(rng.chance(10))),
    };
    LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000,
        observed_time_unix_nano: 1_700_000_000_000_000_000,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: Some(AnyValue { value: Some(Value::StringValue(sentence(rng))) }),
        attributes: vec![
            text("http.request.method", rng.pick(&METHODS)),
            text("url.path", rng.pick(&ROUTES)),
            integer("http.response.status_code", 200),
            text("client.address", address(rng)),
            text("request.id", rng.uuid()),
            text("logger.name", "com.example.web.OrderController"),
            text("thread.name", format!("http-nio-8080-exec-{}", rng.below(64))),
            integer("code.line.number", rng.below(900)),
            attribute("duration_ms", Value::DoubleValue(rng.below(100_000) as f64 / 100.0)),
            last,
        ],
        flags: 1,
        trace_id: rng.hex(16).into_bytes(),
        span_id: rng.hex(8).into_bytes(),
        ..LogRecord::default()
    }
}

fn span(rng: &mut Rng) -> Span {
    let (route, method) = (rng.pick(&ROUTES), rng.pick(&METHODS));
    let event = |rng: &mut Rng, name: &str| Event {
        time_unix_nano: 1_700_000_000_000_000_000,
        name: name.to_owned(),
        attributes: vec![text("db.statement.digest", rng.hex(16)), integer("rows", rng.below(500))],
        ..Event::default()
    };
    Span {
        trace_id: rng.hex(16).into_bytes(),
        span_id: rng.hex(8).into_bytes(),
        parent_span_id: rng.hex(8).into_bytes(),
        name: format!("{method} {route}"),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_001_000_000,
        attributes: vec![
            text("http.request.method", method),
            text("http.route", route),
            integer("http.response.status_code", 200),
            text("server.address", format!("{}.svc.cluster.local", rng.pick(&SERVICES))),
            integer("server.port", 8080),
            text("client.address", address(rng)),
            text("user_agent.original", "okhttp/4.12.0 (linux; x86_64) build 2219"),
            text("peer.service", rng.pick(&SERVICES)),
        ],
        events: vec![event(rng, "cache.lookup"), event(rng, "db.query")],
        flags: 0x101,
        ..Span::default()
    }
}
