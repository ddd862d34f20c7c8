//! Datadog's intakes as their references describe them: logs v2, series v2, sketches, traces as OTLP, and the look-up of a
//! key, with their limits.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use serde_json::{Value, json};

use super::http::{Asked, Reply, Server};
use super::json::Members;

/// The key that it knows.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

const LOGS_BYTES: usize = 5_000_000;
const LOG_BYTES: usize = 1_000_000;
const LOGS: usize = 1000;
const METRICS_BYTES: usize = 5_242_880;
const METRICS_PACKED_BYTES: usize = 512_000;
const TRACES_BYTES: usize = 3_200_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Everything that it saw so far.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) logs: Vec<Value>,
    /// How many logs each request held.
    pub(crate) log_requests: Vec<usize>,
    pub(crate) series: Vec<Value>,
    /// How many bytes each request with series had, and how many when it was compressed.
    pub(crate) series_bytes: Vec<(usize, usize)>,
    pub(crate) sketches: Vec<Sketch>,
    pub(crate) traces: Vec<ExportTraceServiceRequest>,
    /// The value of `compute_stats` of each request with spans.
    pub(crate) with_stats: Vec<String>,
    /// Why requests were refused.
    pub(crate) refused: Vec<String>,
    /// How often a key was looked up.
    pub(crate) checks: usize,
    /// So many requests with data are answered with this status first, and with this time to wait.
    busy: (usize, u16, Option<u64>),
    /// The most bytes of a request with series, compressed, where it is less than the documented limit.
    series_limit: Option<usize>,
}

/// One distribution.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Sketch {
    #[prost(string, tag = "1")]
    pub(crate) metric: String,
    #[prost(string, tag = "2")]
    pub(crate) host: String,
    #[prost(string, repeated, tag = "4")]
    pub(crate) tags: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) dogsketches: Vec<Dogsketch>,
}

/// What is known of the values of a distribution at a time.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Dogsketch {
    #[prost(int64, tag = "1")]
    pub(crate) ts: i64,
    #[prost(int64, tag = "2")]
    pub(crate) cnt: i64,
    #[prost(double, tag = "3")]
    pub(crate) min: f64,
    #[prost(double, tag = "4")]
    pub(crate) max: f64,
    #[prost(double, tag = "5")]
    pub(crate) avg: f64,
    #[prost(double, tag = "6")]
    pub(crate) sum: f64,
    #[prost(sint32, repeated, tag = "7")]
    pub(crate) k: Vec<i32>,
    #[prost(uint32, repeated, tag = "8")]
    pub(crate) n: Vec<u32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Sketches {
    #[prost(message, repeated, tag = "1")]
    pub(crate) sketches: Vec<Sketch>,
}

/// The server; it ends when it is dropped.
pub(crate) struct Datadog {
    server: Server,
    taken: Arc<Mutex<Taken>>,
}

impl Datadog {
    pub(crate) async fn start() -> Self {
        let taken: Arc<Mutex<Taken>> = Arc::default();
        let kept = Arc::clone(&taken);
        let server = Server::start(move |asked| answer(&asked, &mut kept.lock().unwrap())).await;
        Datadog { server, taken }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Answers so many requests with this status, and with this time to wait, before it takes any.
    pub(crate) fn busy(&self, requests: usize, status: u16, after: Option<u64>) {
        self.taken.lock().unwrap().busy = (requests, status, after);
    }

    /// Takes no larger requests with series from here on.
    pub(crate) fn limit_series(&self, bytes: usize) {
        self.taken.lock().unwrap().series_limit = Some(bytes);
    }

    /// Looks at what was taken.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Taken) -> T) -> T {
        look(&self.taken.lock().unwrap())
    }
}

/// Why a request is refused.
struct Wrong(u16, String);

fn bad(why: impl Into<String>) -> Wrong {
    Wrong(400, why.into())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn answer(asked: &Asked, taken: &mut Taken) -> Reply {
    let result = match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/api/v1/validate") => {
            taken.checks += 1;
            authorized(asked).map(|()| Reply::json(200, &json!({ "valid": true })))
        }
        ("POST", "/api/v2/logs") => data(asked, taken, logs),
        ("POST", "/api/v2/series") => data(asked, taken, series),
        ("POST", "/api/beta/sketches") => data(asked, taken, sketches),
        ("POST", "/v1/traces") => data(asked, taken, traces),
        (method, path) => Err(Wrong(404, format!("there is no {method} {path}"))),
    };
    result.unwrap_or_else(|Wrong(status, why)| {
        taken.refused.push(format!("{status}: {why}"));
        Reply::json(status, &json!({ "errors": [why] }))
    })
}

