//! What an entry tells besides its line.

use host_otlp::build::{Logs, Value};

use super::super::metadata::MOST_PAIRS;
use super::super::names;
use super::super::push::{Manner, translate};
use super::{NOW, bare, entry, payload, streams};

#[test]
fn names_are_those_that_loki_gives() {
    let cases = [
        ("http.method", "http_method"),
        ("a..b--c", "a_b_c"),
        ("_a__b", "_a_b"),
        ("__name__", "__name__"),
        ("9a", "key_9a"),
        ("größe", "gr_e"),
        ("", "key"),
        ("...", "key"),
        ("____", "key"),
        ("日本", "key"),
    ];
    for (name, wanted) in cases {
        assert_eq!(names::valid(name), wanted, "{name}");
    }
}

#[test]
fn fields_and_attributes_are_pairs_under_lokis_names() {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| resource.attribute("host.name", "h"));
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.scope(|scope| {
                scope.name("lib");
                scope.version("1");
                scope.attribute("scope.key", "s");
            });
            scope_logs.log_record(|record| {
                record.time_unix_nano(5);
                record.observed_time_unix_nano(6);
                record.severity_number(13);
                record.severity_text("Warning");
                record.body("b");
                record.attribute("nothing", Value::Empty);
                record.attribute("empty", "");
                record.attribute("map", Value::Map(&[("x", 1.into()), ("y", Value::Map(&[("z", "deep".into())]))]));
                record.attribute("list", Value::Array(&["a".into(), 2.into()]));
                record.attribute("bytes", Value::Bytes(&[1, 2, 3]));
                record.attribute("double", 1e300);
                record.attribute("half", 0.5);
                record.dropped_attributes_count(2);
                record.flags(1);
                record.trace_id(&[0xab; 16]);
                record.span_id(&[0xcd; 8]);
                record.event_name("login");
            });
        });
    });
    let entry = entry(&bare(&[], &[]), &request.finish());
    let pairs: Vec<_> = entry.pairs().into_iter().collect();
    assert_eq!(
        pairs,
        [
            ("bytes", "AQID"),
            ("detected_level", "warn"),
            ("double", "1e+300"),
            ("dropped_attributes_count", "2"),
            ("event_name", "login"),
            ("flags", "1"),
            ("half", "0.5"),
            ("host_name", "h"),
            ("list", "[\"a\",2]"),
            ("map_x", "1"),
            ("map_y_z", "deep"),
            ("observed_timestamp", "6"),
            ("scope_key", "s"),
            ("scope_name", "lib"),
            ("scope_version", "1"),
            ("severity_number", "13"),
            ("severity_text", "Warning"),
            ("span_id", &"cd".repeat(8)),
            ("trace_id", &"ab".repeat(16)),
        ]
    );
}

#[test]
fn a_severity_that_is_none_has_no_level() {
    for number in [0, 25, 1_000] {
        let found = entry(&bare(&[], &[]), &payload(|_| {}, &[&|r| r.severity_number(number)]));
        assert!(!found.pairs().contains_key("detected_level"), "{number}");
    }
}

#[test]
fn without_structured_metadata_there_is_none() {
    let manner = Manner { structured_metadata: false, ..bare(&[], &[]) };
    let payload = payload(
        |r| r.attribute("a", "b"),
        &[&|r| {
            r.severity_number(9);
            r.attribute("c", "d");
        }],
    );
    assert_eq!(entry(&manner, &payload).metadata, []);
}

#[test]
fn more_pairs_than_loki_takes_of_an_entry_are_left_out_and_counted() {
    let keys: Vec<String> = (0..200).map(|i| format!("key{i}")).collect();
    let payload = payload(|_| {}, &[&|r| keys.iter().for_each(|key| r.attribute(key, "v"))]);
    let manner = bare(&[], &[]);
    let pairs = entry(&manner, &payload).metadata.len();
    assert!(pairs <= MOST_PAIRS);
    assert_eq!(translate(&manner, &payload, NOW).cut_metadata, 200 - pairs as u64);
}

#[test]
fn a_pair_that_is_too_large_is_left_out_and_counted() {
    let large = "x".repeat(70_000);
    let payload = payload(
        |_| {},
        &[&|r| {
            r.attribute("large", &large);
            r.attribute("small", "v");
        }],
    );
    let manner = bare(&[], &[]);
    assert_eq!(entry(&manner, &payload).pairs().into_iter().collect::<Vec<_>>(), [("small", "v")]);
    assert_eq!(translate(&manner, &payload, NOW).cut_metadata, 1);
}

#[test]
fn long_values_and_lines_keep_their_lengths_right() {
    for size in [0, 1, 100, 127, 128, 129, 16_383, 16_384, 40_000] {
        let text = "é".repeat(size);
        let payload = payload(
            |_| {},
            &[&|r| {
                r.body(text.as_str());
                r.attribute(&text[..size.min(120) * 2], "v");
            }],
        );
        let found = streams(&bare(&[], &[]), &payload);
        assert_eq!(found[0].entries[0].line, text);
        assert_eq!(found[0].entries[0].metadata.len(), 1);
    }
}
