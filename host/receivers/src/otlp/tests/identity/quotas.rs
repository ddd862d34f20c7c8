//! What an identity may send: over all of its connections, in each protocol, and no matter what others send.

use std::time::Duration;

use bytes::Bytes;
use host_component::Signal;
use host_compression::Coding;
use host_config::Check as _;
use host_identity::{Limits, Rule};
use host_otlp::check;

use super::{EDGE, H2, HTTP1, Hub, export, len, of, open, pair, says, text_of};
use crate::otlp::Config;
use crate::otlp::tests::harness::{Answer, Client, LOGS, Setup, framed, packed, post, raw_over, until};

const OTHER: &str = "spiffe://e.org/edge/b";
/// So little in a second that a test is over before there is room again.
const LITTLE: f64 = 0.001;
/// What that comes to in a second, in bytes.
const BURST: usize = 1048;

fn limited(limits: Limits) -> Hub {
    Hub::with(Setup::default(), Some(limits))
}

/// A request that nobody may send a second time, where there is so little.
fn large() -> Vec<u8> {
    of(&[says("a"), pair("x", &len(1, &[b'x'; 100 * BURST]))])
}

async fn export_over_http(hub: &Hub, id: &str, request: &[u8]) -> String {
    raw_over(open(&hub.connector(id, HTTP1), hub.running.http).await, request).await
}

/// Holds that an answer refuses a request of `EDGE` for this limit, in a form that makes its sender come again.
fn assert_refused(answer: &Answer, limit: &str) {
    assert_eq!((answer.code.as_str(), answer.details.is_some()), ("8", true), "{}", answer.message);
    assert!(answer.message.contains(EDGE) && answer.message.contains(limit), "{}", answer.message);
}

fn count(hub: &Hub, limit: &str) -> u64 {
    let limit = format!("limit=\"{limit}\"");
    hub.running.metric("tidegate_identity_requests_refused", &[&limit, EDGE])
}

#[tokio::test]
async fn who_has_sent_as_much_as_it_may_is_told_when_to_come_again_and_others_are_let_in() {
    let none = Limits::default;
    for (limit, limits) in [
        ("requests_per_second", Limits { requests_per_second: Some(LITTLE), ..none() }),
        ("items_per_second", Limits { items_per_second: Some(LITTLE), ..none() }),
        ("mib_per_second", Limits { mib_per_second: Some(LITTLE), ..none() }),
    ] {
        let hub = limited(limits);
        let request = large();
        // It is what it comes to that counts, and not what it is packed.
        let small = framed(1, &packed(Coding::Gzip, &request));
        assert!(small.len() < BURST, "{}", small.len());
        let client = Client::over(open(&hub.connector(EDGE, H2), hub.running.grpc).await).await.unwrap().0;
        assert_eq!(client.call(LOGS, &[("grpc-encoding", "gzip")], small).await.code, "0");

        // On the same connection, on another one, and in each form.
        assert_refused(&client.export(&request).await, limit);
        assert_refused(&export(&hub, EDGE, &request).await, limit);
        let payload = check(Signal::Logs, request.clone().into(), &host_otlp::Limits::default()).unwrap();
        let json = post("/v1/logs", "content-type: application/json\r\n", &text_of(&payload));
        for posted in [post("/v1/logs", "", &request), json] {
            let answer = export_over_http(&hub, EDGE, &posted).await;
            assert!(answer.starts_with("HTTP/1.1 429") && answer.contains(limit), "{answer}");
            let after = answer.split("retry-after: ").nth(1).unwrap().split("\r\n").next().unwrap();
            assert!(after.parse::<u64>().unwrap() > 1, "{answer}");
        }
        assert_eq!((count(&hub, limit), hub.running.refused("grpc", "limited")), (4, 2));

        assert_eq!(export(&hub, OTHER, &of(&[says("b")])).await.code, "0");
        assert_eq!((hub.running.pipeline.count(), hub.running.budget.used()), (2, 0));
    }
}

