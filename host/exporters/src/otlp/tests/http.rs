//! The `otlp_http` exporter: what it sends, and what it makes of the answers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use host_component::{Authenticators, Delivery, Exporter, Failure, Outcome, Payload};
use host_config::Secret;
use host_config::delivery::Retry;
use host_otlp::wire::{WireType, put_len, put_tag, put_varint};
use host_otlp::{Limits, Signal, check, json};
use host_telemetry::Metrics;

use super::http_hop::{Answer, HttpHop};
use super::{joined, logs, never};
use crate::Deps;
use crate::HttpCompression;
use crate::otlp::{BuildError, Encoding, HttpConfig};

/// An exporter under test; unlike by default it does not compress and hardly waits between attempts.
struct Script {
    exporter: Arc<dyn Exporter>,
    metrics: Metrics,
}

fn build(config: HttpConfig, id: &str, metrics: &Metrics) -> Result<Arc<dyn Exporter>, BuildError> {
    let deps = Deps { base: Path::new("."), auth: &Authenticators::default(), metrics };
    config.build(&id.parse().unwrap(), &deps)
}

impl Script {
    fn new(hop: &HttpHop, change: impl FnOnce(&mut HttpConfig)) -> Script {
        let mut config = HttpConfig::default();
        config.endpoint = hop.endpoint();
        config.compression = HttpCompression::None;
        config.retry_on_failure = Retry { initial_interval: Duration::from_millis(1), ..Retry::default() };
        change(&mut config);
        let metrics = Metrics::new();
        let exporter = build(config, "otlp_http/next", &metrics).unwrap();
        Script { exporter, metrics }
    }

    async fn send(&self, payload: Payload) -> Outcome {
        self.exporter.consume(Delivery::new(payload)).await
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.render();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn posts_what_it_got_to_the_path_of_its_signal_over_one_connection() {
    let hop = HttpHop::start().await;
    let script = Script::new(&hop, |config| {
        config.endpoint.push_str("/otlp/");
        config.headers.insert("X-Tenant".to_owned(), Secret::new("blue"));
    });
    let payload = joined(&[logs(&["small"]), logs(&[&"large".repeat(20_000)]), logs(&["small"])]);
    for _ in 0..3 {
        assert_eq!(script.send(payload.clone()).await, Ok(()));
    }
    let request = hop.requests().remove(0);
    assert_eq!((request.path.as_str(), hop.connections()), ("/otlp/v1/logs", 1));
    assert_eq!(request.body, payload.contiguous());
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("application/x-protobuf"));
    assert_eq!(header("content-length"), Some(payload.len().to_string()));
    assert_eq!(header("x-tenant").as_deref(), Some("blue"));
    assert!(header("user-agent").unwrap().starts_with("tidegate/"));
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 9);
}

#[tokio::test]
async fn compresses_with_all_that_the_collector_has() {
    let hop = HttpHop::start().await;
    for (compression, name) in [
        (HttpCompression::Gzip, "gzip"),
        (HttpCompression::Zstd, "zstd"),
        (HttpCompression::Zlib, "zlib"),
        (HttpCompression::Deflate, "deflate"),
        (HttpCompression::Snappy, "snappy"),
        (HttpCompression::XSnappyFramed, "x-snappy-framed"),
        (HttpCompression::Lz4, "lz4"),
    ] {
        let script = Script::new(&hop, |config| config.compression = compression);
        let payload = joined(&[logs(&["small"]), logs(&[&"large".repeat(100_000)])]);
        assert_eq!(script.send(payload.clone()).await, Ok(()));
        let request = hop.requests().pop().unwrap();
        assert_eq!(request.headers["content-encoding"], name);
        assert_eq!(request.body, payload.contiguous(), "{name}");
    }
}

#[tokio::test]
async fn sends_json_where_that_is_wanted_and_keeps_it_within_the_size_of_a_request() {
    let hop = HttpHop::start().await;
    let script = Script::new(&hop, |config| {
        config.encoding = Encoding::Json;
        config.max_request_size = 1000;
    });
    assert_eq!(script.send(logs(&["\n".repeat(100).as_str(); 12])).await, Ok(()));
    let mut items = 0;
    for request in hop.requests() {
        assert_eq!(request.headers["content-type"], "application/json");
        assert!(request.body.len() <= 1000, "{}", request.body.len());
        let read = json::read(Signal::Logs, &request.body, &Limits::default(), 10_000, &mut |_| true).unwrap();
        items += check(Signal::Logs, read.bytes, &Limits::default()).unwrap().items();
    }
    assert_eq!((items, script.metric("otelcol_exporter_sent_log_records")), (12, 12));
}

