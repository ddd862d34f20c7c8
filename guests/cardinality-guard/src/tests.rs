//! Tests of the processor: its promises, one sentence each.

use tidegate_sdk::testing::{Any, TestBatch, Tester, json};
use tidegate_sdk::{Error, Signal};

use crate::CardinalityGuard;

const SECOND: u64 = 1_000_000_000;

fn guard(config: &serde_json::Value) -> Tester<CardinalityGuard> {
    Tester::new(Signal::Metrics, config).unwrap()
}

/// What is said against a configuration.
fn refusal(signal: Signal, config: &serde_json::Value) -> String {
    Tester::<CardinalityGuard>::new(signal, config).err().map(|error: Error| error.to_string()).unwrap_or_default()
}

/// One point of a sum for each user, with these values.
fn sum(points: &[(&str, Any)]) -> TestBatch {
    let batch = TestBatch::metrics().resource(json!({ "service.name": "shop" })).metric("requests");
    let batch = batch.with("metric", "type", 2);
    points.iter().fold(batch, |batch, (user, value)| {
        let batch = batch.point(json!({ "user": user, "list": [1, 2] })).with("datapoint", "value", value.clone());
        batch.with("datapoint", "time_unix_nano", 7)
    })
}

fn users(batch: &TestBatch) -> Vec<String> {
    let of = |row: usize| batch.field("datapoint", row, "attributes");
    (0..)
        .map_while(of)
        .map(|attributes| match attributes {
            Any::Map(entries) => {
                entries.iter().map(|(key, value)| format!("{key}={value:?}")).collect::<Vec<_>>().join(",")
            }
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_metric_keeps_the_series_that_were_there_first_and_adds_up_the_others() {
    let mut guard = guard(&json!({ "limit": 3 }));
    let before = sum(&[("a", 1.into()), ("b", 2.into()), ("c", 3.into()), ("d", 4.into())]);
    let after = guard.process(&before).unwrap();
    assert_eq!(after.attribute("datapoint", 0, "user"), Some(&"a".into()));
    assert_eq!(after.attribute("datapoint", 1, "user"), Some(&"b".into()));
    assert_eq!(users(&after)[2], format!("otel.metric.overflow={:?}", Any::Bool(true)));
    assert_eq!(after.field("datapoint", 2, "value"), Some(&Any::Int(7)));
    assert_eq!(users(&after).len(), 3);
    assert_eq!(guard.counters(), [("aggregated".to_owned(), 2)].into());
    assert!(guard.lines()[0].1.contains("\"requests\"") && guard.lines().is_empty());

    // Those that have a place keep it, whatever comes first now.
    let after = guard.process(&sum(&[("d", 5.into()), ("b", 6.into()), ("a", 7.into())])).unwrap();
    assert_eq!(after.attribute("datapoint", 1, "user"), Some(&"b".into()));
    assert_eq!(after.attribute("datapoint", 2, "user"), Some(&"a".into()));
    assert_eq!(after.field("datapoint", 0, "value"), Some(&Any::Int(5)));
    assert_eq!(after.attribute("datapoint", 0, "user"), None);
    assert!(guard.lines().is_empty(), "the limit is told of once");
}

#[test]
fn a_sum_with_fractions_is_one_and_what_does_not_fit_an_integer_is_the_largest_of_them() {
    let mut guard_ = guard(&json!({ "limit": 1 }));
    let after = guard_.process(&sum(&[("a", 1.into()), ("b", Any::Double(0.5)), ("c", 2.into())])).unwrap();
    assert_eq!((users(&after).len(), after.field("datapoint", 0, "value")), (1, Some(&Any::Double(3.5))));
    let after = guard_.process(&sum(&[("a", i64::MAX.into()), ("b", 1.into())])).unwrap();
    assert_eq!(after.field("datapoint", 0, "value"), Some(&Any::Int(i64::MAX)));
}

#[test]
fn points_of_other_times_resources_and_metrics_are_not_added_up_together() {
    let point = |batch: TestBatch, user: &str, time: i64| {
        let batch = batch.point(json!({ "user": user })).with("datapoint", "value", 1);
        batch.with("datapoint", "time_unix_nano", time)
    };
    let metric = |batch: TestBatch, name: &str| batch.metric(name).with("metric", "type", 2);
    let mut batch = metric(TestBatch::metrics().resource(json!({ "host": 1 })), "requests");
    batch = point(point(point(batch, "a", 1), "b", 1), "c", 2);
    batch = point(metric(batch, "errors"), "d", 1);
    batch = point(metric(batch.resource(json!({ "host": 2 })), "requests"), "a", 1);
    let after = guard(&json!({ "limit": 1 })).process(&batch).unwrap();
    let values: Vec<_> = (0..4).map(|row| after.field("datapoint", row, "value").unwrap().clone()).collect();
    assert_eq!(values, [2.into(), 1.into(), 1.into(), 1.into()]);
    assert_eq!(after.field("datapoint", 4, "value"), None);
}

#[test]
fn of_a_gauge_the_last_point_stands_for_those_beyond() {
    let batch = TestBatch::metrics().resource(json!({})).metric("temperature").with("metric", "type", 1);
    let batch = batch.point(json!({ "room": 1 })).with("datapoint", "value", 20);
    let batch = batch.point(json!({ "room": 2 })).with("datapoint", "value", 22);
    let after = guard(&json!({ "limit": 1 })).process(&batch).unwrap();
    assert_eq!((users(&after).len(), after.field("datapoint", 0, "value")), (1, Some(&22.into())));
}

#[test]
fn points_without_one_value_are_dropped_beyond_the_limit_and_all_are_where_that_is_asked_for() {
    let histogram = TestBatch::metrics().resource(json!({})).metric("latency").with("metric", "type", 3);
    let histogram = histogram.point(json!({ "user": "a" })).point(json!({ "user": "b" }));
    let mut aggregating = guard(&json!({ "limit": 2 }));
    assert_eq!(users(&aggregating.process(&histogram).unwrap()).len(), 1);
    assert_eq!(aggregating.counters(), [("dropped".to_owned(), 1)].into());

    let mut dropping = guard(&json!({ "limit": 1, "on_overflow": "drop" }));
    let after = dropping.process(&sum(&[("a", 1.into()), ("b", 2.into())])).unwrap();
    assert!(users(&after).is_empty());
    assert_eq!(dropping.counters(), [("dropped".to_owned(), 2)].into());
}

#[test]
fn a_metric_may_have_a_limit_of_its_own_and_all_together_have_one() {
    let mut guard_ = guard(&json!({ "limit": 1, "limits": { "requests": 3 } }));
    let after = guard_.process(&sum(&[("a", 1.into()), ("b", 2.into())])).unwrap();
    assert_eq!(after, sum(&[("a", 1.into()), ("b", 2.into())]));
    let mut guard_ = guard(&json!({ "max_series": 1 }));
    let after = guard_.process(&sum(&[("a", 1.into()), ("b", 2.into())])).unwrap();
    assert_eq!(after.attribute("datapoint", 0, "user"), Some(&"a".into()));
    assert_eq!(after.attribute("datapoint", 1, "user"), None);
}

#[test]
fn a_series_that_has_not_come_for_long_makes_room() {
    let mut guard_ = guard(&json!({ "limit": 2, "forget_after_seconds": 60 })).at(SECOND);
    guard_.process(&sum(&[("a", 1.into())])).unwrap();
    guard_ = guard_.at(60 * SECOND);
    let after = guard_.process(&sum(&[("b", 1.into())])).unwrap();
    assert_eq!(after.attribute("datapoint", 0, "user"), None);
    guard_ = guard_.at(80 * SECOND);
    let after = guard_.process(&sum(&[("b", 1.into())])).unwrap();
    assert_eq!(after.attribute("datapoint", 0, "user"), Some(&"b".into()));
    assert_eq!(guard_.counters().get("forgotten"), Some(&1));
}

#[test]
fn the_order_of_attributes_makes_no_series_and_their_types_do() {
    let of = |attributes: serde_json::Value| {
        let batch = TestBatch::metrics().resource(json!({})).metric("requests").with("metric", "type", 2);
        batch.point(Any::from(attributes)).with("datapoint", "value", 1)
    };
    let mut guard = guard(&json!({ "limit": 2 }));
    let (a, b) = (json!({ "x": 1, "y": 2 }), json!({ "y": 2, "x": 1 }));
    assert_eq!(guard.process(&of(a.clone())).unwrap(), of(a));
    assert_eq!(guard.process(&of(b.clone())).unwrap(), of(b));
    let after = guard.process(&of(json!({ "x": "1", "y": 2 }))).unwrap();
    assert_eq!(after.attribute("datapoint", 0, "x"), None);
}

#[test]
fn what_is_of_overflow_already_passes_and_takes_no_place() {
    let of = || {
        let batch = TestBatch::metrics().resource(json!({})).metric("requests").with("metric", "type", 2);
        batch.point(json!({ "otel.metric.overflow": true })).with("datapoint", "value", 1)
    };
    assert_eq!(guard(&json!({ "limit": 1 })).process(&of()).unwrap(), of());
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_the_name_of_its_key() {
    let refused = |config: serde_json::Value| refusal(Signal::Metrics, &config);
    assert!(refused(json!({ "limit": 0 })).contains("limit"));
    assert!(refused(json!({ "limits": { "x": 0 } })).contains("limits.x"));
    assert!(refused(json!({ "max_series": 2_000_000 })).contains("max_series"));
    assert!(refused(json!({ "forget_after_seconds": 0 })).contains("forget_after_seconds"));
    assert!(refused(json!({ "limt": 1 })).contains("limt"));
    assert!(refusal(Signal::Logs, &json!({})).contains("only metrics"));
}
