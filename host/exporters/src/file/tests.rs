//! What the file exporter promises.

mod journal;

use std::path::Path;
use std::sync::Arc;

use host_component::{ComponentId, Delivery, Exporter, Failure, Payload};
use host_otlp::build::Logs;
use host_telemetry::Metrics;
use prost::Message;

use super::{Config, Error};

fn config(json: &serde_json::Value) -> Config {
    serde_json::from_value(json.clone()).expect("the configuration is right")
}

fn build(folder: &Path, settings: &serde_json::Value) -> Result<Arc<dyn Exporter>, Error> {
    let id: ComponentId = "file/test".parse().expect("the id is right");
    config(settings).build(id, folder, &Metrics::new())
}

fn logs(bodies: &[&str]) -> Payload {
    let mut logs = Logs::new();
    for body in bodies {
        logs.resource_logs(|resource| {
            resource.scope_logs(|scope| scope.log_record(|record| record.body(*body)));
        });
    }
    logs.finish()
}

async fn deliver(exporter: &Arc<dyn Exporter>, payload: Payload) {
    exporter.consume(Delivery::new(payload)).await.expect("the file takes it");
}

/// The bodies of each line.
fn bodies(text: &str) -> Vec<Vec<String>> {
    let of_line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let resources = line["resourceLogs"].as_array().expect("a list").clone();
        let body = |resource: &serde_json::Value| {
            resource["scopeLogs"][0]["logRecords"][0]["body"]["stringValue"].as_str().expect("text").to_owned()
        };
        resources.iter().map(body).collect()
    };
    text.lines().map(of_line).collect()
}

#[tokio::test]
async fn writes_a_line_for_each_request_before_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out.jsonl" })).unwrap();
    let read = || std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    deliver(&exporter, logs(&["one"])).await;
    assert_eq!(bodies(&read()), [["one"]]);
    let mut joined = logs(&["two", "three"]);
    joined.join(logs(&["four\nlines"]));
    deliver(&exporter, joined).await;
    assert_eq!(bodies(&read()), [vec!["one"], vec!["two", "three", "four\nlines"]]);
}

#[tokio::test]
async fn writes_protobuf_behind_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out.pb", "format": "proto" })).unwrap();
    let mut joined = logs(&["one"]);
    joined.join(logs(&["two"]));
    deliver(&exporter, joined.clone()).await;
    let written = std::fs::read(folder.path().join("out.pb")).unwrap();
    let (prefix, request) = written.split_at(4);
    assert_eq!(u32::from_be_bytes(prefix.try_into().unwrap()) as usize, request.len());
    assert_eq!(request, joined.contiguous());
}

#[tokio::test]
async fn a_file_that_is_written_to_is_not_gone_on_with_in_another_format() {
    let folder = tempfile::tempdir().unwrap();
    let in_format = |format: &str| build(folder.path(), &serde_json::json!({ "path": "out", "format": format }));
    let in_force = in_format("json").unwrap();
    host_component::claims::begin_configuration();
    let Err(error) = in_format("proto") else { panic!("the file would hold both") };
    let said = error.to_string();
    assert!(matches!(error, Error::Format { .. }), "{said}");
    assert!(said.contains("/out holds `format: json`") && said.contains("give `format: proto` another path"), "{said}");
    deliver(&in_force, logs(&["one"])).await;
    drop(in_force);
    let text = std::fs::read_to_string(folder.path().join("out")).unwrap();
    assert_eq!(bodies(&text), [["one"]]);
}

#[tokio::test]
async fn counts_what_it_sent() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Metrics::new();
    let config = config(&serde_json::json!({ "path": "out" }));
    let exporter = config.build("file/test".parse().unwrap(), folder.path(), &metrics).unwrap();
    deliver(&exporter, logs(&["one", "two"])).await;
    assert!(metrics.render().contains("otelcol_exporter_sent_log_records{exporter=\"file/test\"} 2"));
}

#[tokio::test]
async fn begins_anew_unless_it_is_to_append() {
    let folder = tempfile::tempdir().unwrap();
    for (append, expected) in [(false, 1), (true, 2), (true, 3), (false, 1)] {
        let exporter = build(folder.path(), &serde_json::json!({ "path": "out", "append": append })).unwrap();
        deliver(&exporter, logs(&["x"])).await;
        exporter.drain().await;
        let lines = std::fs::read_to_string(folder.path().join("out")).unwrap().lines().count();
        assert_eq!(lines, expected, "append: {append}");
        drop(exporter);
        released(&folder.path().join("out"));
    }
}

/// Waits until the thread of an exporter that was dropped has let its file go.
fn released(path: &Path) {
    let file = std::fs::File::open(path).unwrap();
    file.lock().unwrap();
}

#[tokio::test]
async fn cuts_off_what_a_killed_process_left_of_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let whole = prost_line("kept");
    std::fs::write(&path, format!("{whole}\n{}", &whole[..20])).unwrap();
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out", "append": true })).unwrap();
    deliver(&exporter, logs(&["new"])).await;
    assert_eq!(bodies(&std::fs::read_to_string(&path).unwrap()), [["kept"], ["new"]]);

    let path = folder.path().join("out.pb");
    let record = [&7u32.to_be_bytes()[..], b"seven !"].concat();
    let settings = serde_json::json!({ "path": "out.pb", "append": true, "format": "proto" });
    for torn in [&b""[..], b"\0", b"\0\0\0", b"\0\0\0\x09 nine"] {
        std::fs::write(&path, [&record[..], torn].concat()).unwrap();
        let exporter = build(folder.path(), &settings).unwrap();
        deliver(&exporter, logs(&["new"])).await;
        let written = std::fs::read(&path).unwrap();
        assert!(written.starts_with(&record));
        assert_eq!(written.len(), record.len() + 4 + logs(&["new"]).len(), "{torn:?}");
        drop(exporter);
        released(&path);
    }
}

