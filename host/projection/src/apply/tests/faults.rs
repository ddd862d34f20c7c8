//! Scripts that are refused, and for what.

use host_otlp::Signal;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::{Builder, apply, edited, numbered, script};
use crate::apply::{EditError, EditFault};
use crate::testing::{Logs, Spent, Traces, compile, everything, logs, map, pair, payload, plan, record, strings, text};
use crate::{Edit, Level, Limits, Meter, Mode, Plan, Projector, Script, Slice, Unmetered, Value};

pub(super) fn fault(plan: &Plan, request: &Logs, script: impl Into<Script>) -> (usize, EditFault) {
    match apply(plan, &payload(Signal::Logs, request), script) {
        Err(EditError::Edit { edit, fault }) => (edit, fault),
        other => panic!("{other:?} is no fault"),
    }
}

#[test]
fn an_edit_that_is_wrong_fails_the_batch_and_is_named() {
    let mut plan =
        plan(&["log.body[**]", "log.severity_text"], &["log.body", "log.attributes[\"a\"]", "log.attributes[**]"]);
    plan.writes.push("log.attributes[\"a\"][\"b\"]".to_owned());
    let mut first = record(text("aé"), vec![]);
    first.severity_text = "INFO".to_owned();
    let request = logs(vec![], vec![first]);
    let bad = |slice| Edit::Replace { cell: 0, value: Value::Text(slice) };
    let invalid = Builder { script: Script { edits: vec![bad(Slice { start: 0, end: 1 })], text: vec![0xff] } };
    let (key, value, mode) = (Slice::default(), Value::Boolean(true), Mode::Upsert);
    let reversed = script().edit(Edit::Upsert { write: 0, first_row: 1, end_row: 0, key, value, mode });
    for (script, name) in [
        (script().remove(9), "Cell"),
        (script().remove(1), "NotWritable"),
        (script().splice(0, 2, 3, "x"), "Boundary"),
        (script().splice(0, 0, 2, "x"), "Boundary"),
        (script().splice(0, 0, 4, "x"), "Range"),
        (script().splice(0, 1, 0, "x"), "Range"),
        (script().edit(bad(Slice { start: 0, end: 1 })), "Slice"),
        (script().edit(bad(Slice { start: 2, end: 1 })), "Slice"),
        (invalid, "Utf8"),
        (script().upsert(0, 0..1, "k", "v", Mode::Upsert), "Key"),
        (script().upsert(1, 0..1, "k", "v", Mode::Upsert), "Key"),
        (script().upsert(2, 0..1, "", "v", Mode::Upsert), "Key"),
        (script().upsert(3, 0..1, "", "v", Mode::Upsert), "NotUpsertable"),
        (script().upsert(4, 0..1, "", "v", Mode::Upsert), "Write"),
        (script().upsert(0, 0..2, "", "v", Mode::Upsert), "Rows"),
        (reversed, "Rows"),
        (script().drop(Level::Item, 0..1), "Word"),
        (script().route(Level::Item, 0..1, 0), "Word"),
    ] {
        let (edit, fault) = fault(&plan, &request, script);
        assert_eq!(edit, 0);
        assert!(format!("{fault:?}").starts_with(name), "{fault:?} is {name}");
    }
    assert_eq!(fault(&plan, &request, script().splice(0, 0, 1, "x").remove(7)).0, 1);
}

