//! Strangers that send what no well-behaved client sends: memory stays bounded, and others are served.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Client, Collector, eventually, telemetry};

const PASS: &str = "
receivers:
  otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' }, http: { endpoint: '${env:HOST}:4318' } } }
exporters: { file: { path: out.jsonl } }
service:
  limits: { in_flight_mib: 64 }
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
";
const MIB: f64 = 1024.0 * 1024.0;

/// Sends this and leaves it at that.
async fn begin(address: SocketAddr, parts: &[&[u8]]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    for part in parts {
        // The collector may have refused and closed already.
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    stream
}

#[tokio::test]
async fn memory_is_bounded_by_what_may_be_in_flight_whatever_strangers_announce_and_begin() {
    let collector = Collector::from_yaml(PASS).start().await;
    let resident = async || collector.metrics().await.sum("otelcol_process_memory_rss", &[]);
    let before = resident().await;
    let head = |length: usize| {
        format!(
            "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let half = vec![0x0a; 2 << 20];
    let mut held = Vec::new();
    for _ in 0..150 {
        held.push(begin(collector.http(), &[head(4 << 20).as_bytes(), &half]).await);
        held.push(begin(collector.http(), &[b"POST /v1/logs HTTP/1.1\r\nx-flood: ", &[b'x'; 60_000]]).await);
    }
    eventually("those that find no room are refused", async || {
        let refused = collector.metrics().await.sum("tidegate_receiver_requests_refused", &["reason=\"no_room\""]);
        (refused >= 100.0).then_some(())
    })
    .await;
    let reserved = collector.metrics().await.sum("tidegate_receiver_in_flight_bytes", &[]);
    assert!(reserved <= 64.0 * MIB, "{reserved}");
    let grown = resident().await - before;
    assert!(grown <= 160.0 * MIB, "{} MiB", grown / MIB);

    // Whoever comes now is told to come again, and is taken when the strangers have gone.
    let client = Client::connect(collector.grpc()).await;
    drop(held);
    eventually("there is room again", async || {
        let reserved = collector.metrics().await.sum("tidegate_receiver_in_flight_bytes", &[]);
        (reserved == 0.0).then_some(())
    })
    .await;
    client.logs(telemetry::logs(vec![telemetry::record("one", 9, "after the flood")])).await.unwrap();
}

#[tokio::test]
async fn a_refusal_reaches_a_sender_that_is_still_sending() {
    let collector = Collector::from_yaml(PASS).start().await;
    let length = 30 << 20;
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut stream = begin(collector.http(), &[head.as_bytes(), &vec![0x0a; 1 << 20]]).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}
