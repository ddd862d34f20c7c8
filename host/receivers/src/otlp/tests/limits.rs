//! Each limit, and somebody who tries to get past it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_component::{Authenticators, BoxFuture, Denied, MetadataKeys, ServerAuth};
use host_compression::Coding;
use host_config::Auth;
use host_telemetry::Metrics;

use super::harness::{CAP, Client, LOGS, Setup, framed, logs, packed, post, raw, until};
use crate::{Budget, Deps};

#[tokio::test]
async fn refuses_a_declared_length_of_a_gibibyte_without_reading_on() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    let mut call = client.begin(LOGS, &[]).await;
    // Only the prefix comes; the answer does not wait for the rest.
    call.stream.send_data(Bytes::from_static(&[0, 0x40, 0, 0, 0]), false).unwrap();
    let answer = call.finish().await;
    assert_eq!((answer.code.as_str(), answer.details), ("8", None));
    let head = b"POST /v1/logs HTTP/1.1\r\nhost: test\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1073741824\r\n\r\n";
    assert!(raw(receiver.http, head).await.starts_with("HTTP/1.1 413"));
    assert_eq!(client.export(&logs("next")).await.code, "0");
    assert_eq!(receiver.refused("grpc", "too_large"), 1);
    assert_eq!(receiver.refused("http", "too_large"), 1);
}

