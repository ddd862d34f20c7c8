//! What an HTTP client is told.

use std::time::Duration;

use host_component::Failure;
use host_otlp::wire::Fields;

use super::harness::{Client, Setup, gzip, logs, post, raw, until};

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
async fn takes_chunks_gzip_and_http_2() {
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
    let packed = post("/v1/logs", "content-encoding: gzip\r\n", &gzip(&logs("packed")));
    assert_eq!(status(&raw(receiver.http, &packed).await), "200");
    let client = Client::connect(receiver.http).await;
    let answer = client.call("/v1/logs", &[("content-type", "application/x-protobuf")], logs("h2")).await;
    assert_eq!(answer.http, 200);
    assert_eq!(*receiver.pipeline.taken.lock().unwrap(), [logs("chunk"), logs("packed"), logs("h2")]);
}

#[tokio::test]
async fn refuses_what_has_the_wrong_shape_with_the_right_status() {
    let receiver = Setup::default().start();
    let body = logs("x");
    let cases = [
        ("404", post("/v1/nothing", "", &body)),
        ("404", post("/v1/traces", "", &body)),
        ("405", b"GET /v1/logs HTTP/1.1\r\nhost: test\r\n\r\n".to_vec()),
        ("415", post("/v1/logs", "content-type: application/json\r\n", b"{}")),
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
    until("each is counted, what is no HTTP too", || receiver.refused("http", "malformed") == 3).await;
    assert_eq!(receiver.refused("http", "media_type"), 2);
    assert_eq!(receiver.budget.used(), 0);
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
