//! The `syslog` receiver through the binary: what `logger` and others send over TCP, TLS and UDP arrives.

use std::net::SocketAddr;
use std::process::Command;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};
use tonic::Status;

use crate::harness::certificates::{Authority, HUB};
use crate::harness::telemetry::{body_of, text_of};
use crate::harness::{Backend, Collector, Setup, eventually};

const TCP_PORT: u16 = 5514;
const UDP_PORT: u16 = 5515;

/// A collector whose receiver has these settings besides where it listens.
fn setup(tcp: &str, receiver: &str, backend: &Backend) -> Setup {
    Collector::from_yaml(&yaml(tcp, receiver)).env("BACKEND", &backend.address())
}

fn yaml(tcp: &str, receiver: &str) -> String {
    format!(
        "
receivers:
  syslog:
    tcp: {{ listen_address: '${{env:HOST}}:{TCP_PORT}'{tcp} }}
    udp: {{ listen_address: '${{env:HOST}}:{UDP_PORT}' }}
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 100ms }}
{receiver}
exporters:
  otlp_grpc:
    endpoint: '${{env:BACKEND}}'
    tls: {{ insecure: true }}
    compression: none
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 100ms, max_elapsed_time: 1s }}
service:
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    logs: {{ receivers: [syslog], exporters: [otlp_grpc] }}
"
    )
}

fn at(collector: &Collector, port: u16) -> SocketAddr {
    SocketAddr::new(collector.metrics_address().ip(), port)
}

/// Has util-linux's `logger` send a message.
fn logger(collector: &Collector, port: u16, how: &[&str], text: &str) {
    let host = at(collector, port).ip().to_string();
    let to = ["--server", &host, "--port", &port.to_string()].map(str::to_owned);
    let sent =
        Command::new("logger").args(to).args(how).args(["-t", "shop", "-p", "local3.warning", "--", text]).status();
    assert!(sent.unwrap().success());
}

async fn records(backend: &Backend, count: usize) -> Vec<LogRecord> {
    let what = format!("{count} records arrive");
    eventually(&what, async || (backend.log_records().len() >= count).then(|| backend.log_records())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_logger_sends_over_tcp_and_udp_arrives_with_all_that_it_says() {
    let backend = Backend::start().await;
    let collector = setup("", "    protocol: rfc5424", &backend).start().await;
    logger(&collector, TCP_PORT, &["--tcp", "--rfc5424"], "over tcp");
    records(&backend, 1).await;
    logger(&collector, UDP_PORT, &["--udp", "--rfc5424", "--sd-id", "x@1", "--sd-param", "k=\"v\""], "over udp");
    let records = records(&backend, 2).await;
    for (record, text) in records.iter().zip(["over tcp", "over udp"]) {
        assert_eq!(text_of(&record.attributes, "message"), Some(text));
        assert_eq!(text_of(&record.attributes, "appname"), Some("shop"));
        assert_eq!(text_of(&record.attributes, "facility_text"), Some("local3"));
        assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "warning"));
        assert!(record.time_unix_nano > 0 && body_of(record).unwrap().starts_with("<156>1 "));
        assert!(
            record.attributes.iter().any(|pair| pair.key == "structured_data"),
            "logger says how exact its time is"
        );
    }
    let accepted = "otelcol_receiver_accepted_log_records";
    for transport in ["transport=\"tcp\"", "transport=\"udp\""] {
        let counted = async || (collector.metrics().await.sum(accepted, &[transport]) > 0.0).then_some(());
        eventually("what was accepted is counted", counted).await;
    }
}

