//! What a gRPC client is told.

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use host_component::{Failure, MetadataKeys, PEER, Signal};
use host_compression::Coding;

use super::harness::{CAP, Client, LOGS, Setup, TRACES, framed, logs, packed, until};

#[tokio::test]
async fn hands_a_request_on_as_it_came_and_answers_with_an_empty_message() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    let answer = client.export(&logs("hello")).await;
    assert_eq!((answer.http, answer.code.as_str()), (200, "0"));
    assert_eq!(answer.data, [0; 5]);
    assert_eq!(*receiver.pipeline.taken.lock().unwrap(), [logs("hello")]);
    assert_eq!(receiver.metric("otelcol_receiver_accepted_log_records", &["grpc"]), 1);
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn the_address_of_a_sender_goes_along_where_something_reads_it_and_nowhere_else() {
    let mut metadata = MetadataKeys::default();
    metadata.add(Signal::Logs, [PEER.to_owned()]);
    for (metadata, peer) in [(metadata, Some("127.0.0.1".parse().unwrap())), (MetadataKeys::default(), None)] {
        let receiver = Setup { metadata, ..Setup::default() }.start();
        let client = Client::connect(receiver.grpc).await;
        assert_eq!(client.export(&logs("hello")).await.code, "0");
        let origin = receiver.pipeline.origins.lock().unwrap().pop().unwrap();
        assert_eq!(origin.peer(), peer);
        assert_eq!(origin.without_peer().metadata, [], "and nothing else");
    }
}

#[tokio::test]
async fn takes_a_message_that_comes_in_small_pieces() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    let mut call = client.begin(LOGS, &[]).await;
    let whole = framed(0, &logs("in pieces"));
    for at in 0..whole.len() {
        call.stream.send_data(whole.slice(at..=at), false).unwrap();
    }
    call.stream.send_data(Bytes::new(), true).unwrap();
    assert_eq!(call.finish().await.code, "0");
    assert_eq!(*receiver.pipeline.taken.lock().unwrap(), [logs("in pieces")]);
}

#[tokio::test]
async fn accepts_an_empty_request_and_bothers_no_pipeline_with_it() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    assert_eq!(client.export(&[]).await.code, "0");
    assert_eq!(receiver.pipeline.count(), 0);
}

#[tokio::test]
async fn decompresses_what_grpc_may_be_compressed_with_and_refuses_the_rest_by_name() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    for (name, coding) in [("gzip", Coding::Gzip), ("zstd", Coding::Zstd), ("snappy", Coding::SnappyFramed)] {
        let body = framed(1, &packed(coding, &logs(name)));
        assert_eq!(client.call(LOGS, &[("grpc-encoding", name)], body).await.code, "0", "{name}");
        assert_eq!(receiver.pipeline.taken.lock().unwrap().pop(), Some(logs(name)));
    }
    let body = framed(1, &packed(Coding::Gzip, &logs("packed")));
    let answer = client.call(LOGS, &[("grpc-encoding", "deflate")], body.clone()).await;
    assert_eq!(answer.code, "12");
    assert_eq!(answer.accept_encoding.as_deref(), Some("gzip,zstd,snappy,identity"));
    assert!(answer.message.contains("deflate"), "{}", answer.message);
    let answer = client.call(LOGS, &[("grpc-encoding", "zstd")], body.clone()).await;
    assert_eq!(answer.code, "3", "it is none: {}", answer.message);
    assert_eq!(client.call(LOGS, &[], body).await.code, "3");
}

#[tokio::test]
async fn maps_each_failure_of_the_pipeline_to_its_status() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    let retry = |details: &Option<String>| {
        let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(details.as_deref().unwrap()).unwrap();
        String::from_utf8_lossy(&bytes).contains("google.rpc.RetryInfo")
    };

    receiver.pipeline.fails_with(Failure::permanent("no such index: 100 %\u{e9}"));
    let answer = client.export(&logs("a")).await;
    assert_eq!((answer.code.as_str(), answer.message.as_str()), ("3", "no such index: 100 %25%C3%A9"));
    assert_eq!(answer.details, None);

    receiver.pipeline.fails_with(Failure::Retryable { reason: "away".into(), after: Some(Duration::from_secs(3)) });
    let answer = client.export(&logs("b")).await;
    assert_eq!(answer.code, "14");
    assert!(retry(&answer.details));

    receiver.pipeline.fails_with(Failure::refused("full", Duration::from_secs(1)));
    let answer = client.export(&logs("c")).await;
    assert_eq!(answer.code, "8");
    assert!(retry(&answer.details));

    assert_eq!(receiver.metric("otelcol_receiver_failed_log_records", &["grpc"]), 1);
    assert_eq!(receiver.metric("otelcol_receiver_refused_log_records", &["grpc"]), 2);
}