#[tokio::test]
async fn tries_again_after_the_statuses_that_may_pass_and_no_others() {
    for status in [301, 400, 401, 403, 404, 408, 413, 415, 429, 500, 501, 502, 503, 504] {
        let hop = HttpHop::start().await;
        hop.answers_next(Answer::status(status));
        let script = Script::new(&hop, |_| ());
        let outcome = script.send(logs(&["a"])).await;
        if [429, 502, 503, 504].contains(&status) {
            assert_eq!((outcome, hop.requests().len()), (Ok(()), 2), "{status}");
        } else {
            assert!(outcome.unwrap_err().is_permanent(), "{status}");
            assert_eq!(hop.requests().len(), 1, "{status}");
            assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 1);
        }
    }
}

#[tokio::test]
async fn waits_as_long_as_the_next_hop_asks() {
    let hop = HttpHop::start().await;
    hop.answers_next(Answer::Reply(503, &[("retry-after", "1")], Bytes::new()));
    let script = Script::new(&hop, |_| ());
    let before = Instant::now();
    assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    assert!(before.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_pause_is_asked_for_in_seconds_or_as_a_date() {
    let after = |value: &str| {
        let mut headers = http::HeaderMap::new();
        headers.insert("retry-after", value.parse().unwrap());
        let answer = crate::http::Answer { status: http::StatusCode::TOO_MANY_REQUESTS, headers, body: Bytes::new() };
        match answer.denial(|status| status == 429) {
            crate::sending::Denial::Failed(Failure::Retryable { after, .. }) => after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(after("7"), Some(Duration::from_secs(7)));
    assert_eq!(after("999999999999"), Some(Duration::from_secs(86_400)));
    let date = |at: SystemTime| after(&httpdate::fmt_http_date(at)).unwrap();
    let soon = date(SystemTime::now() + Duration::from_secs(100));
    assert!((90..=100).contains(&soon.as_secs()), "{soon:?}");
    assert_eq!(date(SystemTime::now() - Duration::from_secs(100)), Duration::ZERO);
    assert_eq!(after("soon"), None);
}

#[tokio::test]
async fn tells_what_the_next_hop_says() {
    let mut status = Vec::new();
    put_tag(&mut status, 1, WireType::Varint);
    put_varint(&mut status, 3);
    put_len(&mut status, 2, b"no such\ntenant");
    let hop = HttpHop::start().await;
    let script = Script::new(&hop, |_| ());
    for (media_type, body, told) in [
        (&[("content-type", "application/x-protobuf")][..], status, "HTTP 400 Bad Request: no such tenant"),
        (
            &[("content-type", "application/json; charset=utf-8")],
            br#"{"code":3,"message":"no tenant"}"#.to_vec(),
            "no tenant",
        ),
        (&[("content-type", "text/plain")], b"no\ttenant at all\n".to_vec(), "no tenant at all"),
        (&[("content-type", "text/html")], b"<html>".to_vec(), "HTTP 400 Bad Request"),
        (&[("content-type", "application/x-protobuf")], vec![0xff; 50], "HTTP 400 Bad Request"),
        (&[("content-type", "application/json")], b"{".to_vec(), "HTTP 400 Bad Request"),
    ] {
        hop.answers_next(Answer::Reply(400, media_type, body.into()));
        let failure = script.send(logs(&["a"])).await.unwrap_err();
        assert!(failure.to_string().ends_with(told), "{failure}");
    }
    hop.answers_next(Answer::Reply(307, &[("location", "http://elsewhere/")], Bytes::new()));
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    assert!(failure.to_string().ends_with("set the endpoint to http://elsewhere/"), "{failure}");
}

#[tokio::test]
async fn counts_what_the_next_hop_rejects_and_does_not_send_it_again() {
    let mut inner = Vec::new();
    put_tag(&mut inner, 1, WireType::Varint);
    put_varint(&mut inner, 2);
    put_len(&mut inner, 2, b"too old");
    let mut partial = Vec::new();
    put_len(&mut partial, 1, &inner);
    let hop = HttpHop::start().await;
    let script = Script::new(&hop, |_| ());
    for (n, (media_type, body)) in [
        (&[("content-type", "application/x-protobuf")][..], partial),
        (
            &[("content-type", "application/json")],
            br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}"#.to_vec(),
        ),
        (&[("content-type", "application/json")], br#"{"partialSuccess":{"rejectedLogRecords":2}}"#.to_vec()),
    ]
    .into_iter()
    .enumerate()
    {
        hop.answers_next(Answer::Reply(200, media_type, body.into()));
        assert_eq!(script.send(logs(&["a", "b", "c"])).await, Ok(()));
        let n = n as u64 + 1;
        assert_eq!(hop.requests().len() as u64, n);
        assert_eq!(script.metric("otelcol_exporter_sent_log_records"), n);
        assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 2 * n);
        assert_eq!(script.metric("tidegate_exporter_rejected_log_records"), 2 * n);
    }
    for body in [&b"{\"partialSuccess\":{}}"[..], b"{}", b"OK"] {
        hop.answers_next(Answer::Reply(200, &[("content-type", "application/json")], Bytes::from_static(body)));
        assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    }
    assert_eq!(script.metric("tidegate_exporter_rejected_log_records"), 6);
}

#[tokio::test]
async fn cuts_what_the_next_hop_finds_too_large_and_keeps_to_it() {
    let hop = HttpHop::start().await;
    hop.always_answers(Answer::Limit(200_000));
    let script = Script::new(&hop, |config| config.compression = HttpCompression::Gzip);
    let body = "x".repeat(90_000);
    for _ in 0..2 {
        assert_eq!(script.send(logs(&[body.as_str(); 7])).await, Ok(()));
        assert_eq!(script.metric("tidegate_exporter_requests_too_large"), 2, "the second time nothing is");
    }
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 14);
    let script = Script::new(&hop, |_| ());
    let of_the_collector = Bytes::from_static(b"http: request body too large");
    hop.answers_next(Answer::Reply(400, &[("content-type", "text/plain")], of_the_collector));
    assert_eq!(script.send(logs(&[body.as_str(); 2])).await, Ok(()));
    assert_eq!(script.metric("tidegate_exporter_requests_too_large"), 1);
}

#[tokio::test]
async fn says_why_there_is_no_answer() {
    let hop = HttpHop::start().await;
    let script = Script::new(&hop, |config| {
        config.timeout = Duration::from_millis(300);
        config.retry_on_failure = never();
    });
    hop.answers_next(Answer::Silence);
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("300ms")), "{failure:?}");
    assert_eq!(script.send(logs(&["b"])).await, Ok(()));

    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let script = Script::new(&hop, |config| {
        config.endpoint = format!("http://{address}");
        config.retry_on_failure = never();
    });
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    let told = failure.to_string();
    assert!(!failure.is_permanent() && told.contains(&address.to_string()) && told.contains("refused"), "{told}");
}

