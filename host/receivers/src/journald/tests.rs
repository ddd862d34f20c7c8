//! The receiver with a stand-in for `journalctl`, which fails as the real one cannot be made to. With the real one it is tested
//! through the binary.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use host_config::{Check as _, Value};
use proptest::prelude::*;

use super::Config;
use super::command::Journalctl;
use super::progress::{Cursor, Progress, Store};
use super::record::{parse, probe};
use crate::entries::entry::{self, get};
use crate::testing::{CAP, Pipeline, Running, attribute, start};

/// Writes the entries of `journal` behind the cursor that it is given, and ends; with `--show-cursor` says what the last one is.
const STAND_IN: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
after=; show=
while [ $# -gt 0 ]; do
  case $1 in
    --after-cursor) after=$2; shift ;;
    --show-cursor) show=1 ;;
  esac
  shift
done
[ ! -e "$here/fails" ] || { echo "it fails as it was told to" >&2; exit 3; }
if [ -n "$show" ]; then
  sed -n 's/.*"__CURSOR":"\([^"]*\)".*/-- cursor: \1/p' "$here/journal" | tail -n 1
  exit 0
fi
if [ -z "$after" ]; then cat "$here/journal"; else sed "1,/\"__CURSOR\":\"$after\"/d" "$here/journal"; fi
[ ! -e "$here/stays" ] || exec sleep 1000
"#;

/// A journal, and what reads it.
struct Journal(tempfile::TempDir);

impl Journal {
    fn new(messages: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stand_in = folder.path().join("journalctl");
        std::fs::write(&stand_in, STAND_IN).unwrap();
        std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(folder.path().join("journal"), "").unwrap();
        let journal = Journal(folder);
        journal.grow(0..messages);
        journal
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn grow(&self, numbers: std::ops::Range<usize>) {
        let lines: String = numbers.map(line).collect();
        let path = self.path("journal");
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + &lines).unwrap();
    }

    fn config(&self, more: &str) -> Config {
        let text = format!("{{ journalctl_path: {}, {more} }}", self.path("journalctl").display());
        Value::parse("test", &text).unwrap().decode().unwrap()
    }

    fn start(&self, more: &str, pipeline: Arc<Pipeline>, storage: Option<&Path>) -> Running {
        let config = self.config(more);
        let name = self.0.path().file_name().unwrap().to_string_lossy().replace('.', "");
        let id = format!("journald/{name}").parse().unwrap();
        start(self.0.path(), pipeline, |consumers, deps| Box::new(config.build(&id, consumers, storage, deps).unwrap()))
    }

