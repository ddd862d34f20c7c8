//! Cells that are more than scalars as they are: printed, whole, and composites alone.

use super::{
    Any, Limits, PlanError, Signal, compile, logs, map, naive, pair, payload, project, read, record, sample, shown,
    text, value,
};
use crate::testing::array;
use crate::{Batch, Cells, Grants, Meter, Plan, Projector, Read, Values};

fn reading(cells: Cells, path: &str, patterns: &[&str]) -> Plan {
    Plan { reads: vec![Read { cells, ..read(path, patterns) }], ..Plan::default() }
}

fn of(cells: Cells, path: &str, patterns: &[&str]) -> Batch {
    project(&reading(cells, path, patterns), &payload(Signal::Logs, &sample())).batch
}

/// How many cells are encoded.
fn encoded(batch: &Batch) -> usize {
    let count = |values: &Values| if let Values::Encoded(packed) = values { packed.ends.len() } else { 0 };
    batch.columns.iter().map(|column| count(&column.values)).sum()
}

#[test]
fn printed_cells_are_text_whatever_the_scalar_is() {
    assert_eq!(
        shown(&of(Cells::Printed, "log.attributes[*]", &[])),
        ["0: 0 a=\"one\"", "0: 0 n=\"-4\"", "0: 0 a=\"two\""]
    );
    assert_eq!(
        shown(&of(Cells::Printed, "log.body[**]", &[])),
        [
            "0: 0 user=\"ann\"",
            "0: 0 tags=\"x\"",
            "0: 0 tags=\"7\"",
            "0: 0 tags=\"y\"",
            "0: 0 raw=\"AQI=\"",
            "0: 1 =\"plain\"",
            "0: 0 key user=\"user\"",
            "0: 0 key tags=\"tags\"",
            "0: 0 key deep=\"deep\"",
            "0: 0 key raw=\"raw\"",
        ]
    );
    assert_eq!(
        shown(&of(Cells::Printed, "log.attributes[\"m\"][**]", &[])),
        ["0: 0 b=\"true\"", "0: 0 c=\"0.5\"", "0: 0 key b=\"b\"", "0: 0 key c=\"c\""]
    );
}

#[test]
fn patterns_are_run_over_what_is_printed() {
    let batch = of(Cells::Printed, "log.attributes[**]", &[r"^-?\d", "^t"]);
    assert_eq!(shown(&batch), ["0: 0 n=\"-4\"", "0: 0 a=\"two\"", "0: 0 b=\"true\"", "0: 0 c=\"0.5\""]);
    let matches: Vec<_> = batch.columns[0].matches.iter().map(|m| (m.index, m.pattern, m.start, m.end)).collect();
    assert_eq!(matches, [(0, 0, 0, 2), (1, 1, 0, 1), (2, 1, 0, 1), (3, 0, 0, 1)]);
    assert_eq!(shown(&of(Cells::Printed, "log.body[**]", &["7"])), ["0: 0 tags=\"7\""]);
}

#[test]
fn whole_cells_are_of_every_type_and_found_by_their_key() {
    let batch = of(Cells::Whole, "log.attributes[*]", &[]);
    assert_eq!((naive::cells(&batch).len(), encoded(&batch)), (4, 1));
    let batch = of(Cells::Whole, "log.attributes[*]", &["^[mn]$"]);
    assert_eq!(shown(&batch)[0], "0: 0 n=-4");
    assert_eq!((naive::cells(&batch).len(), encoded(&batch)), (2, 1));
    let found: Vec<_> = batch.columns.iter().flat_map(|column| &column.matches).map(|m| (m.start, m.end)).collect();
    assert_eq!(found, [(0, 1), (0, 1)]);
    assert_eq!(encoded(&of(Cells::Whole, "log.attributes[\"m\"]", &[])), 1);
    assert_eq!(shown(&of(Cells::Whole, "log.attributes[\"m\"][*]", &[])), ["0: 0 c=0.5", "0: 0 b=true"]);
    assert_eq!(shown(&of(Cells::Whole, "log.body[\"deep\"][\"raw\"]", &[])), ["0: 0 raw=[1, 2]"]);
}

