//! What operators make of a line.

use std::time::Instant;

use crate::entries::entry::{self, Entry, FileId, Resource, Value};
use crate::entries::operators::{Context, Plan, Sink};
use crate::file_log::Config;

#[derive(Default)]
struct Taken {
    entries: Vec<Entry<'static>>,
    dropped: usize,
}

impl Sink for Taken {
    fn put(&mut self, entry: &Entry<'_>) {
        self.entries.push(entry.clone().into_owned());
    }

    fn released(&mut self, _: FileId) {}

    fn dropped(&mut self) {
        self.dropped += 1;
    }
}

fn config(operators: &str) -> Config {
    let text = format!("{{ include: ['/x'], include_file_path: true, operators: {operators} }}");
    host_config::Value::parse("test", &text).unwrap().decode().unwrap()
}

fn run(operators: &str, lines: &[&str]) -> Taken {
    let mut plan = Plan::new(&config(operators).operators).unwrap();
    let mut taken = Taken::default();
    let path = Ok(Vec::new());
    for (at, line) in lines.iter().enumerate() {
        let mut entry = Entry { body: Value::text(*line), ..Entry::default() };
        entry.origin.start = at as u64;
        plan.run(entry, &Context { now: Instant::now(), path: &path }, &mut taken);
    }
    taken
}

fn one(operators: &str, line: &str) -> Entry<'static> {
    let mut taken = run(operators, &[line]);
    assert_eq!(taken.entries.len(), 1);
    taken.entries.remove(0)
}

fn text<'e>(entry: &'e Entry<'_>, key: &str) -> Option<&'e str> {
    entry::get(&entry.attributes, key).and_then(Value::as_text)
}