    /// Waits until `journalctl` was called so often.
    async fn is_called(&self, times: usize) {
        let began = Instant::now();
        while self.calls().len() < times {
            assert!(began.elapsed() < CAP, "journalctl was called only so: {:?}", self.calls());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn calls(&self) -> Vec<String> {
        std::fs::read_to_string(self.path("calls")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn line(number: usize) -> String {
    format!(
        "{{\"__CURSOR\":\"s=a;i={number}\",\"__REALTIME_TIMESTAMP\":\"1795799128396294\",\"PRIORITY\":\"6\",\"MESSAGE\":\"m{number}\"}}\n"
    )
}

/// The messages of all records.
fn messages(running: &Running) -> Vec<String> {
    let bodies = running.pipeline.bodies();
    bodies.iter().map(|body| body[body.find("\"m").unwrap() + 1..].split('"').next().unwrap().to_owned()).collect()
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("m{number}")).collect()
}

#[tokio::test]
async fn an_entry_becomes_a_record_whose_body_has_its_fields() {
    let journal = Journal::new(1);
    let running = journal.start(
        "start_at: beginning, include_log_record_original: true, attributes: { a: b }, resource: { r: s }",
        Arc::default(),
        None,
    );
    running.bodies(1).await;
    let (resource, record) = running.pipeline.records().remove(0);
    assert_eq!(record.time_unix_nano, 1_795_799_128_396_294_000);
    assert_eq!(attribute(&record.attributes, "log.record.original").as_deref(), Some(line(0).trim()));
    assert_eq!(attribute(&record.attributes, "a").as_deref(), Some("b"));
    assert_eq!(attribute(&resource, "r").as_deref(), Some("s"));
    let body = running.pipeline.bodies().remove(0);
    assert!(["__CURSOR", "PRIORITY", "MESSAGE"].iter().all(|field| body.contains(field)), "{body}");
    assert!(!body.contains("__REALTIME_TIMESTAMP"), "{body}");
    running.stop().await;
}

#[tokio::test]
async fn what_comes_while_journalctl_is_away_comes_when_it_is_back_and_nothing_twice() {
    let journal = Journal::new(3);
    let running = journal.start("start_at: beginning", Arc::default(), None);
    running.bodies(3).await;
    running.metric("tidegate_journald_command_failures", 1).await;
    journal.grow(3..5);
    running.bodies(5).await;
    running.metric("tidegate_journald_command_failures", 2).await;
    assert_eq!(messages(&running), numbered(0..5));
    running.stop().await;
}

#[tokio::test]
async fn a_first_start_begins_with_what_comes_after_it_also_when_it_ends_before_anything_came() {
    let (journal, storage) = (Journal::new(3), tempfile::tempdir().unwrap());
    std::fs::write(journal.path("stays"), "").unwrap();
    let running = journal.start("start_at: end", Arc::default(), Some(storage.path()));
    journal.is_called(2).await;
    running.kill().await;
    journal.grow(3..5);
    let running = journal.start("start_at: end", Arc::default(), Some(storage.path()));
    running.bodies(2).await;
    assert_eq!(messages(&running), numbered(3..5), "what came between the two is there, and nothing from before");
    running.stop().await;
}

#[tokio::test]
async fn a_journal_that_was_empty_at_the_first_start_is_read_from_its_beginning() {
    let (journal, storage) = (Journal::new(0), tempfile::tempdir().unwrap());
    std::fs::write(journal.path("stays"), "").unwrap();
    let running = journal.start("start_at: end", Arc::default(), Some(storage.path()));
    journal.is_called(2).await;
    running.kill().await;
    journal.grow(0..2);
    let running = journal.start("start_at: end", Arc::default(), Some(storage.path()));
    running.bodies(2).await;
    assert_eq!(messages(&running), numbered(0..2));
    running.stop().await;
}

#[tokio::test]
async fn a_kill_before_anything_is_delivered_loses_nothing() {
    let (journal, storage) = (Journal::new(4), tempfile::tempdir().unwrap());
    std::fs::write(journal.path("stays"), "").unwrap();
    let pipeline = Arc::new(Pipeline::default());
    pipeline.refuses.store(usize::MAX, Ordering::SeqCst);
    let running = journal.start("start_at: beginning", pipeline, Some(storage.path()));
    running.metric("otelcol_receiver_refused_log_records", 4).await;
    running.kill().await;
    let running = journal.start("start_at: beginning", Arc::default(), Some(storage.path()));
    running.bodies(4).await;
    assert_eq!(messages(&running), numbered(0..4));
    running.stop().await;
    journal.grow(4..6);
    let running = journal.start("start_at: beginning", Arc::default(), Some(storage.path()));
    running.bodies(2).await;
    assert_eq!(messages(&running), numbered(4..6), "what was delivered before is not read again");
    running.stop().await;
}

#[tokio::test]
async fn one_that_takes_the_place_of_another_goes_on_where_that_has_ended() {
    let journal = Journal::new(2);
    std::fs::write(journal.path("stays"), "").unwrap();
    let first = journal.start("start_at: beginning", Arc::default(), None);
    first.bodies(2).await;
    host_component::claims::begin_configuration();
    let second = journal.start("start_at: beginning, all: true", Arc::default(), None);
    journal.grow(2..4);
    first.stop().await;
    second.bodies(2).await;
    assert_eq!(messages(&second), numbered(2..4));
    second.stop().await;
}

#[tokio::test]
async fn what_operators_drop_or_keep_is_no_reason_to_read_it_again() {
    let (journal, storage) = (Journal::new(4), tempfile::tempdir().unwrap());
    std::fs::write(journal.path("stays"), "").unwrap();
    let drop = "start_at: beginning, operators: [{ type: filter, expr: 'body.MESSAGE != \"m0\"' }]";
    let running = journal.start(drop, Arc::default(), Some(storage.path()));
    running.metric("tidegate_journald_dropped_entries", 3).await;
    running.bodies(1).await;
    running.stop().await;
    let store = Store::new(crate::storage::folder(storage.path(), &id(&journal)).join("cursor.json"));
    assert_eq!(store.read().unwrap().unwrap().unwrap().as_str(), "s=a;i=3");
}

fn id(journal: &Journal) -> host_component::ComponentId {
    let name = journal.0.path().file_name().unwrap().to_string_lossy().replace('.', "");
    format!("journald/{name}").parse().unwrap()
}

#[tokio::test]
async fn lines_that_are_no_entries_are_counted_and_the_others_come() {
    let journal = Journal::new(1);
    let path = journal.path("journal");
    let long = format!("{{\"__CURSOR\":\"s=a;i=9\",\"MESSAGE\":\"{}\"}}\n", "x".repeat(5 << 20));
    let wrong = "no JSON\n{\"MESSAGE\":\"without a cursor\"}\n\n";
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + wrong + &long + &line(1)).unwrap();
    let running = journal.start("start_at: beginning", Arc::default(), None);
    running.bodies(2).await;
    running.metric("tidegate_journald_failed_entries", 3).await;
    assert_eq!(messages(&running), numbered(0..2));
    running.stop().await;
}

#[tokio::test]
async fn a_journalctl_that_fails_or_is_not_there_is_tried_again() {
    let journal = Journal::new(2);
    std::fs::write(journal.path("fails"), "").unwrap();
    let running = journal.start("start_at: beginning", Arc::default(), None);
    running.metric("tidegate_journald_command_failures", 1).await;
    std::fs::rename(journal.path("journalctl"), journal.path("away")).unwrap();
    running.metric("tidegate_journald_command_failures", 2).await;
    std::fs::remove_file(journal.path("fails")).unwrap();
    std::fs::rename(journal.path("away"), journal.path("journalctl")).unwrap();
    running.bodies(2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_damaged_file_of_progress_is_told_and_begun_anew() {
    let (journal, storage) = (Journal::new(2), tempfile::tempdir().unwrap());
    let store = Store::new(crate::storage::folder(storage.path(), &id(&journal)).join("cursor.json"));
    std::fs::create_dir_all(store.path.parent().unwrap()).unwrap();
    for damaged in ["", "{\"cursor\":\"nonsense\"}", "{\"cursor\":\"s=\"}"] {
        std::fs::write(&store.path, damaged).unwrap();
        assert!(store.read().is_err(), "{damaged}");
    }
    let running = journal.start("start_at: beginning", Arc::default(), Some(storage.path()));
    running.bodies(2).await;
    running.stop().await;
    assert_eq!(store.read().unwrap().unwrap().unwrap().as_str(), "s=a;i=1");
}

#[test]
fn journalctl_is_asked_for_what_is_configured() {
    let args = |text: &str, after: Option<&Cursor>| -> Vec<String> {
        let config: Config = Value::parse("test", text).unwrap().decode().unwrap();
        let args = Journalctl::new(&config).follow_args(after);
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    };
    let begin = ["--utc", "--output=json", "--follow", "--no-tail"];
    assert_eq!(args("{}", None), [&begin[..], &["--priority", "info", "--"]].concat());
    let cursor = Cursor::parse("s=1;i=2").unwrap();
    let all = "{ directory: /d, units: [a, b], identifiers: [c], priority: '4', grep: x, dmesg: true, namespace: n, \
               all: true, merge: true, matches: [{ _UID: '1', _PID: '2' }, { _COMM: '--help' }] }";
    let rest = [
        "--after-cursor",
        "s=1;i=2",
        "--directory",
        "/d",
        "--namespace",
        "n",
        "--merge",
        "--unit",
        "a",
        "--unit",
        "b",
        "--identifier",
        "c",
        "--priority",
        "4",
        "--grep",
        "x",
        "--dmesg",
        "--all",
        "--",
        "_PID=2",
        "_UID=1",
        "+",
        "_COMM=--help",
    ];
    assert_eq!(args(all, Some(&cursor)), [&begin[..], &rest].concat());
    assert!(args("{ files: [/a, /b] }", None).join(" ").contains("--file /a --file /b"));
}

#[test]
fn what_makes_no_sense_is_told_with_its_key() {
    for (text, key) in [
        ("{ journalctl_path: ' ' }", "journalctl_path"),
        ("{ root_path: /host }", "journalctl_path"),
        ("{ root_path: host, journalctl_path: /usr/bin/journalctl }", "root_path"),
        ("{ directory: /d, files: [/f] }", "files"),
        ("{ matches: [{ uid: '1' }] }", "matches[0]"),
        ("{ matches: [{}] }", "matches[0]"),
        ("{ operators: [{ type: magic }] }", "operators[0].type"),
        ("{ resource: { a: 'EXPR(1)' } }", "resource"),
    ] {
        let config: Config = Value::parse("test", text).unwrap().decode().unwrap();
        let wrongs = config.wrongs();
        assert!(wrongs.iter().any(|wrong| wrong.to_string().contains(key)), "{text}: {wrongs:?}");
    }
    assert!(Config::default().wrongs().is_empty());
}

#[test]
fn what_was_read_is_confirmed_in_order() {
    let cursor = |number: u64| Cursor::parse(&format!("i={number}")).unwrap();
    let mut progress = Progress::from(None);
    assert_eq!((progress.confirmed(), progress.last()), (None, None));
    (1..=3).for_each(|number| progress.read(number, cursor(number)));
    assert!(!progress.confirm(0));
    assert!(progress.confirm(2));
    assert_eq!((progress.confirmed(), progress.last()), (Some(&cursor(2)), Some(&cursor(3))));
    assert!(progress.confirm(9));
    assert_eq!((progress.confirmed(), progress.last()), (Some(&cursor(3)), Some(&cursor(3))));
}

#[test]
fn a_message_of_bytes_becomes_text_where_that_is_wanted() {
    let line = |message: &str| {
        format!(
            "{{\"__CURSOR\":\"s=a\",\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":{message},\"N\":null,\"TWO\":[\"a\",\"b\"]}}"
        )
    };
    let message = |text: &str, converts: bool| {
        let record = parse(text, converts).unwrap();
        get(&record.body, "MESSAGE").cloned().map(entry::Value::into_owned)
    };
    let bytes = line("[104, 195, 169, 255]");
    assert_eq!(message(&bytes, true), Some(entry::Value::text("h\u{e9}\u{fffd}")));
    assert!(matches!(message(&bytes, false), Some(entry::Value::Array(numbers)) if numbers.len() == 4));
    for other in ["[1.5]", "[256]", "[-1]", "[\"a\"]", "7"] {
        assert!(!matches!(message(&line(other), true), Some(entry::Value::Text(_))), "{other}");
    }
}

#[test]
fn a_line_without_time_or_place_is_no_entry() {
    for (line, told) in [
        ("{}", "__REALTIME_TIMESTAMP"),
        ("{\"__REALTIME_TIMESTAMP\":1,\"__CURSOR\":\"s=a\"}", "no time"),
        ("{\"__REALTIME_TIMESTAMP\":\"99999999999999999999\",\"__CURSOR\":\"s=a\"}", "no time"),
        ("{\"__REALTIME_TIMESTAMP\":\"18446744073709551615\",\"__CURSOR\":\"s=a\"}", "no time"),
        ("{\"__REALTIME_TIMESTAMP\":\"1\"}", "__CURSOR"),
        ("{\"__REALTIME_TIMESTAMP\":\"1\",\"__CURSOR\":\"--help\"}", "__CURSOR"),
        ("[]", "JSON"),
    ] {
        assert!(parse(line, true).unwrap_err().contains(told), "{line}");
    }
}

proptest! {
    #[test]
    fn no_line_is_taken_for_more_than_it_says(
        line in "\\{(\"(__CURSOR|__REALTIME_TIMESTAMP|MESSAGE)\":(\"[a-z]=[0-9]{1,3}\"|\"[0-9]{1,20}\"|\\[[0-9,]{0,9}\\]),?){0,4}\\}",
        converts: bool,
    ) {
        probe(&line, converts);
    }
}