#[test]
fn values_without_a_member_are_cells_when_the_whole_is_read() {
    let empty = opentelemetry_proto::tonic::common::v1::AnyValue { value: None };
    let mut bare = pair("b", text(""));
    bare.value = None;
    let request = logs(vec![], vec![record(empty.clone(), vec![pair("a", empty), bare, pair("c", text("x"))])]);
    let payload = payload(Signal::Logs, &request);
    let of = |cells, path| project(&reading(cells, path, &[]), &payload).batch;
    assert_eq!(shown(&of(Cells::Whole, "log.attributes[*]")), ["0: 0 c=\"x\"", "0: 0 a=[]", "0: 0 b=[]"]);
    assert_eq!(shown(&of(Cells::Composites, "log.attributes[*]")), ["0: 0 a=[]", "0: 0 b=[]"]);
    assert_eq!(shown(&of(Cells::Composites, "log.body")), ["0: 0 []"]);
    assert_eq!(shown(&of(Cells::Printed, "log.attributes[*]")), ["0: 0 c=\"x\""]);
}

#[test]
fn composites_leave_scalars_out() {
    let batch = of(Cells::Composites, "log.body", &[]);
    assert_eq!(naive::cells(&batch).len(), 1);
    let Values::Encoded(packed) = &batch.columns[0].values else { panic!("{batch:?}") };
    let body = <opentelemetry_proto::tonic::common::v1::AnyValue as prost::Message>::decode(&*packed.bytes).unwrap();
    assert_eq!(Some(body), sample().resource_logs[0].scope_logs[0].log_records[0].body);
}

#[test]
fn a_form_that_a_path_has_not_is_refused() {
    for (cells, path, patterns, part) in [
        (Cells::Printed, "log.severity_text", &[] as &[&str], "of one type"),
        (Cells::Whole, "log.attributes[**]", &[], "not the value"),
        (Cells::Composites, "log.body", &["a"], "no text"),
        (Cells::Whole, "log.body", &["a"], "no key"),
    ] {
        let error = compile(Signal::Logs, &reading(cells, path, patterns)).unwrap_err();
        assert!(matches!(&error, PlanError::Cells { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let no_reads = Grants::default();
    let plan = reading(Cells::Whole, "log.attributes[*]", &[]);
    let error = Projector::compile(Signal::Logs, &plan, &no_reads, &Limits::default()).unwrap_err();
    assert!(matches!(error, PlanError::Ungranted { .. }), "{error}");
}

#[test]
fn different_forms_of_one_map_do_not_disturb_each_other() {
    let reads = vec![
        read("log.attributes[*]", &[]),
        Read { cells: Cells::Printed, ..read("log.attributes[**]", &["o"]) },
        Read { cells: Cells::Whole, ..read("log.attributes[\"a\"]", &[]) },
        read("log.attributes[\"m\"][\"b\"]", &[]),
        Read { cells: Cells::Composites, ..read("log.attributes[*]", &[]) },
    ];
    let attributes = vec![
        pair("a", text("one")),
        pair("m", map(vec![pair("b", value(Any::BoolValue(true))), pair("o", text("x"))])),
        pair("n", value(Any::IntValue(1))),
    ];
    let payload = payload(Signal::Logs, &logs(vec![], vec![record(text(""), attributes)]));
    let batch = project(&Plan { reads, ..Plan::default() }, &payload).batch;
    assert_eq!(
        shown(&batch)[..6],
        ["0: 0 a=\"one\"", "0: 0 n=1", "1: 0 a=\"one\"", "1: 0 key o=\"o\"", "2: 0 a=\"one\"", "3: 0 b=true",]
    );
    assert_eq!((naive::cells(&batch).len(), encoded(&batch)), (7, 1));
}

/// Has run out, and counts how often it is asked.
#[derive(Default)]
struct Asked(usize);

impl Meter for Asked {
    fn spent(&mut self) -> bool {
        self.0 += 1;
        true
    }
}

#[test]
fn nothing_is_printed_once_the_meter_has_run_out() {
    let strings = vec![value(Any::BytesValue(vec![0; 1 << 15])); 1000];
    let request = logs(vec![], vec![record(array(strings), vec![])]);
    let mut meter = Asked::default();
    let projector = compile(Signal::Logs, &reading(Cells::Printed, "log.body[**]", &[])).unwrap();
    assert!(projector.project(payload(Signal::Logs, &request), &mut meter).is_err());
    assert!(meter.0 < 5, "asked {} times", meter.0);
}