#[tokio::test]
async fn datagrams_with_numbers_of_octets_are_refused_with_their_key() {
    let backend = Backend::start().await;
    let (is_sound, told) = setup("", "    protocol: rfc5424\n    enable_octet_counting: true", &backend).validate();
    assert!(!is_sound && told.contains("receivers.syslog.udp"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_logger_sends_in_the_old_form_arrives_too() {
    let backend = Backend::start().await;
    let collector = setup("", "    protocol: rfc3164", &backend).start().await;
    logger(&collector, TCP_PORT, &["--tcp", "--rfc3164", "--id=77"], "over tcp");
    let record = records(&backend, 1).await.remove(0);
    for (key, value) in [("message", "over tcp"), ("appname", "shop"), ("proc_id", "77"), ("facility_text", "local3")] {
        assert_eq!(text_of(&record.attributes, key), Some(value), "{key}");
    }
    assert!(record.time_unix_nano.abs_diff(record.observed_time_unix_nano) < 24 * 3600 * 1_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_octets_and_tls_go_together() {
    let (backend, authority) = (Backend::start().await, Authority::new("authority"));
    let yaml =
        yaml(", tls: { cert_file: hub.pem, key_file: hub.pem }", "    protocol: none\n    enable_octet_counting: true");
    let yaml = yaml.replace(&format!("    udp: {{ listen_address: '${{env:HOST}}:{UDP_PORT}' }}\n"), "");
    let setup = Collector::from_yaml(&yaml).env("BACKEND", &backend.address());
    let collector = setup.file("hub.pem", authority.issue(HUB).bundle()).start().await;
    let mut stream = authority.connect(at(&collector, TCP_PORT), &[]).await;
    stream.write_all(b"7 one\ntwo5 three").await.unwrap();
    stream.flush().await.unwrap();
    let records = records(&backend, 2).await;
    let texts: Vec<_> = records.iter().map(|record| text_of(&record.attributes, "message").unwrap()).collect();
    assert_eq!(texts, ["one\ntwo", "three"]);
    let mut plain = TcpStream::connect(at(&collector, TCP_PORT)).await.unwrap();
    plain.write_all(b"3 abc").await.unwrap();
    let failures = "tidegate_receiver_tls_handshake_failures";
    let failed = async || (collector.metrics().await.sum(failures, &[]) > 0.0).then_some(());
    eventually("what comes in the clear is counted", failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_away_costs_no_message_of_a_connection() {
    let backend = Backend::start().await;
    let collector = setup("", "    protocol: none", &backend).start().await;
    backend.refuse(Status::unavailable("away"));
    let mut stream = TcpStream::connect(at(&collector, TCP_PORT)).await.unwrap();
    let lines: String = (0..1_000).map(|at| format!("message {at}\n")).collect();
    stream.write_all(lines.as_bytes()).await.unwrap();
    let refused = "otelcol_receiver_refused_log_records";
    let refuses = async || (collector.metrics().await.sum(refused, &["transport=\"tcp\""]) > 0.0).then_some(());
    eventually("it is refused", refuses).await;
    backend.accept();
    let mut bodies: Vec<String> =
        records(&backend, 1_000).await.iter().map(|record| body_of(record).unwrap().to_owned()).collect();
    bodies.sort_by_key(|body| body.rsplit(' ').next().unwrap().parse::<u32>().unwrap());
    assert_eq!(bodies, (0..1_000).map(|at| format!("message {at}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_configuration_loses_no_datagram() {
    let backend = Backend::start().await;
    let collector = setup("", "    protocol: none\n    attributes: { round: '0' }", &backend).start().await;
    let socket = UdpSocket::bind((collector.metrics_address().ip(), 0)).await.unwrap();
    socket.connect(at(&collector, UDP_PORT)).await.unwrap();
    let mut sent = 0;
    for round in 1..4 {
        let text = yaml("", &format!("    protocol: none\n    attributes: {{ round: '{round}' }}"));
        let from = collector.log.len();
        collector.replace("tidegate.yaml", text);
        while collector.log.having(from, &["configuration taken over"]).is_empty() {
            socket.send(format!("message {sent}").as_bytes()).await.unwrap();
            sent += 1;
            // The kernel keeps no more than so much of what nobody has read yet.
            let arrived = async || (backend.log_records().len() + 100 > sent).then_some(());
            eventually("what was sent arrives", arrived).await;
        }
    }
    let records = records(&backend, sent).await;
    let mut numbers: Vec<usize> =
        records.iter().map(|record| body_of(record).unwrap().rsplit(' ').next().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..sent).collect::<Vec<_>>());
}