#[tokio::test]
async fn refuses_each_malformed_body_and_leaves_other_streams_alone() {
    let setup = Setup { is_open: false, ..Setup::default() };
    let receiver = setup.start();
    let client = Client::connect(receiver.grpc).await;
    let good = tokio::spawn({
        let client = client.clone();
        async move { client.export(&logs("good")).await }
    });
    until("the good request is under way", || receiver.pipeline.waiting() == 1).await;

    let whole = logs("truncated");
    let deep = (0..200).fold(Vec::new(), |inner: Vec<u8>, _| {
        let (mut value, mut list) = (Vec::new(), Vec::new());
        host_otlp::wire::put_len(&mut list, 1, &inner);
        host_otlp::wire::put_len(&mut value, 5, &list);
        value
    });
    let nest = |numbers: &[u32], inner: Vec<u8>| {
        numbers.iter().rev().fold(inner, |inner, number| {
            let mut out = Vec::new();
            host_otlp::wire::put_len(&mut out, *number, &inner);
            out
        })
    };
    let bodies = [
        ("truncated", framed(0, &whole[..whole.len() - 3])),
        ("too deep", framed(0, &nest(&[1, 2, 2, 5], deep))),
        ("a wrong wire type", framed(0, &[0x08, 0x01])),
        ("a group", framed(0, &[0x0b, 0x0c])),
        ("field number 0", framed(0, &[0x02, 0x00])),
        ("bad UTF-8", framed(0, &nest(&[1, 2, 2, 5, 1], vec![0xff, 0xfe]))),
        ("an endless varint", framed(0, &[0xff; 16])),
        ("no message", Bytes::new()),
        ("half a prefix", Bytes::from_static(&[0, 0, 0])),
        ("less than was announced", Bytes::from_static(&[0, 0, 0, 0, 9, 1])),
        ("more than was announced", Bytes::from([&framed(0, &whole)[..], b"x"].concat())),
        ("two messages", Bytes::from([framed(0, &whole), framed(0, &whole)].concat())),
        ("an unknown flag", framed(7, &whole)),
        ("gzip that is none", framed(1, b"this is no gzip")),
    ];
    let count = bodies.len() as u64;
    for (what, body) in bodies {
        let answer = client.call(LOGS, &[("grpc-encoding", "gzip")], body).await;
        assert_eq!(answer.code, "3", "{what}: {}", answer.message);
        assert!(!answer.message.is_empty(), "{what}");
    }
    assert_eq!(receiver.refused("grpc", "malformed"), count);

    receiver.pipeline.open();
    assert_eq!(good.await.unwrap().code, "0");
    assert_eq!(*receiver.pipeline.taken.lock().unwrap(), [logs("good")]);
    assert_eq!(receiver.budget.used(), 0);
}

#[tokio::test]
async fn tells_apart_what_it_does_not_serve() {
    let receiver = Setup::default().start();
    let client = Client::connect(receiver.grpc).await;
    let body = || framed(0, &logs("x"));
    assert_eq!(client.call("/some.other.Service/Export", &[], body()).await.code, "12");
    let answer = client.call(TRACES, &[], body()).await;
    assert_eq!(answer.code, "12", "no pipeline takes traces");
    let profiles = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export";
    let answer = client.call(profiles, &[], body()).await;
    assert_eq!(answer.code, "12");
    assert!(answer.message.starts_with("profiles are not served"), "{}", answer.message);
    assert_eq!(client.call(LOGS, &[("x-method-get", "1")], body()).await.code, "12");
    let answer = client.call(LOGS, &[("content-type", "text/plain")], body()).await;
    assert_eq!((answer.http, answer.code.as_str()), (415, "12"));
    assert_eq!(client.call(LOGS, &[("content-type", "application/grpc+proto")], body()).await.code, "0");
    assert_eq!(receiver.refused("grpc", "path"), 3);
    assert_eq!(receiver.refused("grpc", "media_type"), 1);
}

#[tokio::test]
async fn drops_the_delivery_of_a_client_that_goes_away_and_gives_its_bytes_back() {
    let receiver = Setup { is_open: false, ..Setup::default() }.start();
    let client = Client::connect(receiver.grpc).await;
    let mut call = client.begin(LOGS, &[]).await;
    call.stream.send_data(framed(0, &logs("gone")), true).unwrap();
    until("the request is under way", || receiver.pipeline.waiting() == 1).await;
    assert!(receiver.budget.used() > 0);
    drop(call);
    until("the delivery is dropped", || receiver.pipeline.waiting() == 0).await;
    until("its bytes are back", || receiver.budget.used() == 0).await;
    assert_eq!(receiver.pipeline.count(), 0);
}

#[tokio::test]
async fn answers_what_it_took_before_it_ends() {
    let receiver = Setup { is_open: false, ..Setup::default() }.start();
    let client = Client::connect(receiver.grpc).await;
    let call = tokio::spawn(async move { client.export(&logs("last")).await });
    until("the request is under way", || receiver.pipeline.waiting() == 1).await;
    receiver.trigger.fire();
    let refused = async { while tokio::net::TcpStream::connect(receiver.grpc).await.is_ok() {} };
    tokio::time::timeout(CAP, refused).await.expect("nothing is accepted any more");
    assert!(!receiver.task.is_finished());
    receiver.pipeline.open();
    assert_eq!(call.await.unwrap().code, "0");
    tokio::time::timeout(CAP, receiver.task).await.expect("the receiver ends").unwrap();
}