fn prost_line(body: &str) -> String {
    let request =
        opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest::decode(logs(&[body]).contiguous());
    serde_json::to_string(&request.unwrap()).unwrap()
}

#[tokio::test]
async fn rotates_a_full_file() {
    let folder = tempfile::tempdir().unwrap();
    let rotation = serde_json::json!({ "max_megabytes": 1, "max_backups": 2 });
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out", "rotation": rotation })).unwrap();
    let large = "x".repeat(600 << 10);
    for number in 1..=5 {
        deliver(&exporter, logs(&[&format!("{number}{large}")])).await;
    }
    let first = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        bodies(&text).concat().iter().map(|body| body[..1].to_owned()).collect::<String>()
    };
    assert_eq!((first("out"), first("out.1"), first("out.2")), ("5".into(), "4".into(), "3".into()));
    assert!(!folder.path().join("out.3").exists());
}

#[tokio::test]
async fn keeps_every_full_file_when_no_number_is_set_and_none_that_is_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let rotation = serde_json::json!({ "max_megabytes": 1, "max_backups": 0, "max_days": 2, "localtime": true });
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out", "rotation": rotation })).unwrap();
    let large = "x".repeat(600 << 10);
    for _ in 0..3 {
        deliver(&exporter, logs(&[&large])).await;
    }
    let backup = |number: u32| folder.path().join(format!("out.{number}"));
    assert!(backup(1).exists() && backup(2).exists() && !backup(3).exists());
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    std::fs::File::options().write(true).open(backup(2)).unwrap().set_modified(old).unwrap();
    deliver(&exporter, logs(&[&large])).await;
    assert!(backup(1).exists() && backup(2).exists() && !backup(3).exists(), "the third was too old");
}

#[tokio::test]
async fn goes_on_in_a_new_file_when_another_program_has_moved_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out" })).unwrap();
    deliver(&exporter, logs(&["old"])).await;
    std::fs::rename(&path, folder.path().join("out-20260101")).unwrap();
    deliver(&exporter, logs(&["new"])).await;
    assert_eq!(bodies(&std::fs::read_to_string(&path).unwrap()), [["new"]]);
    assert_eq!(bodies(&std::fs::read_to_string(folder.path().join("out-20260101")).unwrap()), [["old"]]);
    std::fs::remove_file(&path).unwrap();
    deliver(&exporter, logs(&["newer"])).await;
    assert_eq!(bodies(&std::fs::read_to_string(&path).unwrap()), [["newer"]]);
}

#[tokio::test]
async fn goes_on_at_the_end_of_a_file_that_another_program_has_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out" })).unwrap();
    deliver(&exporter, logs(&["old"])).await;
    deliver(&exporter, logs(&["older"])).await;
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    deliver(&exporter, logs(&["new"])).await;
    assert_eq!(bodies(&std::fs::read_to_string(&path).unwrap()), [["new"]], "and no hole before it");
}

#[tokio::test]
async fn a_file_that_cannot_be_made_again_is_told_to_the_sender() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    let exporter = build(folder.path(), &serde_json::json!({ "path": "logs/out" })).unwrap();
    deliver(&exporter, logs(&["old"])).await;
    std::fs::remove_dir_all(folder.path().join("logs")).unwrap();
    let failure = exporter.consume(Delivery::new(logs(&["lost"]))).await.unwrap_err();
    assert!(matches!(failure, Failure::Retryable { .. }), "{failure}");
}

#[tokio::test]
async fn says_how_to_get_a_folder_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let error = build(folder.path(), &serde_json::json!({ "path": "a/b/out" })).err().unwrap();
    let missing = folder.path().join("a/b");
    let expected = format!("the folder {} does not exist: make it, or set `create_directory: true`", missing.display());
    assert_eq!(error.to_string(), expected);
    let settings = serde_json::json!({ "path": "a/b/out", "create_directory": true });
    deliver(&build(folder.path(), &settings).unwrap(), logs(&["x"])).await;
    assert!(missing.join("out").exists());
}

#[tokio::test]
async fn two_exporters_do_not_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = serde_json::json!({ "path": "out" });
    let first = build(folder.path(), &settings).unwrap();
    deliver(&first, logs(&["kept"])).await;
    assert!(matches!(build(folder.path(), &settings), Err(Error::Taken(_))));
    assert_eq!(bodies(&std::fs::read_to_string(folder.path().join("out")).unwrap()), [["kept"]]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_to_the_sender_as_something_to_try_again() {
    let metrics = Metrics::new();
    let config = config(&serde_json::json!({ "path": "/dev/full" }));
    let exporter = config.build("file/test".parse().unwrap(), Path::new("/"), &metrics).unwrap();
    let failure = exporter.consume(Delivery::new(logs(&["x"]))).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.starts_with("cannot write to /dev/full: ")));
    assert!(metrics.render().contains("otelcol_exporter_send_failed_log_records{exporter=\"file/test\"} 1"));
}

#[tokio::test]
async fn many_senders_at_once_are_all_written() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = build(folder.path(), &serde_json::json!({ "path": "out", "fsync": true })).unwrap();
    let senders = (0..500).map(|number| {
        let exporter = Arc::clone(&exporter);
        tokio::spawn(async move { deliver(&exporter, logs(&[&number.to_string()])).await })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    let written = bodies(&std::fs::read_to_string(folder.path().join("out")).unwrap());
    let mut numbers: Vec<u32> = written.concat().iter().map(|body| body.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<u32>>());
}
