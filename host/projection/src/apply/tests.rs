//! Tests of what stands in `apply`: its promises, one sentence each.

mod faults;
mod random;
mod values;

use host_otlp::{Payload, Signal};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::{EditError, Routed};
use crate::testing::{
    Logs, Metrics, Traces, array, checked, decoded, logs, map, pair, payload, plan, project, record, resource_logs,
    strings, text, value,
};
use crate::{Edit, Level, Mode, Plan, Script, Slice, Unmetered, Value};

/// A script that grows edit by edit.
#[derive(Default)]
struct Builder {
    script: Script,
}

impl From<Builder> for Script {
    fn from(builder: Builder) -> Script {
        builder.script
    }
}

impl Builder {
    fn slice(&mut self, text: &str) -> Slice {
        let start = self.script.text.len() as u32;
        self.script.text.extend_from_slice(text.as_bytes());
        Slice { start, end: self.script.text.len() as u32 }
    }

    fn edit(mut self, edit: Edit) -> Builder {
        self.script.edits.push(edit);
        self
    }

    fn splice(mut self, cell: u32, start: u32, end: u32, with: &str) -> Builder {
        let with = self.slice(with);
        self.edit(Edit::Splice { cell, start, end, with })
    }

    fn text(mut self, cell: u32, with: &str) -> Builder {
        let value = Value::Text(self.slice(with));
        self.edit(Edit::Replace { cell, value })
    }

    fn replace(self, cell: u32, value: Value) -> Builder {
        self.edit(Edit::Replace { cell, value })
    }

    fn remove(self, cell: u32) -> Builder {
        self.edit(Edit::Remove { cell })
    }

    fn upsert(mut self, write: u32, rows: std::ops::Range<u32>, key: &str, with: &str, mode: Mode) -> Builder {
        let key = self.slice(key);
        let value = Value::Text(self.slice(with));
        self.edit(Edit::Upsert { write, first_row: rows.start, end_row: rows.end, key, value, mode })
    }

    fn set(self, write: u32, rows: std::ops::Range<u32>, value: Value) -> Builder {
        let (key, mode) = (Slice::default(), Mode::Upsert);
        self.edit(Edit::Upsert { write, first_row: rows.start, end_row: rows.end, key, value, mode })
    }

    fn drop(self, level: Level, rows: std::ops::Range<u32>) -> Builder {
        self.edit(Edit::Drop { level, first_row: rows.start, end_row: rows.end })
    }

    fn route(self, level: Level, rows: std::ops::Range<u32>, route: u32) -> Builder {
        self.edit(Edit::Route { level, first_row: rows.start, end_row: rows.end, route })
    }
}

fn script() -> Builder {
    Builder::default()
}

fn apply(plan: &Plan, payload: &Payload, script: impl Into<Script>) -> Result<Vec<Routed>, EditError> {
    project(plan, payload).apply(&script.into(), &mut Unmetered)
}

/// The one payload that comes back, which the door would let in with the same count.
fn applied(plan: &Plan, payload: &Payload, script: impl Into<Script>) -> Payload {
    let mut routed = apply(plan, payload, script).unwrap();
    assert_eq!(routed.len(), 1);
    let only = routed.remove(0);
    assert_eq!(only.route, None);
    counted(&only.payload);
    only.payload
}

fn counted(payload: &Payload) {
    let again = host_otlp::check(payload.signal(), payload.contiguous(), &host_otlp::Limits::default()).unwrap();
    assert_eq!(again.items(), payload.items());
}

fn edited(plan: &Plan, request: &Logs, script: impl Into<Script>) -> Logs {
    decoded(&applied(plan, &payload(Signal::Logs, request), script))
}

fn bodies(request: &Logs) -> Vec<String> {
    let records = request.resource_logs.iter().flat_map(|r| &r.scope_logs).flat_map(|s| &s.log_records);
    let text = |record: &LogRecord| match record.body.as_ref().and_then(|body| body.value.clone()) {
        Some(Any::StringValue(text)) => text,
        other => format!("{other:?}"),
    };
    records.map(text).collect()
}

fn numbered(bodies: std::ops::Range<u32>) -> Vec<LogRecord> {
    bodies.map(|number| record(text(&number.to_string()), vec![])).collect()
}

#[test]
fn no_edit_gives_the_same_bytes_uncopied() {
    let payload = payload(Signal::Logs, &logs(vec![], numbered(0..3)));
    let same = applied(&plan(&["log.body"], &[]), &payload, script());
    assert_eq!(same.segments()[0].bytes().as_ptr(), payload.segments()[0].bytes().as_ptr());
}

