//! Values of every type: replaced, written, and taken out.

use super::{
    Any, Edit, Gauge, Logs, Metric, Metrics, Mode, NumberDataPoint, Plan, ResourceMetrics, ScopeMetrics, Slice,
};
use super::{Builder, Signal, applied, decoded, logs, map, pair, payload, project, record, script, text, value};
use super::{Unmetered, Value, array, metric, strings};
use crate::apply::{EditError, EditFault};
use crate::testing::read;
use crate::{Cells, Read};
use prost::Message as _;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

fn whole() -> Plan {
    let reads = vec![Read { cells: Cells::Whole, ..read("log.attributes[*]", &[]) }];
    Plan { reads, writes: strings(&["log.attributes[*]", "log.body", "log.severity_text"]), ..Plan::default() }
}

impl Builder {
    fn encoded(&mut self, any: &AnyValue) -> Value {
        let start = self.script.text.len() as u32;
        self.script.text.extend(any.encode_to_vec());
        Value::Encoded(Slice { start, end: self.script.text.len() as u32 })
    }

    fn erase(mut self, write: u32, rows: std::ops::Range<u32>, key: &str) -> Builder {
        let key = self.slice(key);
        self.edit(Edit::Erase { write, first_row: rows.start, end_row: rows.end, key })
    }
}

fn bare(key: &str) -> KeyValue {
    KeyValue { value: None, ..pair(key, text("")) }
}

fn request() -> Logs {
    let attributes = vec![
        pair("t", text("x")),
        pair("m", map(vec![pair("k", text("v"))])),
        pair("e", AnyValue { value: None }),
        bare("b"),
    ];
    logs(vec![], vec![record(text("one"), attributes), record(text("two"), vec![pair("t", text("y"))])])
}

fn attributes(request: &Logs, row: usize) -> &[KeyValue] {
    &request.resource_logs[0].scope_logs[0].log_records[row].attributes
}

#[test]
fn every_kind_of_cell_is_replaced_by_every_kind_of_value() {
    let batch = project(&whole(), &payload(Signal::Logs, &request())).batch;
    let cells: u32 = batch.columns.iter().map(|column| column.rows.len() as u32).sum();
    assert_eq!(cells, 5);
    for given in [text("new"), value(Any::IntValue(7)), map(vec![pair("a", text("b"))]), AnyValue { value: None }] {
        for cell in 0..cells {
            let mut script = script();
            let value = script.encoded(&given);
            let payload = applied(&whole(), &payload(Signal::Logs, &request()), script.replace(cell, value));
            let after: Logs = decoded(&payload);
            let new = attributes(&after, 0).iter().chain(attributes(&after, 1));
            let before = request();
            let old = attributes(&before, 0).iter().chain(attributes(&before, 1));
            let changed: Vec<_> = new.zip(old).filter(|(new, old)| new != old).collect();
            assert!(changed.len() <= 1, "{changed:?}");
            assert!(changed.iter().all(|(new, _)| new.value.as_ref() == Some(&given)), "cell {cell}: {changed:?}");
        }
    }
}

#[test]
fn values_without_a_member_get_scalars_too() {
    // Texts come first, then what is encoded: the map and the two without a member.
    let script = script().text(3, "was empty").replace(4, Value::Signed(5));
    let after: Logs = decoded(&applied(&whole(), &payload(Signal::Logs, &request()), script));
    assert_eq!(attributes(&after, 0)[2], pair("e", text("was empty")));
    assert_eq!(attributes(&after, 0)[3], pair("b", value(Any::IntValue(5))));
}

#[test]
fn lists_and_maps_are_upserted_and_bodies_become_maps() {
    let mut script = script();
    let (given, key) = (map(vec![pair("a", text("b"))]), script.slice("n"));
    let value = script.encoded(&given);
    let script = script.edit(Edit::Upsert { write: 0, first_row: 0, end_row: 2, key, value, mode: Mode::Upsert }).set(
        1,
        1..2,
        value,
    );
    let after: Logs = decoded(&applied(&whole(), &payload(Signal::Logs, &request()), script));
    for row in 0..2 {
        assert_eq!(attributes(&after, row).last(), Some(&pair("n", given.clone())));
    }
    assert_eq!(after.resource_logs[0].scope_logs[0].log_records[1].body, Some(given));
}

#[test]
fn what_is_erased_goes_whatever_it_holds_and_what_is_not_there_stays_away() {
    for (key, left) in [("t", ["m", "e", "b"].as_slice()), ("m", &["t", "e", "b"]), ("none", &["t", "m", "e", "b"])] {
        let script = script().erase(0, 0..2, key).erase(1, 0..1, "");
        let after: Logs = decoded(&applied(&whole(), &payload(Signal::Logs, &request()), script));
        let keys: Vec<&str> = attributes(&after, 0).iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!(keys, left, "{key}");
        let records = &after.resource_logs[0].scope_logs[0].log_records;
        assert_eq!((records[0].body.as_ref(), records[1].body.as_ref()), (None, Some(&text("two"))));
    }
}

#[test]
fn an_erased_key_that_stands_there_twice_goes_twice() {
    let twice = logs(vec![], vec![record(text(""), vec![pair("a", text("1")), pair("a", text("2"))])]);
    let after: Logs = decoded(&applied(&whole(), &payload(Signal::Logs, &twice), script().erase(0, 0..1, "a")));
    assert_eq!(attributes(&after, 0), []);
}

