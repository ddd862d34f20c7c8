//! The checkers refuse what they should, each for its reason, and take what is right.

use std::time::SystemTime;

use host_compression::{Coding, pack};
use prost::Message as _;
use serde_json::{Value, json};

use super::datadog::{Datadog, Dogsketch, KEY, Sketch, Sketches};
use super::http::ask;
use super::splunk::{self, Splunk, TOKEN};

const EVENT: &str = "/services/collector/event";
const CHANNEL: &str = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0";

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack(Coding::Gzip, None, std::iter::once(plain), plain.len(), &mut out).unwrap();
    out
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// The status and the code with which Splunk answers.
async fn told(splunk: &Splunk, target: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, i64) {
    let (status, answer) = ask(splunk.address(), "POST", target, headers, body).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    (status, answer["code"].as_i64().unwrap())
}

#[tokio::test]
async fn splunk_tells_what_is_wrong_with_an_event_by_its_code() {
    let splunk = Splunk::start(splunk::Manner::default()).await;
    let token = format!("Splunk {TOKEN}");
    let own = [("authorization", token.as_str())];
    for (body, wanted) in [
        (r#"{"event":"x"}"#, (200, 0)),
        (r#"{"event":{"a":[1]},"fields":{"a":1,"b":["x"],"c":true},"time":1.5,"host":"h"}{"event":1}"#, (200, 0)),
        (r#"{"event":"metric","fields":{"metric_name:a":1,"metric_name:b":0.5,"d":"x"}}"#, (200, 0)),
        ("", (400, 5)),
        (" \n", (400, 5)),
        (r#"{"event":"x""#, (400, 6)),
        (r#"[{"event":"x"}]"#, (400, 6)),
        (r#"{"event":"x","other":1}"#, (400, 6)),
        (r#"{"event":"x","event":"y"}"#, (400, 6)),
        (r#"{"event":"x","host":1}"#, (400, 6)),
        (r#"{"event":"x","time":-1}"#, (400, 6)),
        (r#"{"event":"x","time":"soon"}"#, (400, 6)),
        (r#"{"host":"h"}"#, (400, 12)),
        (r#"{"event":""}"#, (400, 13)),
        (r#"{"event":null}"#, (400, 13)),
        (r#"{"event":"x","fields":{"a":{"b":1}}}"#, (400, 15)),
        (r#"{"event":"x","fields":{"a":[[1]]}}"#, (400, 15)),
        (r#"{"event":"x","fields":{"a":null}}"#, (400, 15)),
        (r#"{"event":"x","fields":[]}"#, (400, 15)),
        (r#"{"event":"x","fields":{"a":1,"a":2}}"#, (400, 6)),
        (r#"{"event":"metric","fields":{"metric_name:a":"1"}}"#, (400, 15)),
        (r#"{"event":"metric","fields":{"a":"1"}}"#, (400, 15)),
        (r#"{"event":"metric","fields":{"metric_name:a":1,"d":2}}"#, (400, 15)),
        (r#"{"event":"metric","fields":{"metric_name:":1}}"#, (400, 15)),
    ] {
        assert_eq!(told(&splunk, EVENT, &own, body.as_bytes()).await, wanted, "{body}");
    }
    assert_eq!(splunk.with(|taken| (taken.events.len(), taken.bodies.len())), (4, 3), "a request is taken as a whole");
}

#[tokio::test]
async fn splunk_knows_its_token_its_size_and_its_addresses() {
    let splunk = Splunk::start(splunk::Manner { max_content_length: 40, ..splunk::Manner::default() }).await;
    let token = format!("Splunk {TOKEN}");
    let own = ("authorization", token.as_str());
    let small = r#"{"event":"x"}"#.as_bytes();
    assert_eq!(told(&splunk, EVENT, &[], small).await, (401, 2));
    assert_eq!(told(&splunk, EVENT, &[("authorization", "Bearer x")], small).await, (401, 3));
    assert_eq!(told(&splunk, EVENT, &[("authorization", "Splunk x")], small).await, (403, 4));
    assert_eq!(told(&splunk, "/services/other", &[own], small).await.0, 404);
    let large = format!(r#"{{"event":"{}"}}"#, "x".repeat(100));
    assert_eq!(told(&splunk, EVENT, &[own], large.as_bytes()).await.0, 413);
    let packed = gzip(large.as_bytes());
    assert_eq!(told(&splunk, EVENT, &[own, ("content-encoding", "gzip")], &packed).await.0, 413, "{}", packed.len());
    assert_eq!(told(&splunk, EVENT, &[own, ("content-encoding", "gzip")], &gzip(small)).await, (200, 0));
    assert_eq!(told(&splunk, EVENT, &[own, ("content-encoding", "zstd")], small).await, (400, 6));
    assert_eq!(told(&splunk, EVENT, &[own, ("content-encoding", "gzip")], small).await, (400, 6));
    let (status, _) = ask(splunk.address(), "GET", "/services/collector/health", &[], b"").await;
    assert_eq!(status, 401);
    splunk.change(|manner| manner.is_healthy = false);
    let (status, _) = ask(splunk.address(), "GET", "/services/collector/health", &[own], b"").await;
    assert_eq!(status, 503);
    assert_eq!(told(&splunk, "/services/collector/raw?sourceType=x", &[own], b"line").await, (400, 6));
    assert_eq!(told(&splunk, "/services/collector/raw?host=x", &[own], b"one\ntwo\n").await, (200, 0));
    assert_eq!(splunk.with(|taken| taken.lines.len()), 2);
}

#[tokio::test]
async fn splunk_says_of_a_number_once_that_it_is_indexed_and_only_on_its_channel() {
    let splunk =
        Splunk::start(splunk::Manner { with_acks: true, is_indexing: false, ..splunk::Manner::default() }).await;
    let token = format!("Splunk {TOKEN}");
    let (own, channel) = (("authorization", token.as_str()), ("x-splunk-request-channel", CHANNEL));
    let event = r#"{"event":"x"}"#.as_bytes();
    assert_eq!(told(&splunk, EVENT, &[own], event).await, (400, 10));
    assert_eq!(told(&splunk, EVENT, &[own, ("x-splunk-request-channel", "mine")], event).await, (400, 11));
    let (_, answer) = ask(splunk.address(), "POST", EVENT, &[own, channel], event).await;
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), json!({ "text": "Success", "code": 0, "ackId": 0 }));
    let query = async |headers: &[(&str, &str)], body: &str| {
        ask(splunk.address(), "POST", "/services/collector/ack", headers, body.as_bytes()).await.1
    };
    assert_eq!(query(&[own, channel], r#"{"acks":[0]}"#).await, r#"{"acks":{"0":false}}"#);
    splunk.change(|manner| manner.is_indexing = true);
    let other = ("x-splunk-request-channel", "11111111-4b5a-4978-8695-a4b3c2d1e0f0");
    assert_eq!(query(&[own, other], r#"{"acks":[0]}"#).await, r#"{"acks":{"0":false}}"#);
    assert_eq!(query(&[own, channel], r#"{"acks":[0,1]}"#).await, r#"{"acks":{"0":true,"1":false}}"#);
    assert_eq!(query(&[own, channel], r#"{"acks":[0]}"#).await, r#"{"acks":{"0":false}}"#);
    assert!(query(&[own], r#"{"acks":[0]}"#).await.contains("\"code\":10"));
    assert!(query(&[own, channel], r#"{"acks":["0"]}"#).await.contains("\"code\":6"));
    splunk.change(|manner| manner.with_acks = false);
    assert!(query(&[own, channel], r#"{"acks":[0]}"#).await.contains("\"code\":14"));
}

/// The status with which Datadog answers.
async fn status(datadog: &Datadog, target: &str, kind: &str, body: &[u8]) -> u16 {
    ask(datadog.address(), "POST", target, &[("dd-api-key", KEY), ("content-type", kind)], body).await.0
}

#[tokio::test]
async fn datadog_refuses_logs_beyond_its_limits_and_shapes() {
    let datadog = Datadog::start().await;
    let millis = now() * 1000;
    let log =
        json!({ "message": "m", "ddtags": "a:b,c:d", "timestamp": millis, "dd.trace_id": "18446744073709551615" });
    let changed = |name: &str, value: Value| {
        let mut changed = log.clone();
        changed[name] = value;
        json!([changed])
    };
    for (logs, wanted) in [
        (json!([log]), 202),
        (json!(vec![&log; 1000]), 202),
        (json!(vec![&log; 1001]), 400),
        (json!([]), 400),
        (log.clone(), 400),
        (json!([{ "status": "info" }]), 400),
        (changed("service", json!(1)), 400),
        (changed("ddtags", json!("a:b,c")), 400),
        (changed("dd.span_id", json!("ff")), 400),
        (changed("dd.span_id", json!(5)), 400),
        (changed("timestamp", json!(millis.to_string())), 400),
        (changed("timestamp", json!(millis - 19 * 3_600_000)), 400),
        (changed("message", json!("x".repeat(1_000_001))), 413),
        (json!(vec![changed("message", json!("x".repeat(900_000)))[0].clone(); 6]), 413),
    ] {
        let text = logs.to_string();
        let found = status(&datadog, "/api/v2/logs", "application/json", text.as_bytes()).await;
        assert_eq!(found, wanted, "{}", &text[..text.len().min(200)]);
    }
    assert_eq!(status(&datadog, "/api/v2/logs", "text/plain", b"[]").await, 415);
    let twice = r#"[{"message":"a","message":"b"}]"#;
    assert_eq!(status(&datadog, "/api/v2/logs", "application/json", twice.as_bytes()).await, 400);
    let (status, _) = ask(datadog.address(), "POST", "/api/v2/logs", &[("dd-api-key", "other")], b"[]").await;
    assert_eq!(status, 403);
    let (status, _) = ask(datadog.address(), "GET", "/api/v1/validate", &[], b"").await;
    assert_eq!(status, 401);
    assert_eq!(datadog.with(|taken| taken.log_requests.clone()), [1, 1000]);
}

#[tokio::test]
async fn datadog_refuses_series_beyond_its_limits_and_shapes() {
    let datadog = Datadog::start().await;
    let point = json!({ "timestamp": now(), "value": 1.5 });
    let series = json!({ "metric": "a.b_c", "type": 1, "points": [point], "interval": 10, "tags": ["a:b"],
        "resources": [{ "name": "h", "type": "host" }], "unit": "byte" });
    let changed = |name: &str, value: Value| {
        let mut changed = series.clone();
        changed[name] = value;
        json!({ "series": [changed] })
    };
    for (body, wanted) in [
        (json!({ "series": [series] }), 202),
        (json!({ "series": [] }), 400),
        (json!([series]), 400),
        (json!({ "series": [series], "other": 1 }), 400),
        (changed("metric", json!("1a")), 400),
        (changed("metric", json!("a-b")), 400),
        (changed("metric", json!("a".repeat(201))), 400),
        (changed("type", json!(4)), 400),
        (changed("type", json!("count")), 400),
        (changed("type", json!(3)), 400),
        (changed("interval", json!(0)), 400),
        (changed("points", json!([])), 400),
        (changed("points", json!([{ "timestamp": now() - 3700, "value": 1 }])), 400),
        (changed("points", json!([{ "timestamp": now() + 700, "value": 1 }])), 400),
        (changed("points", json!([{ "timestamp": now(), "value": "1" }])), 400),
        (changed("points", json!([[now(), 1]])), 400),
        (changed("tags", json!([1])), 400),
        (changed("unit", json!(1)), 400),
        (changed("resources", json!([{ "name": "h" }])), 400),
        (changed("host", json!("h")), 400),
        (changed("tags", json!(["x".repeat(5_300_000)])), 413),
    ] {
        let text = body.to_string();
        let found = status(&datadog, "/api/v2/series", "application/json", text.as_bytes()).await;
        // What is too large before it is compressed is too large behind it here.
        assert_eq!(found, wanted, "{}", &text[..text.len().min(200)]);
    }
    let tags = changed("tags", json!(["x".repeat(600_000)])).to_string();
    assert_eq!(status(&datadog, "/api/v2/series", "application/json", tags.as_bytes()).await, 413);
    let headers = [("dd-api-key", KEY), ("content-type", "application/json"), ("content-encoding", "gzip")];
    let (status, _) = ask(datadog.address(), "POST", "/api/v2/series", &headers, &gzip(tags.as_bytes())).await;
    assert_eq!(status, 202, "it is small enough when it is compressed");
}

#[tokio::test]
async fn datadog_refuses_sketches_that_contradict_themselves() {
    let datadog = Datadog::start().await;
    let ts = i64::try_from(now()).unwrap();
    let point = Dogsketch { ts, cnt: 3, min: 1.0, max: 2.0, avg: 1.5, sum: 4.5, k: vec![1338, 1380], n: vec![1, 2] };
    let of = |change: &dyn Fn(&mut Sketch)| {
        let mut sketch =
            Sketch { metric: "a".to_owned(), host: String::new(), tags: vec![], dogsketches: vec![point.clone()] };
        change(&mut sketch);
        Sketches { sketches: vec![sketch] }.encode_to_vec()
    };
    type Change<'a> = &'a dyn Fn(&mut Sketch);
    let changes: [(Change<'_>, u16); 9] = [
        (&|_| {}, 202),
        (&|sketch| sketch.metric.clear(), 400),
        (&|sketch| sketch.dogsketches.clear(), 400),
        (&|sketch| sketch.dogsketches[0].cnt = 4, 400),
        (&|sketch| sketch.dogsketches[0].k = vec![1380, 1338], 400),
        (&|sketch| sketch.dogsketches[0].n = vec![0, 3], 400),
        (&|sketch| sketch.dogsketches[0].min = 3.0, 400),
        (&|sketch| sketch.dogsketches[0].sum = 9.0, 400),
        (&|sketch| sketch.dogsketches[0].ts = 7, 400),
    ];
    for (i, (change, wanted)) in changes.into_iter().enumerate() {
        let found = status(&datadog, "/api/beta/sketches", "application/x-protobuf", &of(change)).await;
        assert_eq!(found, wanted, "change {i}");
    }
    assert_eq!(status(&datadog, "/api/beta/sketches", "application/x-protobuf", b"\xff").await, 400);
    assert_eq!(status(&datadog, "/v1/traces", "application/json", b"{}").await, 415);
    assert_eq!(status(&datadog, "/v1/traces", "application/x-protobuf", b"\xff").await, 400);
    assert_eq!(status(&datadog, "/v1/traces", "application/x-protobuf", b"").await, 200);
}