#[test]
fn a_segment_without_edits_keeps_its_bytes() {
    let mut joined = payload(Signal::Logs, &logs(vec![], numbered(0..2)));
    joined.join(payload(Signal::Logs, &logs(vec![], numbered(2..4))));
    let edited = applied(&plan(&["log.body"], &["log.body"]), &joined, script().splice(3, 0, 1, "three"));
    assert_eq!(edited.segments()[0].bytes().as_ptr(), joined.segments()[0].bytes().as_ptr());
    assert_eq!(bodies(&decoded(&edited)), ["0", "1", "2", "three"]);
}

#[test]
fn splices_change_parts_of_texts_however_deep() {
    let plan = plan(&["log.body[**]"], &["log.body[**]"]);
    let body = map(vec![pair("user", text("ann at home")), pair("tags", array(vec![text("x"), text("ÿ")]))]);
    let request = logs(vec![], vec![record(body, vec![]), record(text("plain"), vec![])]);
    let long = "l".repeat(300);
    let script = script()
        .splice(0, 0, 3, "***")
        .splice(0, 7, 11, &long)
        .splice(0, 11, 11, "!")
        .splice(2, 0, 2, "")
        .splice(3, 5, 5, "er")
        .splice(4, 0, 4, "who");
    let long = format!("*** at {long}!");
    let body = map(vec![pair("who", text(&long)), pair("tags", array(vec![text("x"), text("")]))]);
    assert_eq!(
        edited(&plan, &request, script),
        logs(vec![], vec![record(body, vec![]), record(text("plainer"), vec![])])
    );
}

#[test]
fn a_replaced_attribute_may_change_its_type() {
    let plan = plan(&["log.attributes[*]"], &["log.attributes[*]"]);
    let pairs = |a, b, c| vec![pair("a", a), pair("b", b), pair("c", c)];
    let int = value(Any::IntValue(1));
    let request = logs(vec![], vec![record(text(""), pairs(text("one"), int.clone(), int))]);
    // The text comes first, then the numbers.
    let script = script().replace(0, Value::Double(0.5)).text(1, "two").replace(2, Value::Boolean(false));
    let pairs = pairs(value(Any::DoubleValue(0.5)), text("two"), value(Any::BoolValue(false)));
    assert_eq!(edited(&plan, &request, script), logs(vec![], vec![record(text(""), pairs)]));
}

#[test]
fn a_replaced_field_keeps_its_type_and_range() {
    let reads = ["log.severity_text", "log.severity_number", "log.time_unix_nano", "log.flags", "log.trace_id"];
    let plan = plan(&reads, &reads);
    let record = LogRecord {
        severity_text: "INFO".to_owned(),
        severity_number: 9,
        time_unix_nano: 5,
        flags: 1,
        trace_id: vec![7; 16],
        ..LogRecord::default()
    };
    let request = logs(vec![], vec![record]);
    let whole = script()
        .text(0, "WARN")
        .replace(1, Value::Signed(-13))
        .replace(2, Value::Signed(i64::MAX))
        .replace(3, Value::Signed(i64::from(u32::MAX)))
        .replace(4, Value::Bytes(Slice { start: 0, end: 0 }));
    let after = LogRecord {
        severity_text: "WARN".to_owned(),
        severity_number: -13,
        time_unix_nano: i64::MAX as u64,
        flags: u32::MAX,
        ..LogRecord::default()
    };
    assert_eq!(edited(&plan, &request, whole), logs(vec![], vec![after]));
    for (script, name) in [
        (script().replace(0, Value::Signed(1)), "Type"),
        (script().text(1, "x"), "Type"),
        (script().replace(1, Value::Signed(1 << 40)), "Number"),
        (script().replace(2, Value::Signed(-1)), "Number"),
        (script().replace(3, Value::Double(1.0)), "Type"),
        (script().text(4, "x"), "Type"),
        (script().splice(1, 0, 0, "x"), "NoText"),
    ] {
        let (_, fault) = faults::fault(&plan, &request, script);
        assert!(format!("{fault:?}").starts_with(name), "{fault:?} is {name}");
    }
}

#[test]
fn a_removed_cell_goes_with_its_key_its_place_in_the_array_or_its_field() {
    let reads = ["log.body[**]", "log.attributes[*]", "log.severity_text"];
    let plan = plan(&reads, &["log.body", "log.attributes[*]", "log.severity_text"]);
    let mut first = record(array(vec![text("x"), text("y")]), vec![pair("a", text("1")), pair("b", text("2"))]);
    first.severity_text = "INFO".to_owned();
    let request = logs(vec![], vec![first, record(text("whole"), vec![])]);
    // Cells: x, y, whole; 1, 2; INFO.
    let script = script().remove(0).remove(2).remove(4).remove(5);
    let first = record(array(vec![text("y")]), vec![pair("a", text("1"))]);
    assert_eq!(edited(&plan, &request, script), logs(vec![], vec![first, LogRecord::default()]));
}

