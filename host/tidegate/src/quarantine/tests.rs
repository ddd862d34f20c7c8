//! Tests of what stands in `quarantine`: its promises, one sentence each.

use bytes::Bytes;
use clap::Parser;
use host_otlp::Signal;
use host_quarantine::{Context, Poison, Record};

use super::{list, one, show};
use crate::cli::Cli;

fn record(id: &str, reason: &str) -> Record {
    let poison = Poison {
        time: 1_767_225_600_000_000_000,
        pipeline: "logs".to_owned(),
        processor: "wasm/scrub".to_owned(),
        module: "pii-scrub".to_owned(),
        digest: "0123456789abcdef".to_owned(),
        signal: Signal::Logs,
        reason: reason.to_owned(),
        items: 1,
        context: Context::default(),
        payload: Bytes::new(),
    };
    Record { id: id.to_owned(), content: poison }
}

#[test]
fn the_table_has_a_line_a_record_whatever_a_module_said() {
    let table = list::table(&[record("0a1b", "trapped"), record("0a2c", &format!("two\nlines{}", "!".repeat(200)))]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1],
        "0a1b  2026-01-01T00:00:00Z  logs    1      0      wasm/scrub in logs  pii-scrub@0123456789ab  trapped"
    );
    assert!(lines[2].contains("two lines!!!") && lines[2].len() < 200, "{}", lines[2]);
}

#[test]
fn an_id_may_be_written_as_far_as_it_is_one_record_s() {
    let records = [record("0a1b", ""), record("0a2c", ""), record("ff00", "")];
    assert_eq!(one(&records, "0a1").unwrap().id, "0a1b");
    let said = one(&records, "0a").unwrap_err().to_string();
    assert!(said.contains("0a1b and 0a2c"), "{said}");
    assert!(one(&records, "b").unwrap_err().to_string().contains("quarantine list"));
}

#[test]
fn what_is_shown_of_a_record_is_when_where_and_why() {
    let head = show::head(&record("0a1b", "trapped"));
    assert_eq!(head["time"], "2026-01-01T00:00:00Z");
    assert_eq!(head["reason"], "trapped");
    assert_eq!(head["context"]["metadata"], serde_json::json!({}));
}

#[test]
fn replay_wants_ids_or_all_and_an_endpoint() {
    let parse = |args: &str| Cli::try_parse_from(format!("tidegate quarantine replay {args}").split(' ')).is_ok();
    assert!(parse("0a1b --endpoint localhost:4317 --path q"));
    assert!(parse("--all --endpoint localhost:4317 --path q --header x-tenant=a"));
    assert!(!parse("--endpoint localhost:4317 --path q"));
    assert!(!parse("0a1b --all --endpoint localhost:4317 --path q"));
    assert!(!parse("0a1b --path q"));
    assert!(!parse("0a1b --endpoint localhost:4317 --path q --header nonsense"));
}