#[test]
fn rows_are_dropped_and_routed_once_and_within_bounds() {
    let mut plan = plan(&["log.body"], &["drop", "route", "log.body"]);
    plan.routes = strings(&["a", "b"]);
    let request = logs(vec![], numbered(0..3));
    for (script, name) in [
        (script().drop(Level::Item, 0..4), "Rows"),
        (script().drop(Level::Event, 0..0), "Level"),
        (script().route(Level::Item, 0..1, 2), "Route"),
        (script().route(Level::Event, 0..0, 1), "RouteLevel"),
        (script().route(Level::Item, 0..2, 0).route(Level::Origin, 0..1, 0), "Fate"),
        (script().route(Level::Item, 0..2, 0).drop(Level::Item, 1..2), "Fate"),
        (script().drop(Level::Scope, 0..1).drop(Level::Item, 1..2), "Fate"),
        (script().drop(Level::Item, 1..2).splice(1, 0, 0, "x"), "Overlap"),
        (script().drop(Level::Item, 1..2).splice(1, 1, 1, "x"), "Overlap"),
        (script().drop(Level::Item, 1..2).upsert(2, 0..3, "", "x", Mode::Upsert), "Overlap"),
    ] {
        let (_, fault) = fault(&plan, &request, script);
        assert!(format!("{fault:?}").starts_with(name), "{fault:?} is {name}");
    }
}

#[test]
fn edits_of_one_place_are_an_overlap() {
    let reads = ["log.attributes[**]", "log.attributes[\"m\"]", "log.attributes[\"a\"]"];
    let plan = plan(&reads, &["log.attributes[**]"]);
    let request = logs(
        vec![],
        vec![record(
            text(""),
            vec![pair("a", text("abc")), pair("m", map(vec![pair("in", text("abc"))])), pair("e", text(""))],
        )],
    );
    // Cells: abc, in, "" as values; a, m, in, e as keys; then the "a" of the third read.
    for script in [
        script().splice(0, 0, 2, "x").splice(0, 1, 3, "y"),
        script().splice(0, 1, 1, "x").splice(0, 1, 1, "y"),
        script().splice(0, 0, 0, "x").text(0, "y"),
        script().splice(0, 3, 3, "x").text(0, "y"),
        script().text(0, "x").text(0, "y"),
        script().remove(0).remove(0),
        script().remove(0).splice(0, 3, 3, ""),
        script().remove(0).remove(3),
        script().remove(0).text(3, "k"),
        script().remove(4).splice(1, 1, 2, "x"),
        script().remove(4).splice(1, 3, 3, "x"),
        script().splice(0, 0, 1, "x").splice(7, 0, 1, "y"),
        script().splice(2, 0, 0, "x").splice(2, 0, 0, "y"),
        script().upsert(0, 0..1, "a", "x", Mode::Upsert).splice(0, 0, 0, "y"),
        script().upsert(0, 0..1, "a", "x", Mode::Upsert).remove(3),
        script().upsert(0, 0..1, "n", "x", Mode::Upsert).upsert(0, 0..1, "n", "y", Mode::Upsert),
    ] {
        let edits = script.script.edits.clone();
        let (_, fault) = fault(&plan, &request, script);
        assert!(matches!(fault, EditFault::Overlap { .. }), "{fault:?} of {edits:?}");
    }
    // What only touches is none.
    let touching = script().splice(0, 0, 1, "x").splice(0, 1, 1, "-").splice(0, 1, 3, "y").splice(3, 1, 1, "!");
    let after = edited(&plan, &request, touching);
    assert_eq!(after.resource_logs[0].scope_logs[0].log_records[0].attributes[0], pair("a!", text("x-y")));
}

#[test]
fn a_script_may_not_blow_a_payload_up() {
    let limits = Limits { growth: 1000, ..Limits::default() };
    let plan = plan(&[], &["log.body"]);
    let projector = Projector::compile(Signal::Logs, &plan, &everything(), &limits).unwrap();
    let payload = payload(Signal::Logs, &logs(vec![], numbered(0..100)));
    let projection = projector.project(payload, &mut Unmetered).unwrap();
    let long = script().upsert(0, 0..100, "", &"x".repeat(100), Mode::Upsert);
    let growth = |edit| EditError::Edit { edit, fault: EditFault::Growth { limit: 1000 } };
    assert_eq!(projection.apply(&long.script, &mut Unmetered).unwrap_err(), growth(0));
}

