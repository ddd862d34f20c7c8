//! The `file_log` receiver through the binary: what is written to files arrives, whatever becomes of files, backend and process.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tonic::Status;

use crate::harness::telemetry::{body_of, text_of};
use crate::harness::{Backend, Collector, Setup, eventually};

/// A collector whose receiver has these settings; its files lie in `logs`, beside its configuration.
fn setup(receiver: &str, backend: &Backend) -> Setup {
    let yaml = format!(
        "
extensions: {{ file_storage: {{ directory: positions, create_directory: true }} }}
receivers:
  file_log:
    start_at: beginning
    poll_interval: 20ms
    storage: file_storage
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 100ms }}
{receiver}
exporters:
  otlp_grpc:
    endpoint: '${{env:BACKEND}}'
    tls: {{ insecure: true }}
    compression: none
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 100ms, max_elapsed_time: 1s }}
service:
  extensions: [file_storage]
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    logs: {{ receivers: [file_log], exporters: [otlp_grpc] }}
"
    );
    Collector::from_yaml(&yaml).env("BACKEND", &backend.address())
}

const PLAIN: &str = "    include: [logs/app.log]";

fn append(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::options().append(true).create(true).open(path).unwrap().write_all(content.as_bytes()).unwrap();
}

/// Packs a file as kubelet does: written beside, renamed, and the plain one removed.
fn pack(path: &Path) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&fs::read(path).unwrap()).unwrap();
    let beside = path.with_extension("tmp");
    fs::write(&beside, encoder.finish().unwrap()).unwrap();
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    fs::rename(beside, packed).unwrap();
    fs::remove_file(path).unwrap();
}

fn bodies(backend: &Backend) -> Vec<String> {
    backend.log_records().iter().map(|record| body_of(record).unwrap_or_default().to_owned()).collect()
}

/// Waits for as many records as there are wanted, which then have to be these, in this order.
async fn delivered(backend: &Backend, wanted: &[&str]) {
    let what = format!("{wanted:?} arrive");
    eventually(&what, async || (bodies(backend).len() >= wanted.len()).then_some(())).await;
    assert_eq!(bodies(backend), wanted);
}

