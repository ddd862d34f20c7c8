//! What an HTTP client is told.

use std::time::Duration;

use host_component::{Consumers, Failure};
use host_compression::Coding;
use host_otlp::wire::Fields;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::harness::{Client, Setup, logs, packed, post, raw, until};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test]
async fn hands_a_request_on_as_it_came() {
    let receiver = Setup::default().start();
    let answer = raw(receiver.http, &post("/v1/logs", "", &logs("hello"))).await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("content-type: application/x-protobuf"), "{answer}");
    assert_eq!(*receiver.pipeline.taken.lock().unwrap(), [logs("hello")]);
    assert_eq!(receiver.metric("otelcol_receiver_accepted_log_records", &["http"]), 1);
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn takes_chunks_and_http_2() {
    let receiver = Setup::default().start();
    let body = logs("chunk");
    let (head, tail) = body.split_at(4);
    let mut chunked = b"POST /v1/logs HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-protobuf\r\n\
                        transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for part in [head, tail] {
        chunked.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(status(&raw(receiver.http, &chunked).await), "200");
    let client = Client::connect(receiver.http).await;
    let answer = client.call("/v1/logs", &[("content-type", "application/x-protobuf")], logs("h2")).await;
    assert_eq!(answer.http, 200);
    assert_eq!(*receiver.pipeline.taken.lock().unwrap(), [logs("chunk"), logs("h2")]);
}