fn authorized(asked: &Asked) -> Result<(), Wrong> {
    match asked.headers.get("dd-api-key").map(String::as_str) {
        Some(KEY) => Ok(()),
        Some(_) => Err(Wrong(403, "Forbidden".to_owned())),
        None => Err(Wrong(401, "Unauthorized".to_owned())),
    }
}

fn data(
    asked: &Asked,
    taken: &mut Taken,
    keep: fn(&Asked, &mut Taken) -> Result<Reply, Wrong>,
) -> Result<Reply, Wrong> {
    authorized(asked)?;
    let (left, status, after) = taken.busy;
    if left > 0 {
        taken.busy.0 -= 1;
        let mut reply = Reply::json(status, &json!({ "errors": ["busy"] }));
        reply.headers.extend(after.map(|after| ("retry-after", after.to_string())));
        return Ok(reply);
    }
    keep(asked, taken)
}

/// The body, as long as it is of this kind and size.
fn body<'a>(asked: &'a Asked, kind: &str, most: usize, most_packed: usize) -> Result<&'a [u8], Wrong> {
    if asked.header("content-type") != kind {
        return Err(Wrong(415, format!("{} is not {kind}", asked.header("content-type"))));
    }
    let plain = asked.plain(&["gzip", "deflate", "zstd"]).map_err(|why| Wrong(415, why))?;
    for (len, most) in [(plain.len(), most), (asked.body.len(), most_packed)] {
        if len > most {
            return Err(Wrong(413, format!("Payload too big: {len} bytes are more than {most}")));
        }
    }
    Ok(plain)
}

fn logs(asked: &Asked, taken: &mut Taken) -> Result<Reply, Wrong> {
    let plain = body(asked, "application/json", LOGS_BYTES, LOGS_BYTES)?;
    let all: Vec<Members> = serde_json::from_slice(plain).map_err(|error| bad(error.to_string()))?;
    if all.is_empty() || all.len() > LOGS {
        return Err(bad(format!("{} logs in a request, where there may be 1 to {LOGS}", all.len())));
    }
    for log in &all {
        check(log)?;
    }
    taken.log_requests.push(all.len());
    taken.logs.extend(all.into_iter().map(|log| Value::Object(log.0.into_iter().collect())));
    Ok(Reply::json(202, &json!({})))
}

/// One log.
fn check(log: &Members) -> Result<(), Wrong> {
    let texts = ["message", "status", "hostname", "service", "ddsource", "ddtags", "dd.trace_id", "dd.span_id"];
    if let Some(name) = log.not_text(&texts) {
        return Err(bad(format!("{name} is no text")));
    }
    let value = Value::Object(log.0.iter().cloned().collect());
    let len = value.to_string().len();
    if len > LOG_BYTES {
        return Err(Wrong(413, format!("a log of {len} bytes")));
    }
    if log.get("message").is_none() {
        return Err(bad("there is no message"));
    }
    let text = |name| log.get(name).and_then(Value::as_str).unwrap_or_default();
    if let Some(tag) = text("ddtags").split(',').find(|tag| !tag.is_empty() && !tag.contains(':')) {
        return Err(bad(format!("{tag:?} is no tag")));
    }
    for name in ["dd.trace_id", "dd.span_id"] {
        if !text(name).is_empty() && text(name).parse::<u64>().is_err() {
            return Err(bad(format!("{name} is no decimal number: {}", text(name))));
        }
    }
    if let Some(timestamp) = log.get("timestamp") {
        let seconds =
            timestamp.as_i64().map(|millis| millis / 1000).ok_or_else(|| bad("no timestamp in milliseconds"))?;
        if !(now() - 18 * HOUR..=now() + 10 * MINUTE).contains(&seconds) {
            return Err(bad(format!("the timestamp {timestamp} is not within the last 18 hours")));
        }
    }
    Ok(())
}

fn series(asked: &Asked, taken: &mut Taken) -> Result<Reply, Wrong> {
    let most = taken.series_limit.unwrap_or(METRICS_PACKED_BYTES);
    let plain = body(asked, "application/json", METRICS_BYTES, most)?;
    let payload: Members = serde_json::from_slice(plain).map_err(|error| bad(error.to_string()))?;
    let all = payload.get("series").and_then(Value::as_array).filter(|all| !all.is_empty() && payload.0.len() == 1);
    let all = all.ok_or_else(|| bad("it is `series` and a list that are wanted"))?;
    for one in all {
        check_series(one)?;
    }
    taken.series_bytes.push((plain.len(), asked.body.len()));
    taken.series.extend(all.iter().cloned());
    Ok(Reply::json(202, &json!({ "errors": [] })))
}