#[tokio::test]
async fn lets_in_exactly_the_largest_message() {
    let mut setup = Setup::default();
    setup.grpc.max_recv_msg_size_mib = 1;
    setup.http.max_request_body_size = 1 << 20;
    let receiver = setup.start();
    let client = Client::connect(receiver.grpc).await;
    let overhead = logs(&"x".repeat(1 << 20)).len() - (1 << 20);
    let largest = logs(&"x".repeat((1 << 20) - overhead));
    let larger = logs(&"x".repeat((1 << 20) - overhead + 1));
    assert_eq!((largest.len(), larger.len()), (1 << 20, (1 << 20) + 1));
    assert_eq!(client.export(&largest).await.code, "0");
    assert_eq!(client.export(&larger).await.code, "8");
    assert!(raw(receiver.http, &post("/v1/logs", "", &largest)).await.starts_with("HTTP/1.1 200"));
    assert!(raw(receiver.http, &post("/v1/logs", "", &larger)).await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn stops_a_decompression_bomb_at_the_size_of_a_message() {
    let mut setup = Setup::default();
    setup.grpc.max_recv_msg_size_mib = 1;
    setup.http.max_request_body_size = 1 << 20;
    let receiver = setup.start();
    let client = Client::connect(receiver.grpc).await;
    let of_grpc = [("gzip", Coding::Gzip), ("zstd", Coding::Zstd), ("snappy", Coding::SnappyFramed)];
    for (name, coding) in of_grpc {
        let bomb = packed(coding, &vec![0; 8 << 20]);
        assert!(bomb.len() < 1 << 20, "{name}");
        let answer = client.call(LOGS, &[("grpc-encoding", name)], framed(1, &bomb)).await;
        assert_eq!(answer.code, "8", "{name}: {}", answer.message);
    }
    let of_http = [("deflate", Coding::Zlib), ("snappy", Coding::Snappy), ("lz4", Coding::Lz4)];
    for (name, coding) in of_grpc.into_iter().chain(of_http) {
        let bomb = packed(coding, &vec![0; 8 << 20]);
        let request = post("/v1/logs", &format!("content-encoding: {name}\r\n"), &bomb);
        let answer = raw(receiver.http, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{name}: {answer}");
    }
    assert_eq!((receiver.refused("grpc", "too_large"), receiver.refused("http", "too_large")), (3, 6));
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn refuses_before_reading_when_the_budget_is_spent() {
    let message = logs(&"x".repeat(1000));
    let budget = Budget::default();
    let _others = budget.reserve(budget.limit() - 1500).unwrap();
    let taken = budget.used();
    let receiver = Setup { budget, is_open: false, ..Setup::default() }.start();
    let client = Client::connect(receiver.grpc).await;
    let first = tokio::spawn({
        let (client, message) = (client.clone(), message.clone());
        async move { client.export(&message).await }
    });
    until("the first is under way", || receiver.pipeline.waiting() == 1).await;
    let answer = client.export(&message).await;
    assert_eq!(answer.code, "8");
    assert!(answer.details.is_some(), "a sender without RetryInfo would drop the data");
    let over_http = raw(receiver.http, &post("/v1/logs", "", &message)).await;
    assert!(over_http.starts_with("HTTP/1.1 429"), "{over_http}");
    assert!(over_http.contains("retry-after: 1"), "{over_http}");
    receiver.pipeline.open();
    assert_eq!(first.await.unwrap().code, "0");
    assert_eq!(receiver.budget.used(), taken);
    assert_eq!(client.export(&message).await.code, "0");
    assert_eq!(receiver.refused("grpc", "no_room"), 1);
    assert_eq!(receiver.refused("http", "no_room"), 1);
}

#[tokio::test]
async fn counts_what_a_bomb_unpacks_to_against_the_budget() {
    let budget = Budget::default();
    let _others = budget.reserve(budget.limit() - (128 << 10)).unwrap();
    let taken = budget.used();
    let receiver = Setup { budget, ..Setup::default() }.start();
    let client = Client::connect(receiver.grpc).await;
    let body = framed(1, &packed(Coding::Gzip, &logs(&"x".repeat(1 << 20))));
    let answer = client.call(LOGS, &[("grpc-encoding", "gzip")], body).await;
    assert_eq!((answer.code.as_str(), answer.details.is_some()), ("8", true));
    assert_eq!(receiver.budget.used(), taken);
}

#[tokio::test]
async fn gives_up_on_a_body_that_does_not_come() {
    let mut setup = Setup::default();
    setup.grpc.read_timeout = Duration::from_millis(50);
    setup.http.read_timeout = Duration::from_millis(50);
    let receiver = setup.start();
    let client = Client::connect(receiver.grpc).await;
    let mut call = client.begin(LOGS, &[]).await;
    call.stream.send_data(framed(0, &logs("slow")).slice(..7), false).unwrap();
    assert_eq!(call.finish().await.code, "4");
    let request = post("/v1/logs", "", &logs("slow"));
    assert!(raw(receiver.http, &request[..request.len() - 1]).await.starts_with("HTTP/1.1 408"));
    assert_eq!(client.export(&logs("next")).await.code, "0");
    assert_eq!(receiver.budget.used(), 0);
}

/// Never decides.
struct Undecided;

impl ServerAuth for Undecided {
    fn header(&self) -> &'static str {
        "authorization"
    }

    fn challenge(&self) -> String {
        "Bearer".to_owned()
    }

    fn admit<'a>(&'a self, _value: Option<&'a [u8]>) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn gives_up_waiting_for_who_lets_requests_in_and_lets_the_sender_come_again() {
    let mut setup = Setup::default();
    setup.auth.add_server("undecided".parse().unwrap(), Arc::new(Undecided));
    let auth = || Some(Auth { authenticator: "undecided".to_owned() });
    (setup.grpc.auth, setup.http.auth) = (auth(), auth());
    (setup.grpc.read_timeout, setup.http.read_timeout) = (Duration::from_millis(50), Duration::from_millis(50));
    let receiver = setup.start();
    let answer = Client::connect(receiver.grpc).await.export(&logs("x")).await;
    assert_eq!((answer.code.as_str(), answer.details.is_some()), ("14", true));
    let over_http = raw(receiver.http, &post("/v1/logs", "", &logs("x"))).await;
    assert!(over_http.starts_with("HTTP/1.1 503") && over_http.contains("retry-after: 1"), "{over_http}");
    assert_eq!(receiver.pipeline.count(), 0);
}

#[tokio::test]
async fn gives_up_on_headers_that_do_not_come() {
    let mut setup = Setup::default();
    setup.http.read_header_timeout = Duration::from_millis(50);
    let receiver = setup.start();
    assert_eq!(raw(receiver.http, b"POST /v1/logs HTTP/1.1\r\nhost:").await, "");
}

#[tokio::test]
async fn closes_a_connection_too_many() {
    let mut setup = Setup::default();
    setup.grpc.max_connections = 1;
    let receiver = setup.start();
    let client = Client::connect(receiver.grpc).await;
    assert_eq!(client.export(&logs("first")).await.code, "0");
    let ended = async {
        if let Ok((_second, task)) = Client::try_connect(receiver.grpc).await {
            task.await.unwrap();
        }
    };
    tokio::time::timeout(CAP, ended).await.expect("the second connection is closed");
    assert_eq!(receiver.metric("tidegate_receiver_connections_refused", &["grpc"]), 1);
    assert_eq!(client.export(&logs("still there")).await.code, "0");
}

#[tokio::test]
async fn announces_how_many_streams_a_connection_may_have() {
    let mut setup = Setup { is_open: false, ..Setup::default() };
    setup.grpc.max_concurrent_streams = 2;
    let receiver = setup.start();
    let client = Client::connect(receiver.grpc).await;
    // After the first answer the client knows the settings, and keeps to them.
    assert_eq!(client.export(&[]).await.code, "0");
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.export(&logs("x")).await })
        })
        .collect();
    until("two are under way", || receiver.pipeline.waiting() == 2).await;
    // A third has had every chance when another connection was served in between.
    let other = Client::connect(receiver.grpc).await;
    assert_eq!(other.export(&[]).await.code, "0");
    assert_eq!(receiver.pipeline.waiting(), 2);
    receiver.pipeline.open();
    for call in calls {
        assert_eq!(call.await.unwrap().code, "0");
    }
}