async fn has_refused(collector: &Collector) {
    let refused = "otelcol_receiver_refused_log_records";
    eventually("it is refused", async || {
        (collector.metrics().await.sum(refused, &["transport=\"file\""]) > 0.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_container_arrive_whole_with_the_names_of_their_pod() {
    let backend = Backend::start().await;
    let receiver =
        "    include: ['logs/pods/*/*/*.log']\n    include_file_path: true\n    operators: [{ type: container }]";
    let setup = setup(receiver, &backend);
    let file = setup.path("logs/pods/shop_cart-1_0a-1b/app/3.log");
    append(
        &file,
        "2026-11-26T21:00:00.5Z stdout P one, \n2026-11-26T21:00:00.6Z stderr F apart\n2026-11-26T21:00:00.7Z stdout P two, \n",
    );
    let _collector = setup.start().await;
    delivered(&backend, &["apart"]).await;
    append(&file, "2026-11-26T21:00:01Z stdout F three\n");
    delivered(&backend, &["apart", "one, two, three"]).await;
    let record = backend.log_records().remove(1);
    assert_eq!(record.time_unix_nano, 1_795_726_800_500_000_000);
    assert_eq!(text_of(&record.attributes, "log.iostream"), Some("stdout"));
    assert_eq!(text_of(&record.attributes, "logtag"), Some("F"));
    let resource = backend.with(|taken| taken.logs[1].resource_logs[0].resource.clone().unwrap().attributes);
    for (key, value) in [
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", "cart-1"),
        ("k8s.pod.uid", "0a-1b"),
        ("k8s.container.name", "app"),
        ("k8s.container.restart_count", "3"),
    ] {
        assert_eq!(text_of(&resource, key), Some(value), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_is_not_read_again_after_a_restart() {
    let backend = Backend::start().await;
    let mut collector = setup(PLAIN, &backend).start().await;
    let file = collector.path("logs/app.log");
    append(&file, "one\ntwo\n");
    delivered(&backend, &["one", "two"]).await;
    collector.signal_term();
    assert!(collector.ended().await.success());
    append(&file, "three\n");
    let (mut child, log) = collector.beside();
    log.wait_for(0, &["ready"]).await;
    delivered(&backend, &["one", "two", "three"]).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_the_backend_refuses_and_the_process_is_killed() {
    let backend = Backend::start().await;
    let mut collector = setup(PLAIN, &backend).start().await;
    let file = collector.path("logs/app.log");
    append(&file, "one\n");
    delivered(&backend, &["one"]).await;
    backend.refuse(Status::unavailable("away"));
    append(&file, "two\n");
    has_refused(&collector).await;
    append(&file, "three\n");
    collector.kill_and_restart().await;
    has_refused(&collector).await;
    append(&file, "four\n");
    backend.accept();
    // The one that was delivered before may have been on its way to the checkpoint.
    let wanted = ["one", "two", "three", "four"];
    let has_all = || wanted.iter().all(|line| bodies(&backend).iter().any(|body| body == line));
    eventually("all of it arrives", async || has_all().then_some(())).await;
    let lost = collector.metrics().await.sum("tidegate_file_log_lost_bytes", &[]);
    assert!(lost.abs() < f64::EPSILON, "{lost} bytes are lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_renamed_and_packed_while_the_backend_refuses_arrives_once_and_in_order() {
    let backend = Backend::start().await;
    let collector = setup(PLAIN, &backend).start().await;
    let file = collector.path("logs/app.log");
    append(&file, "one\n");
    delivered(&backend, &["one"]).await;
    backend.refuse(Status::unavailable("away"));
    append(&file, "two\n");
    has_refused(&collector).await;
    append(&file, "three\n");
    let rotated = collector.path("logs/app.log.20261126-210000");
    fs::rename(&file, &rotated).unwrap();
    append(&file, "four\n");
    let followed = "tidegate_file_log_files";
    eventually("both are followed", async || (collector.metrics().await.sum(followed, &[]) >= 2.0).then_some(())).await;
    pack(&rotated);
    backend.accept();
    delivered(&backend, &["one", "two", "three", "four"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_packed_while_nobody_ran_is_read_on_in_the_packed_file() {
    let backend = Backend::start().await;
    let mut collector = setup(PLAIN, &backend).start().await;
    let file = collector.path("logs/app.log");
    append(&file, "one\n");
    delivered(&backend, &["one"]).await;
    collector.signal_term();
    assert!(collector.ended().await.success());
    append(&file, "two\n");
    let rotated = collector.path("logs/app.log.20261126-210000");
    fs::rename(&file, &rotated).unwrap();
    pack(&rotated);
    append(&file, "three\n");
    let (mut child, log) = collector.beside();
    log.wait_for(0, &["ready"]).await;
    delivered(&backend, &["one", "two", "three"]).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_copied_and_cut_arrives_once() {
    let backend = Backend::start().await;
    let collector = setup("    include: ['logs/app.log*']", &backend).start().await;
    let file = collector.path("logs/app.log");
    append(&file, "one\n");
    delivered(&backend, &["one"]).await;
    backend.refuse(Status::unavailable("away"));
    append(&file, "two\n");
    has_refused(&collector).await;
    append(&file, "three\n");
    fs::copy(&file, collector.path("logs/app.log.1")).unwrap();
    File::options().write(true).open(&file).unwrap().set_len(0).unwrap();
    append(&file, "four\n");
    backend.accept();
    delivered(&backend, &["one", "two", "three", "four"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_gone_before_they_were_read_are_counted() {
    let backend = Backend::start().await;
    backend.refuse(Status::unavailable("away"));
    let mut collector = setup(PLAIN, &backend).start().await;
    let file = collector.path("logs/app.log");
    append(&file, "never read\n");
    has_refused(&collector).await;
    collector.signal_term();
    collector.ended().await;
    fs::remove_file(&file).unwrap();
    let (mut child, log) = collector.beside();
    log.wait_for(0, &["gone before all of it was read", "bytes=11"]).await;
    let lost = "tidegate_file_log_lost_bytes";
    eventually("they are counted", async || (collector.metrics().await.sum(lost, &[]) >= 11.0).then_some(())).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_several_lines_are_one_record() {
    let backend = Backend::start().await;
    let receiver =
        format!("{PLAIN}\n    multiline: {{ line_start_pattern: '^\\d{{4}}-' }}\n    force_flush_period: 100ms");
    let collector = setup(&receiver, &backend).start().await;
    append(&collector.path("logs/app.log"), "2026-11-26 fails\n  at one\n  at two\n2026-11-26 goes on\n");
    delivered(&backend, &["2026-11-26 fails\n  at one\n  at two", "2026-11-26 goes on"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_becomes_attributes_severity_and_time() {
    let backend = Backend::start().await;
    let receiver = format!(
        "{PLAIN}
    operators:
      - type: json_parser
        if: 'body startsWith \"{{\"'
        timestamp: {{ parse_from: attributes.at, layout_type: gotime, layout: '2006-01-02T15:04:05Z' }}
        severity: {{ parse_from: attributes.level }}
      - {{ type: move, if: 'attributes[\"message\"] != nil', from: attributes.message, to: body }}
      - {{ type: filter, expr: 'body contains \"noise\"' }}"
    );
    let collector = setup(&receiver, &backend).start().await;
    let json = "{\"at\":\"2026-11-26T21:00:00Z\",\"level\":\"warn\",\"message\":\"it is full\",\"used\":97.5}\n";
    append(&collector.path("logs/app.log"), &format!("{json}noise\nno JSON\n"));
    delivered(&backend, &["it is full", "no JSON"]).await;
    let record: LogRecord = backend.log_records().remove(0);
    assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "warn"));
    assert_eq!(record.time_unix_nano, 1_795_726_800_000_000_000);
    let used = record.attributes.iter().find(|attribute| attribute.key == "used").unwrap();
    assert_eq!(used.value.as_ref().unwrap().value, Some(Value::DoubleValue(97.5)));
    assert_eq!(text_of(&record.attributes, "log.file.name"), Some("app.log"));
    let dropped = collector.metrics().await.sum("tidegate_file_log_dropped_entries", &[]);
    assert!((dropped - 1.0).abs() < f64::EPSILON, "{dropped} entries are dropped");
}
