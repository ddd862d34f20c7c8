//! `tidegate module diff` and `replay`: what a module changes in telemetry.

use super::{Folder, logs};
use crate::harness::modules;

const PLACE: &str = "resourceLogs[0].scopeLogs[0].logRecords";

fn folder() -> Folder {
    Folder::new()
        .file("in.json", logs(&["mail bob@example.com", "fine"]))
        .file("mask.yaml", "detectors: { email: {} }\n")
        .file("hide.yaml", "detectors: { email: {} }\nmask: '[gone]'\n")
        .file("none.yaml", "detectors: { ipv4: {} }\n")
}

#[test]
fn what_a_module_changes_is_told_place_by_place() {
    let said = folder().module("diff pii-scrub --config mask.yaml --input in.json");
    assert_eq!(said.code, Some(1));
    let expected = [
        format!("{PLACE}[0].attributes[\"user.email\"]: \"ada@example.com\" → \"****\"\n"),
        format!("{PLACE}[0].body: \"mail bob@example.com\" → \"mail ****\"\n"),
        format!("{PLACE}[1].attributes[\"user.email\"]: \"ada@example.com\" → \"****\"\n"),
    ];
    assert_eq!(said.out, expected.concat());
    assert!(said.err.ends_with("    Finished 3 differences\n"), "{}", said.err);
}

#[test]
fn two_configurations_and_two_versions_are_compared() {
    let folder = folder().file("old.wasm", modules::scrubber(0)).file("new.wasm", modules::scrubber(1));
    let said = folder.module("diff pii-scrub pii-scrub --config-a mask.yaml --config-b hide.yaml --input in.json");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains(&format!("{PLACE}[0].body: \"mail ****\" → \"mail [gone]\"\n")), "{}", said.out);
    assert_eq!(folder.module("diff old.wasm new.wasm --config mask.yaml --input in.json").fine(), "");
    assert_eq!(folder.module("diff pii-scrub --config none.yaml --input in.json").fine(), "");
}

#[test]
fn colours_are_where_they_are_wanted() {
    let folder = folder();
    let line = "diff pii-scrub --config mask.yaml --input in.json --color";
    assert!(folder.module(&format!("{line} always")).out.contains("\u{1b}[32m\"****\"\u{1b}[0m"));
    for color in ["never", "auto"] {
        let said = folder.module(&format!("{line} {color}"));
        assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'), "{said:?}");
    }
}

#[test]
fn where_native_code_cannot_be_kept_it_is_made_for_this_once() {
    let said = folder().module_with("/dev/null", "diff cluster-labels --config labels.yaml --input in.json");
    assert!(said.error(2).contains("labels.yaml cannot be read"));
    let said = folder().module_with("/dev/null", "diff pii-scrub --config none.yaml --input in.json");
    assert_eq!(said.fine(), "");
}

#[test]
fn an_error_is_no_difference() {
    let folder =
        folder().file("two.json", r#"{ "resourceLogs": [], "resourceSpans": [] }"#).file("half.json", "{ \"resourceL");
    let error = |line: &str| folder.module(&format!("diff pii-scrub --config mask.yaml --input {line}")).error(2);
    assert_eq!(
        error("none.json"),
        "error: cannot read `none.json`\n\nCaused by:\n  No such file or directory (os error 2)\n"
    );
    assert_eq!(
        error("two.json"),
        "error: `two.json` is no OTLP request in JSON\n\nCaused by:\n  it has logs and traces: a request is of one signal\n"
    );
    assert!(error("half.json").contains("EOF while parsing a string at line 1 column 12"));
    let binary = folder.file("binary.json", [0, 159, 146, 150]).module("diff pii-scrub --input binary.json").error(2);
    assert!(binary.contains("expected value at line 1 column 1"), "{binary}");
}

#[test]
fn lines_of_requests_are_one_batch() {
    let folder = folder();
    folder.write("in.jsonl", [logs(&["a"]), logs(&["b"])].join("\n"));
    let said = folder.module("diff pii-scrub --config mask.yaml --input in.jsonl");
    assert!(said.out.contains("resourceLogs[1].scopeLogs[0].logRecords[0].attributes"), "{said:?}");
}

#[test]
fn a_captured_batch_is_replayed_with_the_context_that_it_had() {
    let labels = "attributes: { cluster.id: eu-1 }\nreceived_at: hub.received_at\n";
    let folder = Folder::new().file("labels.yaml", labels);
    folder.write("batch.yaml", format!("context: {{ now: 1800000000000000001 }}\npayload: {}\n", logs(&["one"])));
    let said = folder.module("replay cluster-labels --config labels.yaml --batch batch.yaml");
    assert!(said.err.contains("Replaying 1 item of logs, now 1800000000000000001, seed 1\n"), "{said:?}");
    assert!(said.err.ends_with("differences\n"), "{said:?}");
    let told = said.fine();
    assert!(told.contains("+ resourceLogs[0].resource.attributes[\"cluster.id\"]: \"eu-1\"\n"), "{told}");
    assert!(
        told.contains(
            "+ resourceLogs[0].resource.attributes[\"hub.received_at\"]: \"2027-01-15T08:00:00.000000001Z\"\n"
        ),
        "{told}"
    );
}

#[test]
fn what_a_module_counted_is_told_in_a_replay() {
    let folder = folder();
    folder.write("batch.json", format!("{{ \"reason\": \"it failed\", \"payload\": {} }}", logs(&["fine"])));
    let told = folder.module("replay pii-scrub --config mask.yaml --batch batch.json").fine();
    assert!(told.starts_with("redacted_email 1\n"), "{told}");
}

#[test]
fn a_module_that_fails_on_a_captured_batch_is_an_error() {
    let folder = Folder::new().file("trap.wasm", modules::trapping());
    folder.write("batch.json", format!("{{ \"payload\": {} }}", logs(&["fine"])));
    let error = folder.module("replay trap.wasm --batch batch.json").error(1);
    assert!(error.starts_with("error: cannot run the module `trap` on logs\n\nCaused by:\n"), "{error}");
    assert!(error.contains("unreachable"), "{error}");
    let error = folder.module("replay trap.wasm --batch trap.wasm").error(1);
    assert!(error.starts_with("error: `trap.wasm` is no text: it has bytes that are not UTF-8"), "{error}");
}