#[test]
fn an_upsert_writes_where_its_mode_says() {
    let plan = plan(&[], &["log.attributes[*]"]);
    let request = logs(
        vec![],
        vec![
            record(text(""), vec![pair("k", text("1")), pair("z", text("z")), pair("k", text("2"))]),
            record(text(""), vec![pair("z", text("z"))]),
        ],
    );
    for (mode, first, second) in [
        (Mode::Upsert, &[("k", "new"), ("z", "z")] as &[_], &[("z", "z"), ("k", "new")] as &[_]),
        (Mode::Insert, &[("k", "1"), ("z", "z"), ("k", "2")], &[("z", "z"), ("k", "new")]),
        (Mode::Update, &[("k", "new"), ("z", "z")], &[("z", "z")]),
    ] {
        let after = edited(&plan, &request, script().upsert(0, 0..2, "k", "new", mode));
        let wanted = |list: &[(&str, &str)]| record(text(""), list.iter().map(|(k, v)| pair(k, text(v))).collect());
        assert_eq!(after, logs(vec![], vec![wanted(first), wanted(second)]), "{mode:?}");
    }
}

#[test]
fn an_upsert_makes_the_resource_and_the_scope_that_are_not_there() {
    let plan = plan(&[], &["resource.attributes[\"a\"]", "scope.name", "resource.attributes[\"b\"]", "log.event_name"]);
    let bare = ScopeLogs { log_records: numbered(0..1), ..ScopeLogs::default() };
    let request = Logs { resource_logs: vec![ResourceLogs { scope_logs: vec![bare], ..ResourceLogs::default() }] };
    let upserted = script()
        .upsert(0, 0..1, "", "one", Mode::Insert)
        .upsert(1, 0..1, "", "lib", Mode::Upsert)
        .upsert(2, 0..1, "", "two", Mode::Upsert)
        .upsert(3, 0..1, "", "event", Mode::Upsert);
    let after = edited(&plan, &request, upserted);
    let resource = &after.resource_logs[0];
    assert_eq!(resource.resource.as_ref().unwrap().attributes, [pair("a", text("one")), pair("b", text("two"))]);
    assert_eq!(resource.scope_logs[0].scope.as_ref().unwrap().name, "lib");
    assert_eq!(resource.scope_logs[0].log_records[0].event_name, "event");
    let updated = script().upsert(0, 0..1, "", "one", Mode::Update).upsert(1, 0..1, "", "lib", Mode::Update);
    assert_eq!(edited(&plan, &request, updated), request);
}