#[tokio::test]
async fn refuses_headers_that_are_too_large() {
    let mut setup = Setup::default();
    setup.grpc.max_header_bytes = 2000;
    setup.http.max_header_bytes = 2000;
    let receiver = setup.start();
    let long = "x".repeat(4000);
    let extra = format!("x-long: {long}\r\n");
    assert!(raw(receiver.http, &post("/v1/logs", &extra, &logs("x"))).await.starts_with("HTTP/1.1 431"));
    let client = Client::connect(receiver.grpc).await;
    let answer = client.call(LOGS, &[("x-long", &long)], framed(0, &logs("x"))).await;
    assert_eq!((answer.http, answer.code.as_str()), (200, "8"), "{}", answer.message);
    assert!(answer.message.contains("2000 bytes"), "{}", answer.message);
    assert_eq!((receiver.refused("grpc", "headers"), receiver.refused("http", "headers")), (1, 1));
    // What is larger by far is not even kept: HTTP/2 itself refuses the stream, and only that.
    let flood = "x".repeat(12_000);
    let call = client.begin(LOGS, &[("x-long", &flood)]).await;
    let head = tokio::time::timeout(CAP, call.answer).await.expect("an answer in time");
    assert!(!matches!(head, Ok(head) if head.status() == 200));
    assert_eq!(client.export(&[]).await.code, "0");
    assert_eq!(receiver.pipeline.count(), 0);
}

#[tokio::test]
async fn gives_up_on_a_peer_that_says_nothing_at_all_or_no_http() {
    let mut setup = Setup::default();
    setup.grpc.read_timeout = Duration::from_millis(50);
    setup.http.read_header_timeout = Duration::from_millis(50);
    let receiver = setup.start();
    // Silent ones hold one of the connections that there may be.
    for address in [receiver.grpc, receiver.http] {
        for first in [&b""[..], b"PRI * HT"] {
            assert!(raw_until_closed(address, first).await.len() < 100);
        }
    }
    assert_eq!((receiver.refused("grpc", "slow"), receiver.refused("http", "slow")), (2, 2));
    raw_until_closed(receiver.grpc, b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    raw_until_closed(receiver.http, b"this is no HTTP at all\r\n\r\n").await;
    until("both are counted", || {
        (receiver.refused("grpc", "malformed"), receiver.refused("http", "malformed")) == (1, 1)
    })
    .await;
    // A client that is connected and has nothing to send is none of these.
    let client = Client::connect(receiver.grpc).await;
    raw_until_closed(receiver.grpc, b"").await;
    assert_eq!(client.export(&logs("later")).await.code, "0");
}

#[tokio::test]
async fn waits_at_the_end_for_no_body_that_does_not_come() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    let mut call = client.begin(LOGS, &[]).await;
    call.stream.send_data(framed(0, &logs("slow")).slice(..7), false).unwrap();
    until("it is being read", || receiver.budget.used() > 0).await;
    receiver.trigger.fire();
    let before = std::time::Instant::now();
    tokio::time::timeout(CAP, receiver.task).await.expect("the receiver ends").unwrap();
    assert!(before.elapsed() < Setup::default().grpc.read_timeout / 2, "{:?}", before.elapsed());
    until("its bytes are back", || receiver.budget.used() == 0).await;
}

