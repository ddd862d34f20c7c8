//! An acknowledgement is a promise: it is given when every exporter that must have the data has it.

use tonic::{Code, Status};

use crate::harness::{Backend, Client, Collector, telemetry};

const TWO_EXPORTERS: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  otlp_grpc/a: { endpoint: '${env:A}', tls: { insecure: true }, compression: none, retry_on_failure: { enabled: false } }
  otlp_grpc/b: { endpoint: '${env:B}', tls: { insecure: true }, compression: none, retry_on_failure: { enabled: false } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_grpc/a, otlp_grpc/b] }
";

async fn two() -> (Backend, Backend, Collector, Client) {
    let (a, b) = (Backend::start().await, Backend::start().await);
    let setup = Collector::from_yaml(TWO_EXPORTERS).env("A", &a.address()).env("B", &b.address());
    let collector = setup.start().await;
    let client = Client::connect(collector.grpc()).await;
    (a, b, collector, client)
}

fn one(id: &str) -> opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest {
    telemetry::logs(vec![telemetry::record(id, 9, "of two")])
}

#[tokio::test]
async fn one_exporter_that_is_unavailable_refuses_the_request_until_it_is_back() {
    let (a, b, collector, client) = two().await;
    b.refuse(Status::unavailable("restarting"));
    let refused = client.logs(one("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    b.accept();
    client.logs(one("x")).await.unwrap();
    assert_eq!((a.log_records().len(), b.log_records().len()), (2, 1), "the other has seen it twice");
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("otelcol_receiver_refused_log_records", &[]), 1.0);
    assert_eq!(metrics.sum("otelcol_receiver_accepted_log_records", &[]), 1.0);
}

#[tokio::test]
async fn one_exporter_that_fails_for_good_is_counted_and_holds_up_nobody() {
    let (a, b, collector, client) = two().await;
    b.refuse(Status::invalid_argument("not mine"));
    client.logs(one("x")).await.unwrap();
    assert_eq!((a.log_records().len(), b.log_records().len()), (1, 0));
    let metrics = collector.metrics().await;
    let dropped = metrics.sum("tidegate_fanout_dropped_items", &["from=\"logs\"", "to=\"otlp_grpc/b\""]);
    assert_eq!(dropped, 1.0);
}

#[tokio::test]
async fn a_receiver_in_two_pipelines_of_a_signal_feeds_both() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters: { file/a: { path: a.jsonl }, file/b: { path: b.jsonl } }
service:
  telemetry: { metrics: { address: none } }
  pipelines:
    logs/a: { receivers: [otlp], exporters: [file/a] }
    logs/b: { receivers: [otlp], exporters: [file/b] }
";
    let collector = Collector::from_yaml(yaml).start().await;
    Client::connect(collector.grpc()).await.logs(one("both")).await.unwrap();
    for file in ["a.jsonl", "b.jsonl"] {
        let text = collector.read(file);
        assert!(text.lines().count() == 1 && text.contains("\"both\""), "{file}: {text}");
    }
}