#[test]
fn a_field_with_its_default_value_counts_as_absent() {
    let plan = plan(&[], &["log.severity_number", "log.severity_text"]);
    // `severity_number: 0` and `severity_text: ""`, written out.
    let bytes = vec![0x0a, 8, 0x12, 6, 0x12, 4, 0x10, 0, 0x1a, 0];
    let payload = crate::testing::checked(Signal::Logs, bytes);
    let wanted = |number, text: &str| {
        let record = LogRecord { severity_number: number, severity_text: text.to_owned(), ..LogRecord::default() };
        let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
        Logs { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
    };
    let with = |mode| {
        let script = script().upsert(1, 0..1, "", "INFO", mode);
        decoded::<Logs>(&applied(&plan, &payload, script))
    };
    assert_eq!(with(Mode::Insert), wanted(0, "INFO"));
    assert_eq!(with(Mode::Update), wanted(0, ""));
    let set = script().set(0, 0..1, Value::Signed(17));
    assert_eq!(decoded::<Logs>(&applied(&plan, &payload, set)), wanted(17, ""));
}

#[test]
fn a_range_of_upserts_reaches_each_resource_with_each_of_them_once() {
    let plan = plan(&[], &["resource.attributes[*]"]);
    let resource = |number: u32| {
        let kept = if number.is_multiple_of(3) { vec![pair("r", text("old"))] } else { vec![] };
        resource_logs(kept, numbered(number..number + 1))
    };
    let request = Logs { resource_logs: (0..200).map(resource).collect() };
    let script = script()
        .upsert(0, 0..200, "r", "edge", Mode::Upsert)
        .upsert(0, 50..150, "half", "yes", Mode::Upsert)
        .upsert(0, 100..101, "one", "me", Mode::Upsert);
    let after = edited(&plan, &request, script);
    for (number, resource) in after.resource_logs.iter().enumerate() {
        let mut wanted = vec![pair("r", text("edge"))];
        if (50..150).contains(&number) {
            wanted.push(pair("half", text("yes")));
        }
        if number == 100 {
            wanted.push(pair("one", text("me")));
        }
        let mut seen = resource.resource.clone().unwrap().attributes;
        seen.sort_by(|a, b| b.key.cmp(&a.key).reverse());
        wanted.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(seen, wanted, "resource {number}");
    }
}

#[test]
fn many_keys_are_upserted_as_few_are() {
    let plan = plan(&[], &["log.attributes[*]"]);
    let key = |number: u32| format!("k{number:03}");
    let old: Vec<_> = (0..100).filter(|n| n % 2 == 0).map(|n| pair(&key(n), text("old"))).collect();
    let request = logs(vec![], vec![record(text(""), old)]);
    let upserts = (0..100).fold(script(), |script, n| script.upsert(0, 0..1, &key(n), "new", Mode::Upsert));
    let mut after = edited(&plan, &request, upserts);
    let attributes = &mut after.resource_logs[0].scope_logs[0].log_records[0].attributes;
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(*attributes, (0..100).map(|n| pair(&key(n), text("new"))).collect::<Vec<_>>());
}

fn points() -> Metrics {
    let point = |value| NumberDataPoint { value: Some(value), ..NumberDataPoint::default() };
    let (int, double) = (number_data_point::Value::AsInt(1), number_data_point::Value::AsDouble(2.0));
    let gauge = Gauge { data_points: vec![point(int), point(double)] };
    let sum = Sum { data_points: vec![point(double)], ..Sum::default() };
    let metric = |name: &str, data| Metric { name: name.to_owned(), data: Some(data), ..Metric::default() };
    let metrics = vec![metric("g", metric::Data::Gauge(gauge)), metric("s", metric::Data::Sum(sum))];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    Metrics { resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }] }
}

#[test]
fn data_points_and_what_holds_them_are_edited() {
    let writes = ["datapoint.attributes[*]", "datapoint.value", "metric.is_monotonic", "drop"];
    let plan = plan(&["datapoint.value", "metric.name"], &writes);
    let payload = payload(Signal::Metrics, &points());
    // Values: 1 is a whole number; 2.0 twice. A gauge has no `is_monotonic` and stays as it is.
    let edits = script()
        .replace(0, Value::Signed(-5))
        .upsert(0, 0..3, "k", "v", Mode::Upsert)
        .set(1, 1..2, Value::Signed(7))
        .set(2, 0..2, Value::Boolean(true));
    let after: Metrics = decoded(&applied(&plan, &payload, edits));
    let metrics = &after.resource_metrics[0].scope_metrics[0].metrics;
    let Some(metric::Data::Gauge(gauge)) = &metrics[0].data else { panic!("a gauge stays one") };
    let Some(metric::Data::Sum(sum)) = &metrics[1].data else { panic!("a sum stays one") };
    let values: Vec<_> = gauge.data_points.iter().chain(&sum.data_points).map(|point| point.value.unwrap()).collect();
    let (int, double) = (number_data_point::Value::AsInt, number_data_point::Value::AsDouble);
    assert_eq!(values, [int(-5), int(7), double(2.0)]);
    assert!(sum.is_monotonic);
    assert!(gauge.data_points.iter().chain(&sum.data_points).all(|point| point.attributes == [pair("k", text("v"))]));

    let after: Metrics = decoded(&applied(&plan, &payload, script().drop(Level::Item, 2..3)));
    assert_eq!(after.resource_metrics[0].scope_metrics[0].metrics.len(), 1, "a metric without points goes, too");
    let wrong = apply(&plan, &payload, script().replace(0, Value::Double(0.5))).unwrap_err();
    assert!(wrong.to_string().contains("does not take a floating-point number"), "{wrong}");
}

#[test]
fn a_span_gets_a_status_and_loses_an_event() {
    let event = |name: &str| Event { name: name.to_owned(), ..Event::default() };
    let span = Span { events: vec![event("a"), event("b")], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![span.clone(), span], ..ScopeSpans::default() }];
    let request = Traces { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] };
    let plan = plan(&["spanevent.name"], &["span.status.message", "drop", "spanevent.attributes[*]"]);
    let edits = script().upsert(0, 1..2, "", "late", Mode::Upsert).drop(Level::Event, 1..3).upsert(
        2,
        3..4,
        "k",
        "v",
        Mode::Upsert,
    );
    let after: Traces = decoded(&applied(&plan, &payload(Signal::Traces, &request), edits));
    let spans = &after.resource_spans[0].scope_spans[0].spans;
    let names = |span: &Span| span.events.iter().map(|event| event.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&spans[0]), names(&spans[1])), (strings(&["a"]), strings(&["b"])));
    assert_eq!(spans[1].status.as_ref().unwrap().message, "late");
    assert_eq!(spans[1].events[0].attributes, [pair("k", text("v"))]);
}