#[test]
fn json_becomes_attributes_with_time_and_severity() {
    let operators = "[{ type: json_parser, timestamp: { parse_from: attributes.ts, layout_type: gotime, \
                      layout: '2006-01-02T15:04:05.999Z07:00' }, severity: { parse_from: attributes.level } }]";
    let entry = one(operators, r#"{"ts":"2026-11-26T21:00:00.25Z","level":"warning","n":3,"in":{"a":[true,null]}}"#);
    assert_eq!(entry.time, 1_795_726_800_250_000_000);
    assert_eq!((entry.severity, &*entry.severity_text), (13, "warning"));
    assert_eq!(entry::get(&entry.attributes, "n"), Some(&Value::Double(3.0)));
    let inner = Value::Map(vec![("a".into(), Value::Array(vec![Value::Bool(true), Value::Empty]))]);
    assert_eq!(entry::get(&entry.attributes, "in"), Some(&inner));
}

#[test]
fn what_cannot_be_parsed_goes_on_as_it_is_or_is_dropped() {
    let entry = one("[{ type: json_parser }]", "no json");
    assert_eq!(entry.body.as_text(), Some("no json"));
    assert_eq!(run("[{ type: json_parser, on_error: drop }]", &["no json"]).dropped, 1);
}

#[test]
fn a_pattern_s_groups_become_attributes() {
    let operators = "[{ type: regex_parser, regex: '^(?P<sev>\\w+) (?P<msg>.*)$', severity: { parse_from: attributes.sev, \
                      mapping: { error: [boom, { min: 500, max: 599 }] } } }]";
    let entry = one(operators, "boom it broke");
    assert_eq!((entry.severity, text(&entry, "msg")), (17, Some("it broke")));
    assert_eq!(one(operators, "503 it broke").severity, 17);
}

#[test]
fn times_are_read_as_strptime_and_the_epoch_write_them() {
    let strptime = "[{ type: time_parser, parse_from: body, layout: '%Y-%m-%d %H:%M:%S.%L', location: UTC }]";
    assert_eq!(one(strptime, "2026-11-26 21:00:00.250").time, 1_795_726_800_250_000_000);
    let epoch = "[{ type: time_parser, parse_from: body, layout_type: epoch, layout: s.ms }]";
    assert_eq!(one(epoch, "1795726800.250").time, 1_795_726_800_250_000_000);
    let go = "[{ type: time_parser, parse_from: body, layout_type: gotime, layout: 'Jan _2 15:04:05' }]";
    assert!(one(go, "Nov 26 21:00:00").time > 0);
}

#[test]
fn a_time_without_a_year_is_one_of_the_last_year_where_it_would_be_far_ahead() {
    let go = "[{ type: time_parser, parse_from: body, layout_type: gotime, layout: 'Jan _2 15:04:05', location: UTC }]";
    let day = 24 * 3600 * 1_000_000_000_u64;
    let now = jiff::Timestamp::now();
    for (ahead, is_last_year) in [(-30_i64, false), (3, false), (30, true)] {
        let there = now + jiff::SignedDuration::from_hours(24 * ahead);
        // The same day a year before has the same text, but for one in leap years.
        let told = one(go, &there.strftime("%b %e %H:%M:%S").to_string()).time;
        let expected = there.as_nanosecond() as u64 - if is_last_year { 365 * day } else { 0 };
        assert!(told.abs_diff(expected) <= 2 * day, "{ahead} days ahead: {told} and not {expected}");
    }
}

#[test]
fn fields_are_moved_copied_added_removed_and_retained() {
    let operators = "[{ type: json_parser }, { type: move, from: attributes.msg, to: body }, \
                      { type: copy, from: attributes.id, to: 'resource[\"the.id\"]' }, \
                      { type: add, field: attributes.env, value: prod }, { type: remove, field: attributes.secret }, \
                      { type: retain, fields: [attributes.id, attributes.env] }]";
    let entry = one(operators, r#"{"msg":"hello","id":"7","secret":"x","more":"y"}"#);
    assert_eq!(entry.body.as_text(), Some("hello"));
    assert_eq!(entry::get(entry.resource.map(), "the.id"), Some(&Value::text("7")));
    assert_eq!((text(&entry, "id"), text(&entry, "env"), text(&entry, "more")), (Some("7"), Some("prod"), None));
}

#[test]
fn expressions_filter_and_route() {
    let taken = run(
        "[{ type: filter, expr: 'body matches \"^debug\" or body contains \"noise\"' }]",
        &["debug x", "ok", "a noise"],
    );
    assert_eq!((taken.entries.len(), taken.dropped), (1, 2));
    let operators = "[{ type: router, routes: [{ expr: 'body startsWith \"{\"', output: json }], default: end }, \
                      { type: json_parser, id: json, output: end }, { type: noop, id: end }]";
    let taken = run(operators, &["plain", r#"{"a":"b"}"#]);
    assert_eq!((text(&taken.entries[0], "a"), text(&taken.entries[1], "a")), (None, Some("b")));
}

#[test]
fn entries_of_several_lines_are_recombined() {
    let operators =
        "[{ type: recombine, combine_field: body, is_first_entry: 'body matches \"^[^\\\\s]\"' }, { type: noop }]";
    let taken = run(operators, &["first", " at a", " at b", "second"]);
    assert_eq!(taken.entries.len(), 1);
    assert_eq!(taken.entries[0].body.as_text(), Some("first\n at a\n at b"));
}

#[test]
fn ids_of_traces_are_read() {
    let operators = "[{ type: json_parser, parse_to: body }, { type: trace_parser }]";
    let entry = one(
        operators,
        r#"{"trace_id":"0102030405060708090a0b0c0d0e0f10","span_id":"0102030405060708","trace_flags":"01"}"#,
    );
    assert_eq!((entry.trace_id.unwrap()[15], entry.span_id.unwrap()[0], entry.flags), (16, 1, 1));
}

#[test]
fn docker_and_cri_are_told_apart_and_parts_are_joined_by_stream() {
    let lines = [
        r#"{"log":"from docker\n","stream":"stdout","time":"2026-11-26T21:00:00Z"}"#,
        "2026-11-26T21:00:00Z stdout P one ",
        "2026-11-26T21:00:00Z stderr P other ",
        "2026-11-26T21:00:00Z stdout F two",
        "2026-11-26T22:00:00+01:00 stderr F three",
    ];
    let taken = run("[{ type: container, add_metadata_from_filepath: false }]", &lines);
    let bodies: Vec<_> = taken.entries.iter().map(|entry| entry.body.as_text().unwrap()).collect();
    assert_eq!(bodies, ["from docker", "one two", "other three"]);
    assert!(taken.entries.iter().all(|entry| entry.time == 1_795_726_800_000_000_000));
    assert!(matches!(taken.entries[0].resource, Resource::Own(_)));
}

#[test]
fn what_is_not_supported_is_refused_with_the_way_out() {
    use host_config::Check as _;
    let refused = |operators: &str| config(operators).wrongs().remove(0).message;
    assert!(refused("[{ type: csv_parser }]").contains("transform"));
    assert!(refused("[{ type: filter, expr: 'len(body) > 3' }]").contains("is not supported"));
    assert!(refused("[{ type: add, field: attributes.x, value: 'EXPR(env(\"X\"))' }]").contains("computed"));
    assert!(refused("[{ type: noop, output: nowhere }]").contains("no operator below"));
}