fn check_series(one: &Value) -> Result<(), Wrong> {
    let members = one.as_object().ok_or_else(|| bad("a series is an object"))?;
    let known = ["metric", "type", "points", "unit", "interval", "tags", "resources", "source_type_name", "metadata"];
    if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(bad(format!("{other} is no member of a series")));
    }
    name(one["metric"].as_str().unwrap_or_default())?;
    let kind = one["type"].as_u64().filter(|kind| *kind < 4).ok_or_else(|| bad(format!("type {}", one["type"])))?;
    if let Some(interval) = one.get("interval") {
        let is_right = interval.as_i64().is_some_and(|interval| interval > 0) && (kind == 1 || kind == 2);
        is_right.then_some(()).ok_or_else(|| bad(format!("an interval of {interval} for type {kind}")))?;
    }
    let points = one["points"].as_array().filter(|points| !points.is_empty()).ok_or_else(|| bad("no points"))?;
    for point in points {
        let is_whole = point.as_object().is_some_and(|point| point.len() == 2);
        let seconds = point["timestamp"].as_i64().filter(|_| is_whole && point["value"].is_number());
        time(seconds.ok_or_else(|| bad(format!("{point} is no point")))?)?;
    }
    let texts = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
    if !one["tags"].is_null() && !texts(&one["tags"]) || !one["unit"].is_null() && !one["unit"].is_string() {
        return Err(bad(format!("tags or unit: {one}")));
    }
    for resource in one["resources"].as_array().into_iter().flatten() {
        if !resource["name"].is_string() || !resource["type"].is_string() {
            return Err(bad(format!("{resource} is no resource")));
        }
    }
    Ok(())
}

/// The name of a metric: at most 200 letters, digits, underscores and full stops, the first a letter.
fn name(metric: &str) -> Result<(), Wrong> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let is_right = metric.starts_with(|c: char| c.is_ascii_alphabetic()) && metric.chars().all(is_known);
    if is_right && metric.len() <= 200 { Ok(()) } else { Err(bad(format!("{metric:?} is no name of a metric"))) }
}

/// The time of a point: no more than an hour ago, and ten minutes ahead.
fn time(seconds: i64) -> Result<(), Wrong> {
    let is_near = (now() - HOUR..=now() + 10 * MINUTE).contains(&seconds);
    if is_near { Ok(()) } else { Err(bad(format!("{seconds} is not within the last hour"))) }
}

fn sketches(asked: &Asked, taken: &mut Taken) -> Result<Reply, Wrong> {
    let plain = body(asked, "application/x-protobuf", METRICS_BYTES, METRICS_PACKED_BYTES)?;
    let Sketches { sketches } = Sketches::decode(plain).map_err(|error| bad(error.to_string()))?;
    if sketches.is_empty() {
        return Err(bad("no sketches"));
    }
    for sketch in &sketches {
        name(&sketch.metric)?;
        if sketch.dogsketches.is_empty() {
            return Err(bad("no points"));
        }
        for point in &sketch.dogsketches {
            time(point.ts)?;
            check_bins(point).map_err(|why| bad(format!("{why}: {point:?}")))?;
        }
    }
    taken.sketches.extend(sketches);
    Ok(Reply::json(202, &json!({})))
}

fn check_bins(point: &Dogsketch) -> Result<(), &'static str> {
    let Dogsketch { cnt, min, max, avg, sum, k, n, .. } = point;
    let counted: i64 = n.iter().map(|n| i64::from(*n)).sum();
    let is_sum_right = (avg * *cnt as f64 - sum).abs() <= 1e-6 * sum.abs().max(1.0);
    match () {
        () if *cnt < 1 => Err("it holds nothing"),
        () if k.len() != n.len() || k.len() > 4096 => Err("bins and their counts do not fit together"),
        () if !k.is_sorted() => Err("its bins are not sorted"),
        () if n.iter().any(|n| *n == 0 || *n > 65_535) => Err("a bin holds nothing, or too much"),
        () if counted != *cnt => Err("its bins hold something else than it says"),
        () if ![min, max, avg, sum].iter().all(|number| number.is_finite()) => Err("a number has no end"),
        () if min > max || !is_sum_right => Err("its numbers contradict each other"),
        () => Ok(()),
    }
}

fn traces(asked: &Asked, taken: &mut Taken) -> Result<Reply, Wrong> {
    let plain = body(asked, "application/x-protobuf", TRACES_BYTES, TRACES_BYTES)?;
    let request = ExportTraceServiceRequest::decode(plain).map_err(|error| bad(error.to_string()))?;
    taken.traces.push(request);
    taken.with_stats.push(asked.header("compute_stats").to_owned());
    let headers = vec![("content-type", "application/x-protobuf".to_owned())];
    Ok(Reply { status: 200, headers, body: Vec::new() })
}