#[tokio::test]
async fn a_signal_without_an_endpoint_is_refused_and_the_others_go_where_they_should() {
    let hop = HttpHop::start().await;
    let script = Script::new(&hop, |config| {
        config.logs_endpoint = format!("{}/ingest/logs?tenant=a", config.endpoint);
        config.endpoint.clear();
    });
    assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    assert_eq!(hop.requests()[0].path, "/ingest/logs");
    let mut traces = host_otlp::build::Traces::new();
    traces.resource_spans(|spans| spans.scope_spans(|spans| spans.span(|span| span.name("a"))));
    let failure = script.send(traces.finish()).await.unwrap_err();
    assert!(failure.is_permanent() && failure.to_string().contains("traces_endpoint"), "{failure}");
}

#[test]
fn refuses_a_configuration_that_makes_no_sense() {
    let build = |settings: serde_json::Value| {
        let config: HttpConfig = serde_json::from_value(settings).unwrap();
        let built = self::build(config, "otlp_http", &Metrics::new());
        built.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let with =
        |key: &str, value: serde_json::Value| build(serde_json::json!({ "endpoint": "http://hub:4318", key: value }));
    let level = |compression: &str, level: i32| {
        let params = serde_json::json!({ "level": level });
        build(serde_json::json!({ "endpoint": "http://hub", "compression": compression, "compression_params": params }))
    };
    assert_eq!(with("compression", "".into()), "");
    assert_eq!(with("traces_endpoint", "http://other/v1/traces".into()), "");
    assert_eq!((level("gzip", 9), level("zstd", 11), level("zstd", 99), level("lz4", -1)), Default::default());
    assert!(level("gzip", 10).contains("from 1 to 9"));
    assert!(level("snappy", 1).contains("no levels"));
    assert!(build(serde_json::json!({})).contains("the endpoint is missing"));
    assert!(with("logs_endpoint", "hub:4318".into()).contains("no address"));
    assert!(with("endpoint", "hub:4318".into()).contains("no address"));
    assert!(with("endpoint", "ftp://hub".into()).contains("no address"));
    for key in ["endpoint", "traces_endpoint"] {
        let told = with(key, "https://me:secret@hub/x".into());
        assert!(told.contains(&format!("{key}: there is an `@` in it")) && !told.contains("secret"), "{told}");
    }
    assert_eq!(with("endpoint", "http://hub/@x".into()), "");
    assert!(with("headers", serde_json::json!({ "content-encoding": "x" })).contains("content-encoding"));
    assert_eq!(with("headers", serde_json::json!({ "host": "tenant.example" })), "");
    for key in ["proxy_url", "max_conns_per_host", "http2_ping_timeout", "cookies", "middlewares", "profiles_endpoint"]
    {
        assert!(with(key, serde_json::json!({})).contains(key), "{key}");
    }
}
