//! Tests of what stands in `capture`: its promises, one sentence each.

use std::fs;
use std::path::PathBuf;

use host_otlp::Signal;
use host_wasm::BatchContext;
use tempfile::TempDir;

use super::{Capture, read, read_context};

const PAYLOAD: &str =
    r#"{ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "one" } }] }] }] }"#;

fn file(name: &str, text: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn refusal(name: &str, text: &[u8]) -> String {
    let (_folder, path) = file(name, text);
    let error = read(&path).err().expect("it is no capture");
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[test]
fn json_and_yaml_say_the_same() {
    let json = format!(
        r#"{{ "processor": "wasm/scrub", "reason": "it trapped",
             "context": {{ "now": "1800000000000000001", "seed": 7, "cluster": "eu-1",
                           "metadata": {{ "Tenant": ["a", "b"], "zone": "z" }} }},
             "payload": {PAYLOAD} }}"#
    );
    let yaml = format!(
        "processor: wasm/scrub\ncontext:\n  now: 1800000000000000001\n  seed: 7\n  cluster: eu-1\n  metadata: {{ Tenant: [a, b], zone: z }}\n\
         payload: {PAYLOAD}\n"
    );
    for (name, text) in [("batch.json", json), ("batch.yaml", yaml)] {
        let (_folder, path) = file(name, text.as_bytes());
        let Capture { context, payload } = read(&path).unwrap();
        let metadata = [("tenant", "a"), ("tenant", "b"), ("zone", "z")];
        let expected = BatchContext {
            now: 1_800_000_000_000_000_001,
            seed: 7,
            cluster: Some("eu-1".to_owned()),
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        };
        assert_eq!(context, expected, "{name}");
        assert_eq!((payload.signal(), payload.items()), (Signal::Logs, 1), "{name}");
    }
}

#[test]
fn what_a_context_does_not_say_is_as_in_a_self_test() {
    let (_folder, path) = file("context.yaml", b"seed: 9\n");
    assert_eq!(read_context(&path).unwrap(), BatchContext { seed: 9, ..BatchContext::default() });
}

#[test]
fn what_is_no_capture_is_refused_with_its_place() {
    for (name, text, reason) in [
        ("a.yaml", &b"context: {}\n"[..], "the key `payload` is missing"),
        ("a.json", b"{ \"context\": {} }", "missing field `payload`"),
        ("a.json", b"{ \"payload\": {} }", "it has neither `resourceLogs` nor `resourceSpans` nor `resourceMetrics`"),
        ("a.json", b"{ \"payload\"", "EOF while parsing an object at line 1 column 11"),
        ("a.json", b"\xff\xfe", "expected value at line 1 column 1"),
        ("a.yaml", b"\xff\xfe", "it has bytes that are not UTF-8"),
        ("a.yaml", b"payload: {}\ncontext: { sead: 1 }\n", "a.yaml:2:12: context.sead: unknown key"),
        ("a.yaml", b"payload: {}\ncontext: { now: soon }\n", "a whole number of 64 bits, or its digits as text"),
        (
            "a.json",
            b"{ \"payload\": { \"resourceLogs\": [7] } }",
            "a.json` is no captured batch: its `payload` is no OTLP request",
        ),
    ] {
        let refusal = refusal(name, text);
        assert!(refusal.contains(reason), "{refusal}");
    }
}