#[test]
fn faults_of_such_edits_are_told() {
    let refuse = |script: Builder, part: &str| {
        let error = project(&whole(), &payload(Signal::Logs, &request())).apply(&script.into(), &mut Unmetered);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let raw = |bytes: &[u8]| {
        let mut script = script();
        script.script.text.extend_from_slice(bytes);
        script.replace(0, Value::Encoded(Slice { start: 0, end: bytes.len() as u32 }))
    };
    refuse(raw(&[0x0a, 5, b'a']), "the encoded value is none");
    refuse(raw(&[0x0a, 1, 0xff]), "not UTF-8");
    refuse(raw(&[0x0a, 0, 0x18, 1]), "only once");
    refuse(raw(&[0x78, 1]), "schema does not know");
    let mut deep = Vec::new();
    for _ in 0..40 {
        let mut list = vec![0x0a];
        host_otlp::wire::put_varint(&mut list, deep.len() as u64);
        list.extend_from_slice(&deep);
        deep.clear();
        host_otlp::wire::put_len(&mut deep, 5, &list);
    }
    refuse(raw(&deep), "nested deeper");
    let mut typed = script();
    let value = typed.encoded(&text("x"));
    refuse(typed.set(2, 0..1, value), "does not take an encoded value");
    refuse(script().erase(0, 0..1, "t").remove(0), "changes or removes the same part");
    refuse(script().erase(0, 0..1, ""), "names a key");
    refuse(script().erase(0, 0..9, "t"), "no range of the 2 rows");
    refuse(script().erase(9, 0..1, "t"), "none of the plan's paths");
    // Two values for one that has none.
    refuse(script().text(3, "a").text(3, "b"), "changes or removes the same part");
}

/// A text in so many lists.
fn lists(count: usize) -> AnyValue {
    (0..count).fold(text("x"), |inner, _| array(vec![inner]))
}

/// A plan that reads one path whole and writes it, or reads it as it is.
fn of(path: &str, cells: Cells) -> Plan {
    Plan { reads: vec![Read { cells, ..read(path, &[]) }], writes: strings(&[path]), ..Plan::default() }
}

#[test]
fn an_encoded_value_may_be_as_deep_as_its_place_allows() {
    let request = logs(vec![], vec![record(array(vec![text("in")]), vec![pair("t", text("x"))])]);
    let logs = payload(Signal::Logs, &request);
    let point = NumberDataPoint { attributes: vec![pair("t", text("x"))], ..NumberDataPoint::default() };
    let gauge = metric::Data::Gauge(Gauge { data_points: vec![point] });
    let metrics = vec![Metric { data: Some(gauge), ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    let metrics = payload(Signal::Metrics, &Metrics { resource_metrics });
    let (whole, deep) = (Cells::Whole, Cells::Scalars);
    // A value of n lists is 2n + 1 messages, and a request has 64.
    for (payload, path, cells, most) in [
        (&logs, "log.body", whole, 29),
        (&logs, "log.attributes[*]", whole, 29),
        (&logs, "log.body[**]", deep, 28),
        (&metrics, "datapoint.attributes[*]", whole, 28),
    ] {
        let plan = of(path, cells);
        let replaced = |count| {
            let mut script = script();
            let value = script.encoded(&lists(count));
            script.replace(0, value)
        };
        applied(&plan, payload, replaced(most));
        let error = project(&plan, payload).apply(&replaced(most + 1).into(), &mut Unmetered).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{path}: {error}");
        if cells == deep {
            continue;
        }
        let upserted = |count| {
            let mut script = script();
            let key = if path == "log.body" { Slice::default() } else { script.slice("new") };
            let value = script.encoded(&lists(count));
            script.edit(Edit::Upsert { write: 0, first_row: 0, end_row: 1, key, value, mode: Mode::Upsert })
        };
        applied(&plan, payload, upserted(most));
        let error = project(&plan, payload).apply(&upserted(most + 1).into(), &mut Unmetered).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{path}: {error}");
    }
}

#[test]
fn what_is_printed_and_no_text_can_be_replaced_and_not_spliced() {
    let scalars = vec![text("text"), value(Any::BytesValue(b"bytes".to_vec())), value(Any::IntValue(7777))];
    let request = logs(vec![], vec![record(array(scalars), vec![])]);
    let logs = payload(Signal::Logs, &request);
    for plan in [of("log.body[**]", Cells::Printed), of("log.body[**]", Cells::Scalars)] {
        let printed = plan.reads[0].cells == Cells::Printed;
        let spliced = |cell| project(&plan, &logs).apply(&script().splice(cell, 0, 4, "****").into(), &mut Unmetered);
        assert!(spliced(0).is_ok());
        let bytes = spliced(1);
        if printed {
            for cell in [1, 2] {
                let error = spliced(cell).unwrap_err();
                assert!(matches!(error, EditError::Edit { fault: EditFault::Printed { .. }, .. }), "{error}");
                applied(&plan, &logs, script().text(cell, "new"));
            }
        } else {
            assert!(bytes.is_ok());
        }
    }
}