#[tokio::test]
async fn decompresses_all_that_the_collector_does() {
    let receiver = Setup::default().start();
    for (name, coding) in [
        ("gzip", Coding::Gzip),
        ("zstd", Coding::Zstd),
        ("zlib", Coding::Zlib),
        ("deflate", Coding::Zlib),
        ("snappy", Coding::Snappy),
        ("snappy", Coding::SnappyFramed),
        ("x-snappy-framed", Coding::SnappyFramed),
        ("lz4", Coding::Lz4),
    ] {
        let request = post("/v1/logs", &format!("content-encoding: {name}\r\n"), &packed(coding, &logs(name)));
        let answer = raw(receiver.http, &request).await;
        assert_eq!(status(&answer), "200", "{name}: {answer}");
        assert_eq!(receiver.pipeline.taken.lock().unwrap().pop(), Some(logs(name)), "{name}");
    }
    let answer = raw(receiver.http, &post("/v1/logs", "content-encoding: br\r\n", b"x")).await;
    assert!(answer.contains("accept-encoding: gzip, zstd, "), "{answer}");
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn refuses_what_has_the_wrong_shape_with_the_right_status() {
    let receiver = Setup::default().start();
    let body = logs("x");
    let cases = [
        ("404", post("/v1/nothing", "", &body)),
        ("404", post("/v1/traces", "", &body)),
        ("404", post("/v1development/profiles", "", &body)),
        ("405", b"GET /v1/logs HTTP/1.1\r\nhost: test\r\n\r\n".to_vec()),
        ("400", post("/v1/logs", "content-type: application/json\r\n", &body)),
        ("415", post("/v1/logs", "content-type: text/plain\r\n", &body)),
        ("415", post("/v1/logs", "content-encoding: br\r\n", &body)),
        ("400", post("/v1/logs", "", &body[..body.len() - 1])),
        ("400", post("/v1/logs", "content-encoding: gzip\r\n", b"no gzip")),
        ("400", b"this is no HTTP at all\r\n\r\n".to_vec()),
        ("200", post("/v1/logs", "", b"")),
    ];
    for (wanted, request) in cases {
        let answer = raw(receiver.http, &request).await;
        assert_eq!(status(&answer), wanted, "{}\n{answer}", String::from_utf8_lossy(&request));
    }
    assert_eq!(receiver.pipeline.count(), 0);
    until("each is counted, what is no HTTP too", || receiver.refused("http", "malformed") == 4).await;
    assert_eq!(receiver.refused("http", "media_type"), 1);
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn a_request_whose_pipeline_was_removed_while_it_came_may_be_sent_again() {
    let receiver = Setup::default().start();
    let body = logs("x");
    let request = post("/v1/logs", "expect: 100-continue\r\nconnection: close\r\n", &body);
    let (head, body) = request.split_at(request.len() - body.len());
    let mut stream = TcpStream::connect(receiver.http).await.unwrap();
    stream.write_all(head).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    receiver.consumers.follow(&Consumers::default());
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(status(&answer), "503", "{answer}");
    assert_eq!(status(&raw(receiver.http, &post("/v1/logs", "", &logs("x"))).await), "404");
}

#[tokio::test]
async fn says_what_is_wrong_in_a_status_message() {
    let receiver = Setup::default().start();
    let answer = raw(receiver.http, &post("/v1/logs", "", &[0x08, 0x01])).await;
    let body = answer.split_once("\r\n\r\n").unwrap().1.as_bytes();
    let fields: Vec<_> =
        Fields::new(body, 0, body.len()).map(|field| (field.number, &body[field.start..field.end])).collect();
    assert_eq!(fields[0], (1, &[3][..]));
    assert!(String::from_utf8_lossy(fields[1].1).contains("wire type"), "{fields:?}");
}

#[tokio::test]
async fn maps_each_failure_of_the_pipeline_to_its_status() {
    let receiver = Setup::default().start();
    let request = post("/v1/logs", "", &logs("x"));
    receiver.pipeline.fails_with(Failure::permanent("never"));
    let answer = raw(receiver.http, &request).await;
    assert_eq!(status(&answer), "400");
    assert!(!answer.contains("retry-after"));
    receiver
        .pipeline
        .fails_with(Failure::Retryable { reason: "later".into(), after: Some(Duration::from_millis(2500)) });
    let answer = raw(receiver.http, &request).await;
    assert_eq!(status(&answer), "503");
    assert!(answer.contains("retry-after: 3\r\n"), "{answer}");
    receiver.pipeline.fails_with(Failure::refused("full", Duration::from_secs(2)));
    let answer = raw(receiver.http, &request).await;
    assert_eq!(status(&answer), "429");
    assert!(answer.contains("retry-after: 2\r\n"), "{answer}");
}

fn post_json(path: &str, extra: &str, body: &[u8]) -> Vec<u8> {
    post(path, &format!("content-type: application/json; charset=utf-8\r\n{extra}"), body)
}

fn json(answer: &str) -> serde_json::Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn takes_json_and_answers_in_it() {
    let receiver = Setup::default().start();
    let large = "x".repeat(300_000);
    for body in ["hello", &large] {
        let record = json!({ "body": { "stringValue": body }, "later": 1 });
        let text = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] }).to_string();
        for (extra, bytes) in
            [("", text.clone().into_bytes()), ("content-encoding: zstd\r\n", packed(Coding::Zstd, text.as_bytes()))]
        {
            let answer = raw(receiver.http, &post_json("/v1/logs", extra, &bytes)).await;
            assert_eq!((status(&answer), json(&answer)), ("200", json!({ "partialSuccess": {} })));
            assert_eq!(receiver.pipeline.taken.lock().unwrap().pop(), Some(logs(body)));
        }
    }
    assert_eq!(receiver.metric("tidegate_receiver_unknown_fields", &["http"]), 4);
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn says_in_json_what_is_wrong_with_json() {
    let receiver = Setup::default().start();
    let answer = raw(receiver.http, &post_json("/v1/logs", "", b"{\"resourceLogs\":7}")).await;
    assert_eq!(status(&answer), "400");
    let told = json(&answer);
    assert_eq!(told["code"], 3);
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("a list for `resourceLogs` at line 1 column 17"), "{message}");

    receiver.pipeline.fails_with(Failure::refused("full", Duration::from_millis(1500)));
    let some = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;
    let answer = raw(receiver.http, &post_json("/v1/logs", "", some)).await;
    assert_eq!(status(&answer), "429");
    assert!(answer.contains("retry-after: 2\r\n"), "{answer}");
    let details = json!([{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s" }]);
    assert_eq!(json(&answer), json!({ "code": 8, "message": "full", "details": details }));
}

#[tokio::test]
async fn json_is_bounded_by_the_size_of_a_message_and_by_the_budget() {
    let mut setup = Setup::default();
    setup.http.max_request_body_size = 100_000;
    let receiver = setup.start();
    let counts = "0,".repeat(20_000);
    let data = format!("{{\"dataPoints\":[{{\"bucketCounts\":[{counts}0]}}]}}");
    let text = format!("{{\"resourceLogs\":[],\"more\":{data}}}");
    assert_eq!(status(&raw(receiver.http, &post_json("/v1/logs", "", text.as_bytes())).await), "200");
    assert_eq!(receiver.budget.used(), 0);
    let deep = format!("{{\"resourceLogs\":{}", "[".repeat(90_000));
    assert_eq!(status(&raw(receiver.http, &post_json("/v1/logs", "", deep.as_bytes())).await), "400");
    assert_eq!(status(&raw(receiver.http, &post_json("/v1/logs", "", &[b' '; 100_001])).await), "413");
    assert_eq!(receiver.budget.used(), 0);
}