#[test]
fn values_that_are_written_again_and_again_count_each_time() {
    let limits = Limits { growth: 1000, ..Limits::default() };
    let plan = plan(&["log.body"], &["log.body", "log.attributes[*]"]);
    let projector = Projector::compile(Signal::Logs, &plan, &everything(), &limits).unwrap();
    let payload = payload(Signal::Logs, &logs(vec![], numbered(0..100)));
    let fault = |edits: Vec<Edit>| {
        let script = Script { edits, text: vec![b'x'; 400] };
        let projection = projector.project(payload.clone(), &mut Unmetered).unwrap();
        let error = projection.apply(&script, &mut Unmetered).unwrap_err();
        assert!(matches!(error, EditError::Edit { fault: EditFault::Growth { limit: 1000 }, .. }), "{error}");
        error.to_string()
    };
    let value = Value::Text(Slice { start: 0, end: 400 });
    let replaces = fault((0..100).map(|cell| Edit::Replace { cell, value }).collect());
    assert_eq!(replaces, "edit 2: with this edit the script adds more than 1000 bytes to the payload");
    // Upserts of no row's are encoded all the same, and joined for each stretch of rows.
    let upsert = |index: u32| {
        let (key, mode) = (Slice { start: 0, end: index + 1 }, Mode::Update);
        let value = Value::Text(Slice { start: 0, end: 100 });
        Edit::Upsert { write: 1, first_row: index, end_row: 100 - index, key, value, mode }
    };
    fault((0..40).map(upsert).collect());
}

#[test]
fn a_row_is_dropped_once_even_where_nothing_is_under_it() {
    let spans = Span { events: vec![Event::default(); 3], ..Span::default() };
    let scope_spans = vec![ScopeSpans { spans: vec![spans], ..ScopeSpans::default() }];
    let request = Traces {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }, ResourceSpans::default()],
    };
    let plan = plan(&["spanevent.name"], &["drop"]);
    for (level, rows) in [(Level::Event, 0..3), (Level::Origin, 1..2)] {
        let twice = script().drop(level, rows.clone()).drop(level, rows.clone());
        let error = apply(&plan, &payload(Signal::Traces, &request), twice).unwrap_err();
        let fault = EditFault::Fate { row: rows.start };
        assert_eq!(error, EditError::Edit { edit: 1, fault });
    }
}

#[test]
fn an_id_keeps_its_length_whatever_a_script_says() {
    let plan = plan(&["log.trace_id", "log.span_id"], &["log.trace_id", "log.span_id"]);
    let ids = record(text("x"), vec![]);
    let ids = LogRecord { trace_id: vec![1; 16], span_id: vec![2; 8], ..ids };
    let request = logs(vec![], vec![ids]);
    let bytes = |len: u32| Value::Bytes(Slice { start: 0, end: len });
    let upsert = |write, len| {
        let (key, mode) = (Slice::default(), Mode::Upsert);
        Edit::Upsert { write, first_row: 0, end_row: 1, key, value: bytes(len), mode }
    };
    let with = |edit| Script { edits: vec![edit], text: vec![b'i'; 16] };
    for edit in [
        Edit::Replace { cell: 0, value: bytes(15) },
        Edit::Replace { cell: 1, value: bytes(16) },
        Edit::Splice { cell: 0, start: 0, end: 4, with: Slice { start: 0, end: 5 } },
        Edit::Splice { cell: 1, start: 8, end: 8, with: Slice { start: 0, end: 1 } },
        upsert(0, 8),
        upsert(1, 16),
    ] {
        assert!(matches!(fault(&plan, &request, with(edit)).1, EditFault::Id { .. }), "{edit:?}");
    }
    for (edit, id) in [
        (Edit::Replace { cell: 0, value: bytes(16) }, vec![b'i'; 16]),
        (Edit::Replace { cell: 0, value: bytes(0) }, vec![]),
        (Edit::Splice { cell: 0, start: 0, end: 16, with: Slice { start: 0, end: 16 } }, vec![b'i'; 16]),
        (Edit::Remove { cell: 0 }, vec![]),
        (upsert(0, 16), vec![b'i'; 16]),
    ] {
        assert_eq!(edited(&plan, &request, with(edit)).resource_logs[0].scope_logs[0].log_records[0].trace_id, id);
    }
}

