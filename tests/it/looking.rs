//! What an operator sees of a collector that runs: its debug pages, its metrics, and the telemetry that passes.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::harness::{Client, Collector, Log, eventually, telemetry, tidegate};

const SCRUBBED: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  batch:
  wasm/scrub: { module: pii-scrub, config: { detectors: { email: {} } }, limits: { timeout: 5s } }
exporters: { debug: }
extensions: { health_check: { endpoint: '${env:HOST}:13133' } }
modules: { cache: '${env:CACHE}' }
service:
  extensions: [health_check]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch, wasm/scrub], exporters: [debug] }
";

/// `tidegate tap`, ended when it is dropped.
struct Tap {
    child: Child,
    lines: Log,
    complaints: Log,
}

impl Tap {
    fn start(collector: &Collector, args: &[&str]) -> Self {
        let mut command = tidegate();
        command.arg("tap").args(args).args(["--endpoint", &collector.metrics_address().to_string()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Log::follow(child.stdout.take().unwrap());
        let complaints = Log::follow(child.stderr.take().unwrap());
        Tap { child, lines, complaints }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a record until a tap shows a line with `part`.
async fn sent_until_shown(client: &Client, tap: &Tap, part: &str) -> String {
    eventually(part, async || {
        client.logs(telemetry::logs(vec![telemetry::record("a", 9, "mail ada@example.com")])).await.unwrap();
        tap.lines.having(0, &[part]).into_iter().next()
    })
    .await
}

#[tokio::test]
async fn a_tap_shows_what_comes_in_and_what_a_processor_made_of_it() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    let client = Client::connect(collector.grpc()).await;
    let before = Tap::start(&collector, &["logs"]);
    let line = sent_until_shown(&client, &before, "mail ada@example.com").await;
    assert!(line.contains("id=a"), "{line}");
    let after = Tap::start(&collector, &["logs", "--after", "wasm/scrub"]);
    sent_until_shown(&client, &after, "mail ****").await;
    assert_eq!(after.lines.having(0, &["ada@example.com"]), [""; 0], "it was scrubbed before");
    let whole = Tap::start(&collector, &["logs", "--after", "batch", "--detailed"]);
    sent_until_shown(&client, &whole, "severity_number: 9").await;
}

#[tokio::test]
async fn a_tap_says_what_there_is_where_there_is_not_what_was_asked_for() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    for (args, reason) in [
        (&["traces"][..], "there is no pipeline \"traces\"; there are: logs"),
        (&["logs", "--after", "wasm"], "the pipeline logs has no processor \"wasm\"; it has: batch, wasm/scrub"),
        (&["logs", "--rate", "0"], "from 1 to 10000"),
    ] {
        let mut tap = Tap::start(&collector, args);
        let told = tap.complaints.wait_for(0, &[reason]).await;
        assert!(told.starts_with("tidegate: the collector at "), "{told}");
        let status = eventually("it ends", async || tap.child.try_wait().unwrap()).await;
        assert_eq!(status.code(), Some(1));
    }
}

#[tokio::test]
async fn a_tap_shows_a_sample_and_tells_how_much_it_left_out() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    let client = Client::connect(collector.grpc()).await;
    let tap = Tap::start(&collector, &["logs", "--rate", "3"]);
    eventually("a batch is cut", async || {
        let records = (0..10).map(|i| telemetry::record(&i.to_string(), 9, "one of ten")).collect();
        client.logs(telemetry::logs(records)).await.unwrap();
        tap.lines.having(0, &["items not shown: at most 3 a second"]).into_iter().next()
    })
    .await;
}

#[tokio::test]
async fn a_stranger_is_shown_no_telemetry() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    let answer = collector
        .raw(8888, "GET /debug/tap?pipeline=logs HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("on the collector's own machine only"), "{answer}");
}

#[tokio::test]
async fn the_page_of_modules_tells_what_runs_and_what_it_did() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(telemetry::logs(vec![telemetry::record("a", 9, "mail ada@example.com")])).await.unwrap();
    let modules: Value = serde_json::from_str(&collector.page("/debug/modules").await).unwrap();
    let module = &modules[0];
    assert_eq!(module["processor"], "wasm/scrub");
    assert_eq!(module["pipeline"], "logs");
    assert_eq!(module["module"], "pii-scrub");
    assert_eq!(module["refused_last"], Value::Null);
    let reads: Vec<&str> =
        module["running"]["reads"].as_array().unwrap().iter().filter_map(|r| r["path"].as_str()).collect();
    assert!(reads.contains(&"log.body[**]"), "{reads:?}");
    let granted = module["running"]["granted_reads"].as_array().unwrap();
    assert!(
        granted.iter().any(|path| path == "log.body[**]"),
        "what it asks for stands beside what it was granted: {granted:?}"
    );
    assert_eq!((&module["work"]["items"], &module["work"]["matches"]), (&Value::from(1), &Value::from(1)));
    assert!(module["work"]["p99_microseconds"].as_f64().unwrap() > 0.0, "{module}");

    let metrics = collector.metrics().await;
    let digest = module["running"]["digest"].as_str().unwrap();
    assert_eq!(metrics.sum("tidegate_module_info", &[&format!("digest=\"{digest}\"")]), 1.0, "{}", metrics.0);
    let processor = ["processor=\"wasm/scrub\""];
    assert_eq!(metrics.sum("tidegate_processor_call_seconds_count", &processor), 1.0);
    assert_eq!(metrics.sum("otelcol_processor_internal_duration_count", &processor), 1.0);
    assert_eq!(metrics.sum("otelcol_processor_batch_batch_send_size_sum", &["processor=\"batch\""]), 1.0);
}

#[tokio::test]
async fn a_browser_gets_pages_and_everybody_else_data() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    for path in ["/debug/pipelines", "/debug/modules"] {
        let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\naccept: text/html,*/*\r\nconnection: close\r\n\r\n");
        let page = collector.raw(8888, &asked).await;
        assert!(page.contains("content-type: text/html") && page.contains("<td>logs</td>"), "{page}");
        serde_json::from_str::<Value>(&collector.page(path).await).unwrap();
    }
}

#[tokio::test]
async fn readiness_is_told_beside_the_metrics_and_beside_the_health() {
    let collector = Collector::from_yaml(SCRUBBED).start().await;
    for port in [8888, 13133] {
        let ready = collector.page_of(port, "/ready").await;
        assert!(ready.contains("Server available"), "{ready}");
    }
}