#[test]
fn a_parent_that_is_left_without_items_goes_with_them() {
    let plan = plan(&["log.body"], &["drop"]);
    let request =
        Logs { resource_logs: vec![resource_logs(vec![], numbered(0..2)), resource_logs(vec![], numbered(2..4))] };
    let payload = payload(Signal::Logs, &request);
    let left = applied(&plan, &payload, script().drop(Level::Item, 0..3));
    assert_eq!(decoded::<Logs>(&left), Logs { resource_logs: vec![resource_logs(vec![], numbered(3..4))] });
    let left = applied(&plan, &payload, script().drop(Level::Origin, 1..2));
    assert_eq!((left.items(), decoded::<Logs>(&left).resource_logs.len()), (2, 1));
    assert!(apply(&plan, &payload, script().drop(Level::Scope, 0..2)).unwrap().is_empty());
}

#[test]
fn items_are_counted_where_rows_above_them_are_dropped() {
    let plan = plan(&["resource.attributes[*]"], &["drop"]);
    let request =
        Logs { resource_logs: vec![resource_logs(vec![], numbered(0..5)), resource_logs(vec![], numbered(5..7))] };
    assert_eq!(applied(&plan, &payload(Signal::Logs, &request), script().drop(Level::Origin, 0..1)).items(), 2);
}

#[test]
fn each_route_gets_its_rows_with_their_edits() {
    let mut plan = plan(&["log.body"], &["route", "drop", "log.body", "resource.attributes[*]"]);
    plan.routes = strings(&["audit", "cold"]);
    let mut payload_ = payload(
        Signal::Logs,
        &Logs { resource_logs: vec![resource_logs(vec![], numbered(0..3)), resource_logs(vec![], numbered(3..5))] },
    );
    payload_.join(payload(Signal::Logs, &logs(vec![], numbered(5..7))));
    let edits = script()
        .route(Level::Item, 1..2, 1)
        .route(Level::Origin, 1..2, 0)
        .drop(Level::Item, 5..6)
        .splice(0, 1, 1, "!")
        .splice(1, 1, 1, "?")
        .upsert(3, 0..2, "k", "v", Mode::Upsert);
    let routed = apply(&plan, &payload_, edits).unwrap();
    let seen: Vec<_> = routed
        .iter()
        .map(|routed| {
            counted(&routed.payload);
            let request = decoded::<Logs>(&routed.payload);
            let labels = request.resource_logs.iter().map(|r| r.resource.as_ref().map_or(0, |r| r.attributes.len()));
            (routed.route, bodies(&request), labels.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (None, strings(&["0!", "2", "6"]), vec![1, 0]),
            (Some(0), strings(&["3", "4"]), vec![1]),
            (Some(1), strings(&["1?"]), vec![1]),
        ]
    );
}

#[test]
fn everything_routed_leaves_nothing_behind() {
    let mut plan = plan(&[], &["route"]);
    plan.routes = strings(&["audit"]);
    let routed =
        apply(&plan, &payload(Signal::Logs, &logs(vec![], numbered(0..2))), script().route(Level::Scope, 0..1, 0));
    let routed = routed.unwrap();
    assert_eq!((routed.len(), routed[0].route, routed[0].payload.items()), (1, Some(0), 2));
}

#[test]
fn a_number_that_decoders_read_as_none_is_absent() {
    // Of `severity_number` 32 bits count: this is 0, written in five bytes and more.
    let content = [0x10, 0x80, 0x80, 0x80, 0x80, 0x10];
    let request = [&[0x0a, 10, 0x12, 8, 0x12, 6][..], &content].concat();
    let plan = plan(&[], &["log.severity_number"]);
    let (key, value, mode) = (Slice::default(), Value::Signed(9), Mode::Insert);
    let edits = script().edit(Edit::Upsert { write: 0, first_row: 0, end_row: 1, key, value, mode });
    let after: Logs = decoded(&applied(&plan, &checked(Signal::Logs, request), edits));
    assert_eq!(after.resource_logs[0].scope_logs[0].log_records[0].severity_number, 9);
}