#[tokio::test]
async fn closes_connections_that_are_idle_or_old() {
    let mut setup = Setup::default();
    setup.grpc.keepalive.server_parameters.max_connection_idle = Duration::from_millis(50);
    setup.http.keepalive.server_parameters.max_connection_age = Duration::from_millis(50);
    let receiver = setup.start();
    for address in [receiver.grpc, receiver.http] {
        let (_client, task) = Client::try_connect(address).await.unwrap();
        tokio::time::timeout(CAP, task).await.expect("the connection ends").unwrap();
    }
}

#[tokio::test]
async fn closes_a_connection_whose_peer_answers_no_ping() {
    let mut setup = Setup::default();
    setup.grpc.keepalive.server_parameters.time = Duration::from_millis(50);
    setup.grpc.keepalive.server_parameters.timeout = Duration::from_millis(50);
    let receiver = setup.start();
    // The preface and empty settings, then silence.
    let answer = raw_until_closed(receiver.grpc, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    assert!(!answer.is_empty());
}

async fn raw_until_closed(address: std::net::SocketAddr, request: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut out = Vec::new();
    let read = stream.read_to_end(&mut out);
    let _ = tokio::time::timeout(CAP, read).await.expect("the connection ends");
    out
}

#[test]
fn says_which_setting_makes_no_sense() {
    use crate::otlp::{Config, GrpcConfig};
    let build = |grpc: Option<GrpcConfig>| {
        let mut config = Config::default();
        config.protocols.grpc = grpc;
        let (budget, metrics) = (Budget::default(), Metrics::new());
        let deps = Deps {
            budget: &budget,
            ack_timeout: Duration::MAX,
            base: Path::new("."),
            auth: &Authenticators::default(),
            metadata: &MetadataKeys::default(),
            metrics: &metrics,
        };
        let built = config.build("otlp".parse().unwrap(), &Default::default(), &deps);
        built.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(build(None).contains("no protocol is set"));
    let none = GrpcConfig { endpoint: "127.0.0.1:0".into(), max_connections: 0, ..GrpcConfig::default() };
    assert!(build(Some(none)).contains("protocols.grpc.max_connections"));
    // What a decompressor holds by itself is 8 MiB.
    let fits = GrpcConfig { endpoint: "127.0.0.1:0".into(), max_recv_msg_size_mib: 27, ..GrpcConfig::default() };
    assert_eq!(build(Some(fits)), "");
    let large = GrpcConfig { endpoint: "127.0.0.1:0".into(), max_recv_msg_size_mib: 28, ..GrpcConfig::default() };
    assert!(build(Some(large)).contains("service.limits.in_flight_mib"));
    let nowhere = GrpcConfig { endpoint: "nowhere".into(), ..GrpcConfig::default() };
    assert!(build(Some(nowhere)).contains("\"nowhere\""));
}

#[tokio::test]
async fn tells_a_sender_to_try_again_whose_data_is_not_delivered_in_time() {
    let setup = Setup { ack_timeout: Duration::from_millis(20), is_open: false, ..Setup::default() };
    let receiver = setup.start();
    let answer = Client::connect(receiver.grpc).await.export(&logs("slow")).await;
    assert_eq!((answer.code.as_str(), answer.details.is_some()), ("14", true));
    assert_eq!(receiver.metric("otelcol_receiver_refused_log_records", &["grpc"]), 1);
    receiver.pipeline.open();
    let over_http = raw(receiver.http, &post("/v1/logs", "", &logs("quick"))).await;
    assert!(over_http.starts_with("HTTP/1.1 200"), "{over_http}");
}
