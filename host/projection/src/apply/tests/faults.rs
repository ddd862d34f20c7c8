//! Scripts that are refused, and for what.

use host_otlp::Signal;

use super::{Builder, apply, edited, numbered, script};
use crate::apply::{EditError, EditFault};
use crate::testing::{Logs, Spent, compile, everything, logs, map, pair, payload, plan, record, strings, text};
use crate::{Edit, Level, Limits, Mode, Plan, Projector, Script, Slice, Unmetered, Value};

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
    assert_eq!(projection.apply(&long.script, &mut Unmetered).unwrap_err(), EditError::Growth { limit: 1000 });
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
