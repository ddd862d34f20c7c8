//! Connectors join pipelines: what ends in one goes on in those that begin with it, and its sender is answered for all of them.

use std::process::Stdio;

use serde_json::Value;
use tonic::{Code, Status};

use crate::harness::{Backend, Client, Collector, Log, eventually, telemetry, tidegate};

/// Two pipelines in, two out, and exporters that try nothing again.
const JOINED: &str = "
receivers:
  otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } }
  otlp/other: { protocols: { grpc: { endpoint: '${env:HOST}:4319' } } }
processors:
  batch:
  resource/a: { attributes: [{ key: way, value: a, action: upsert }] }
exporters:
  otlp_grpc/a: { endpoint: '${env:A}', tls: { insecure: true }, compression: none, retry_on_failure: { enabled: false } }
  otlp_grpc/b: { endpoint: '${env:B}', tls: { insecure: true }, compression: none, retry_on_failure: { enabled: false } }
connectors: { forward: }
modules: { cache: '${env:CACHE}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs/in: { receivers: [otlp], processors: [batch], exporters: [forward] }
    logs/other: { receivers: [otlp/other], exporters: [forward] }
    logs/a: { receivers: [forward], processors: [resource/a, batch], exporters: [otlp_grpc/a] }
    logs/b: { receivers: [forward], exporters: [otlp_grpc/b] }
    traces/in: { receivers: [otlp], exporters: [forward] }
    traces: { receivers: [forward], exporters: [otlp_grpc/a] }
";

async fn joined() -> (Backend, Backend, Collector, Client) {
    let (a, b) = (Backend::start().await, Backend::start().await);
    let setup = Collector::from_yaml(JOINED).env("A", &a.address()).env("B", &b.address());
    let collector = setup.start().await;
    let client = Client::connect(collector.grpc()).await;
    (a, b, collector, client)
}

fn one(id: &str) -> opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest {
    telemetry::logs(vec![telemetry::record(id, 9, "of a way")])
}

/// The ids of what a backend took, and the ways that its resources name.
fn taken(backend: &Backend) -> (Vec<String>, Vec<String>) {
    let records = backend.log_records();
    let ids = records.iter().filter_map(|record| telemetry::text_of(&record.attributes, "id")).map(str::to_owned);
    let ways = backend.with(|taken| {
        let resources = taken.logs.iter().flat_map(|request| &request.resource_logs).flat_map(|logs| &logs.resource);
        let ways = resources.filter_map(|resource| telemetry::text_of(&resource.attributes, "way"));
        ways.map(str::to_owned).collect()
    });
    (ids.collect(), ways)
}

#[tokio::test]
async fn what_ends_in_a_connector_goes_on_in_each_pipeline_that_begins_with_it() {
    let (a, b, collector, client) = joined().await;
    client.logs(one("x")).await.unwrap();
    let other = std::net::SocketAddr::new(collector.grpc().ip(), 4319);
    Client::connect(other).await.logs(one("y")).await.unwrap();
    assert_eq!(taken(&a), (vec!["x".to_owned(), "y".to_owned()], vec!["a".to_owned(), "a".to_owned()]));
    assert_eq!(
        taken(&b),
        (vec!["x".to_owned(), "y".to_owned()], vec![]),
        "what one pipeline does the other does not see"
    );
    client.traces(telemetry::traces("over")).await.unwrap();
    assert_eq!(a.with(|taken| taken.traces.len()), 1, "each signal has its own way");
    assert_eq!(b.with(|taken| taken.traces.len()), 0);
}

#[tokio::test]
async fn a_connector_hands_on_what_it_got_as_it_was() {
    let (_a, b, _collector, client) = joined().await;
    client.logs(one("x")).await.unwrap();
    assert_eq!(b.with(|taken| taken.logs.clone()), [one("x")]);
}

#[tokio::test]
async fn a_sender_is_told_of_a_failure_behind_a_connector() {
    let (a, b, collector, client) = joined().await;
    a.refuse(Status::unavailable("restarting"));
    let refused = client.logs(one("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("restarting"), "{refused:?}");
    a.accept();
    client.logs(one("x")).await.unwrap();
    assert_eq!((taken(&a).0.len(), taken(&b).0.len()), (1, 2), "the other has seen it twice");

    // A failure for good of one is counted there, and of all it is one.
    b.refuse(Status::invalid_argument("not mine"));
    client.logs(one("y")).await.unwrap();
    let metrics = collector.metrics().await;
    let dropped = metrics.sum("tidegate_fanout_dropped_items", &["from=\"forward\"", "to=\"logs/b\""]);
    assert_eq!(dropped, 1.0);
    a.refuse(Status::invalid_argument("nor mine"));
    let failed = client.logs(one("z")).await.unwrap_err();
    assert_eq!(failed.code(), Code::InvalidArgument, "{failed:?}");
}

#[tokio::test]
async fn what_passes_a_connector_is_counted_and_shown() {
    let (a, _b, collector, client) = joined().await;
    client.logs(one("x")).await.unwrap();
    a.refuse(Status::unavailable("restarting"));
    client.logs(one("y")).await.unwrap_err();
    let metrics = collector.metrics().await;
    let items = |name: &str, outcome: &str, more: &str| {
        let outcome = format!("otelcol_component_outcome=\"{outcome}\"");
        metrics.sum(name, &["connector=\"forward\"", "otel_signal=\"logs\"", &outcome, more])
    };
    let (consumed, produced) = ("otelcol_connector_consumed_items", "otelcol_connector_produced_items");
    assert_eq!((items(consumed, "success", ""), items(consumed, "refused", "")), (1.0, 1.0));
    for (pipeline, success, refused) in [("logs/a", 1.0, 5.0), ("logs/b", 2.0, 0.0)] {
        let to = format!("otelcol_pipeline_id=\"{pipeline}\"");
        assert_eq!(
            (items(produced, "success", &to), items(produced, "refused", &to)),
            (success, refused),
            "{pipeline}: what one has and the other refuses is tried five times"
        );
    }

    let pipelines: Value = serde_json::from_str(&collector.page("/debug/pipelines").await).unwrap();
    let pipeline = |id: &str| pipelines.as_array().unwrap().iter().find(|pipeline| pipeline["pipeline"] == id).unwrap();
    assert_eq!(pipeline("logs/in")["leads_to"], serde_json::json!({ "forward": ["logs/a", "logs/b"] }));
    assert_eq!(pipeline("traces/in")["leads_to"], serde_json::json!({ "forward": ["traces"] }));
    assert_eq!(pipeline("logs/a")["leads_to"], serde_json::json!({}));
    assert_eq!(pipeline("logs/a")["items"]["from_connectors"], 6, "with each attempt");
    assert_eq!(pipeline("logs/a")["items"]["accepted"], serde_json::json!({}), "a connector is no receiver of its own");
    assert_eq!(pipeline("logs/in")["items"]["sent"], serde_json::json!({}));
}

#[tokio::test]
async fn a_tap_shows_what_comes_through_a_connector() {
    let (_a, _b, collector, client) = joined().await;
    for (args, place) in [
        (&["logs/a"][..], "at the start"),
        (&["logs/b"], "at the start"),
        (&["logs/a", "--after", "resource/a"], "within"),
    ] {
        let mut command = tidegate();
        command.arg("tap").args(args).args(["--detailed", "--endpoint", &collector.metrics_address().to_string()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = Log::follow(child.stdout.take().unwrap());
        eventually(place, async || {
            client.logs(one("tapped")).await.unwrap();
            lines.having(0, &["tapped"]).into_iter().next()
        })
        .await;
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_was_acknowledged_is_behind_the_connectors_when_the_collector_has_ended() {
    let (a, b, mut collector, _) = joined().await;
    let mut senders = Vec::new();
    for name in 0..4 {
        let client = Client::connect(collector.grpc()).await;
        senders.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for i in 0.. {
                let id = format!("{name}.{i}");
                match client.logs(one(&id)).await {
                    Ok(()) => acknowledged.push(id),
                    Err(_) => break,
                }
            }
            acknowledged
        }));
    }
    eventually("there is a stream", async || (b.log_records().len() > 100).then_some(())).await;
    collector.signal_term();
    assert_eq!(collector.ended().await.code(), Some(0));
    let (at_a, at_b) = (taken(&a).0, taken(&b).0);
    for sender in senders {
        for id in sender.await.unwrap() {
            assert!(at_a.contains(&id) && at_b.contains(&id), "{id} was acknowledged");
        }
    }
}

#[test]
fn what_connectors_cannot_join_is_refused_with_its_place() {
    let with = |from: &str, to: &str| {
        assert!(JOINED.contains(from), "{from}");
        JOINED.replace(from, to)
    };
    for (yaml, place, why) in [
        (
            with("    logs/a: { receivers: [forward]", "    logs/a: { receivers: [otlp]")
                .replace("logs/b: { receivers: [forward]", "logs/b: { receivers: [otlp]"),
            "tidegate.yaml:16:68: service.pipelines.logs/in.exporters[0]: ",
            "the connector `forward` is used as an exporter in logs/in, logs/other, and not as a receiver in any pipeline of logs",
        ),
        (
            with(
                "traces/in: { receivers: [otlp], exporters: [forward] }",
                "traces/in: { receivers: [otlp], exporters: [otlp_grpc/b] }",
            ),
            "tidegate.yaml:21:27: service.pipelines.traces.receivers[0]: ",
            "the connector `forward` is used as a receiver in traces, and not as an exporter in any pipeline of traces",
        ),
        (
            with(
                "traces: { receivers: [forward], exporters: [otlp_grpc/a] }",
                "traces: { receivers: [forward], exporters: [forward] }",
            ),
            "tidegate.yaml:21:49: service.pipelines.traces.exporters[0]: ",
            "cycle detected, in which data would go round for ever: connector `forward` -> pipeline `traces` -> connector `forward`",
        ),
        (
            with("connectors: { forward: }", "connectors: { forward: , otlp: }"),
            "tidegate.yaml:11:26: connectors.otlp: ",
            "unknown connector `otlp`",
        ),
        (
            with("connectors: { forward: }", "connectors: { forward: { to: logs/a } }"),
            "tidegate.yaml:11:26: connectors.forward.to: ",
            "unknown key `to`",
        ),
        (
            with("processors: [batch], exporters: [forward]", "processors: [forward], exporters: [forward]"),
            "tidegate.yaml:16:48: service.pipelines.logs/in.processors[0]: ",
            "`forward` is one of the `connectors`, and only `processors` may stand here",
        ),
        (
            with("receivers:\n", "receivers:\n  forward:\n"),
            "tidegate.yaml:12:15: connectors.forward: ",
            "ambiguous: `forward` is one of the `receivers` too",
        ),
    ] {
        let (valid, text) = Collector::from_yaml(&yaml).env("A", &"a:1").env("B", &"b:1").validate();
        assert!(!valid, "{why}");
        assert!(
            text.lines().any(|line| line.starts_with(place) && line.contains(why)),
            "{place}{why}\nis not in\n{text}"
        );
    }
}