#[test]
fn a_meter_that_runs_out_ends_the_edits() {
    let plan = plan(&[], &["log.body"]);
    let projector = compile(Signal::Logs, &plan).unwrap();
    let payload = payload(Signal::Logs, &logs(vec![], numbered(0..1000)));
    let projection = projector.project(payload, &mut Unmetered).unwrap();
    let script = script().upsert(0, 0..1000, "", "x", Mode::Upsert).script;
    assert_eq!(projection.apply(&script, &mut Spent).unwrap_err(), EditError::Overrun);
}

/// A meter that runs out when it is asked for the third time.
#[derive(Default)]
struct Third(u32);

impl Meter for Third {
    fn spent(&mut self) -> bool {
        self.0 += 1;
        self.0 > 2
    }
}

#[test]
fn what_few_edits_give_to_check_is_metered() {
    let plan = plan(&[], &["log.attributes[*]"]);
    let projector = compile(Signal::Logs, &plan).unwrap();
    let payload = payload(Signal::Logs, &logs(vec![], numbered(0..1)));
    let projection = || projector.project(payload.clone(), &mut Unmetered).unwrap();
    // A text of 5 and a half MiB, encoded.
    let mut long = vec![0x0a, 0xff, 0xff, 0xdf, 0x02];
    long.resize(5 + 0x57_ffff, b'x');
    let end = long.len() as u32;
    let (mode, whole) = (Mode::Upsert, Slice { start: 0, end });
    let edits = |edit: &dyn Fn(u32) -> Edit| Script { edits: (5..10).map(edit).collect(), text: long.clone() };
    let (key, rows) = (Slice { start: 5, end: 6 }, (0, 0));
    let value = |start| Value::Text(Slice { start, end });
    let upsert = |key, value| Edit::Upsert { write: 0, first_row: rows.0, end_row: rows.1, key, value, mode };
    let texts = edits(&|start| upsert(key, value(start)));
    let keys = edits(&|start| Edit::Erase { write: 0, first_row: 0, end_row: 0, key: Slice { start, end } });
    let values = edits(&|start| upsert(Slice { start, end: start + 1 }, Value::Encoded(whole)));
    for script in [&texts, &keys] {
        assert_eq!(projection().apply(script, &mut Third::default()).unwrap_err(), EditError::Overrun);
        assert!(projection().apply(script, &mut Unmetered).is_ok());
    }
    // What they share is checked once.
    assert!(projection().apply(&values, &mut Third::default()).is_ok());
}

#[test]
fn keys_of_one_row_are_as_long_as_what_a_script_may_add() {
    let limits = Limits { growth: 1000, ..Limits::default() };
    let plan = plan(&[], &["log.attributes[*]"]);
    let projector = Projector::compile(Signal::Logs, &plan, &everything(), &limits).unwrap();
    let payload = payload(Signal::Logs, &logs(vec![], numbered(0..1)));
    let erased = |count: u32| {
        let edit = |at| Edit::Erase { write: 0, first_row: 0, end_row: 1, key: Slice { start: at, end: at + 100 } };
        let text = (0..200).map(|at| b'a' + at % 26).collect();
        let script = Script { edits: (0..count).map(edit).collect(), text };
        projector.project(payload.clone(), &mut Unmetered).unwrap().apply(&script, &mut Unmetered)
    };
    assert!(erased(10).is_ok());
    let error = erased(11).unwrap_err();
    assert!(matches!(error, EditError::Edit { fault: EditFault::Growth { limit: 1000 }, .. }), "{error}");
}