#[tokio::test]
async fn who_has_sent_too_much_is_refused_before_its_request_is_read() {
    let hub = limited(Limits { mib_per_second: Some(LITTLE), ..Limits::default() });
    let client = Client::over(open(&hub.connector(EDGE, H2), hub.running.grpc).await).await.unwrap().0;
    assert_eq!(client.export(&large()).await.code, "0");
    let mut call = client.begin(LOGS, &[]).await;
    // Only the prefix comes; the answer does not wait for the rest.
    call.stream.send_data(Bytes::from_static(&[0, 0, 0x10, 0, 0]), false).unwrap();
    assert_refused(&call.finish().await, "mib_per_second");
    let head =
        b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000\r\n\r\n";
    assert!(export_over_http(&hub, EDGE, head).await.starts_with("HTTP/1.1 429"));
}

#[tokio::test]
async fn what_an_identity_has_in_flight_is_bounded_and_given_back() {
    const MIB: usize = 1 << 20;
    let mut setup = Setup::default();
    (setup.grpc.max_recv_msg_size_mib, setup.http.max_request_body_size) = (1, MIB);
    let hub = Hub::with(setup, Some(Limits { in_flight_mib: Some(16), ..Limits::default() }));
    let client = Client::over(open(&hub.connector(EDGE, H2), hub.running.grpc).await).await.unwrap().0;
    let mut calls = Vec::new();
    for _ in 0..16 {
        let mut call = client.begin(LOGS, &[]).await;
        call.stream.send_data(Bytes::from_static(&[0, 0, 0x10, 0, 0]), false).unwrap();
        calls.push(call);
    }
    until("all are being read", || hub.running.budget.used() == 16 * MIB).await;

    let request = of(&[says("a")]);
    assert_refused(&client.export(&request).await, "in_flight_mib");
    assert_refused(&export(&hub, EDGE, &request).await, "in_flight_mib");
    // What does not say how long it is, is refused when it comes.
    let length = format!("{:x}\r\n", request.len());
    let chunked = [
        &b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ntransfer-encoding: chunked\r\n\r\n"[..],
        length.as_bytes(),
        &request,
        b"\r\n0\r\n\r\n",
    ];
    let answer = export_over_http(&hub, EDGE, &chunked.concat()).await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after: 1"), "{answer}");
    assert_eq!(count(&hub, "in_flight_mib"), 3);
    assert_eq!(export(&hub, OTHER, &of(&[says("b")])).await.code, "0");

    drop(calls);
    until("their bytes are back", || hub.running.budget.used() == 0).await;
    assert_eq!(export(&hub, EDGE, &request).await.code, "0");
}

#[test]
fn says_where_the_largest_message_has_no_room_in_a_limit() {
    let told = |config: &Config| config.wrongs().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let limits = |mib| Some(Limits { in_flight_mib: Some(mib), ..Limits::default() });
    let mut config = Config::default();
    config.protocols.grpc = Some(Default::default());
    let rule = Rule { of: "x".to_owned(), clusters: vec!["a".to_owned()], limits: limits(12), ..Rule::default() };
    let identity = host_identity::Config { rules: vec![rule], limits: limits(13), ..Default::default() };
    config.identity = Some(identity);
    // Twice the size of a message, and a window of as much, and a byte or two.
    let told_of_grpc = told(&config);
    assert!(
        told_of_grpc.contains("identity.rules.0.limits.in_flight_mib: a message of 4194304 bytes"),
        "{told_of_grpc}"
    );
    assert!(told_of_grpc.contains("raise this to 13 or lower"), "{told_of_grpc}");
    assert!(!told_of_grpc.contains("identity.limits.in_flight_mib"), "{told_of_grpc}");
    config.protocols.http = Some(Default::default());
    assert!(told(&config).contains("identity.limits.in_flight_mib: a message of 20971520 bytes"));
}

#[test]
fn a_limit_is_read_with_its_burst() {
    let written = serde_json::json!({ "requests_per_second": 10, "mib_per_second": 0.5, "burst": "2s" });
    let limits: Limits = serde_json::from_value(written).unwrap();
    assert_eq!((limits.requests_per_second, limits.mib_per_second), (Some(10.0), Some(0.5)));
    assert_eq!((limits.burst(), limits.items_per_second), (Duration::from_secs(2), None));
    assert!(serde_json::from_value::<Limits>(serde_json::json!({ "per_second": 1 })).is_err());
}
