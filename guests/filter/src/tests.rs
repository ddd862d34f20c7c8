//! Which rows go.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::Filter;

fn kept(signal: Signal, config: &serde_json::Value, batch: &TestBatch) -> String {
    let mut tester = Tester::<Filter>::new(signal, config).unwrap_or_else(|error| panic!("{error}"));
    let text = tester.process(batch).unwrap().to_string();
    let name = |line: &str| line.split('"').nth(1).unwrap_or("-").to_owned();
    text.lines().map(|line| name(line.trim())).collect::<Vec<_>>().join(" ")
}

fn logs() -> TestBatch {
    TestBatch::logs()
        .resource(json!({ "host": "a" }))
        .scope("s1", json!({}))
        .log("debug line", json!({ "n": 1 }))
        .with("log", "severity_number", 5)
        .log("password 1", json!({ "n": "x" }))
        .with("log", "severity_number", 17)
        .resource(json!({ "host": "b" }))
        .scope("s2", json!({}))
        .log("fine", json!({}))
        .with("log", "severity_number", 9)
}

#[test]
fn records_go_by_what_they_are_and_what_they_are_under() {
    for (conditions, left) in [
        (vec![r#"IsMatch(log.body, ".*password.*")"#], "a s1 debug line b s2 fine"),
        (vec![r#"log.severity_number < SEVERITY_NUMBER_WARN"#], "a s1 password 1"),
        (vec![r#"resource.attributes["host"] == "a""#], "b s2 fine"),
        (vec![r#"scope.name == "s2""#], "a s1 debug line password 1"),
        (vec![r#"log.body == "fine""#, r#"log.attributes["n"] == 1"#], "a s1 password 1"),
        (vec![r#"log.attributes["n"] == nil"#], "a s1 debug line password 1"),
        (vec![r#"IsMatch(log.attributes["n"], "1|x")"#], "b s2 fine"),
        (vec![r#"log.body == "nothing""#], "a s1 debug line password 1 b s2 fine"),
        (vec![r#"resource.attributes["host"] == "a""#, r#"log.body == "fine""#], ""),
        (vec![r#"resource.attributes["host"] == "a" and log.body == "debug line""#], "a s1 password 1 b s2 fine"),
    ] {
        let config = json!({ "log_conditions": conditions });
        assert_eq!(kept(Signal::Logs, &config, &logs()), left, "{conditions:?}");
    }
    for config in [
        json!({ "logs": { "log_record": [r#"IsMatch(body, "password")"#] } }),
        json!({ "log_conditions": [{ "context": "log", "conditions": [r#"IsMatch(body, "password")"#] }] }),
    ] {
        assert_eq!(kept(Signal::Logs, &config, &logs()), "a s1 debug line b s2 fine", "{config}");
    }
    assert_eq!(
        kept(Signal::Logs, &json!({ "traces": { "span": ["true"] } }), &logs()),
        "a s1 debug line password 1 b s2 fine"
    );
}

#[test]
fn a_span_stays_where_its_events_go() {
    let spans = TestBatch::traces()
        .resource(json!({ "host": "a" }))
        .scope("s", json!({}))
        .span("health", json!({}))
        .event("e1", json!({}))
        .span("work", json!({}))
        .event("e1", json!({}))
        .event("e2", json!({}));
    let config = json!({ "trace_conditions": [r#"spanevent.name == "e1""#, r#"span.name == "health""#] });
    assert_eq!(kept(Signal::Traces, &config, &spans), "a s work e2");
    let config = json!({ "traces": { "spanevent": ["true"] } });
    assert_eq!(kept(Signal::Traces, &config, &spans), "a s health work");
}

#[test]
fn metrics_go_by_name_and_with_their_last_point() {
    let metrics = TestBatch::metrics()
        .resource(json!({ "host": "a" }))
        .scope("s", json!({}))
        .metric("go_gc")
        .point(json!({ "p": "1" }))
        .metric("http.duration")
        .point(json!({ "p": "2" }))
        .point(json!({ "p": "3" }));
    for (config, left) in [
        (json!({ "metric_conditions": [r#"IsMatch(metric.name, "^go_")"#] }), "a s http.duration 2 3"),
        (json!({ "metric_conditions": [r#"datapoint.attributes["p"] == "1""#] }), "a s http.duration 2 3"),
        (
            json!({ "metric_conditions": [r#"metric.name == "http.duration" and datapoint.attributes["p"] == "2""#] }),
            "a s go_gc 1 http.duration 3",
        ),
        (json!({ "metrics": { "datapoint": [r#"attributes["p"] == "3""#] } }), "a s go_gc 1 http.duration 2"),
        (
            json!({ "metrics": { "exclude": { "match_type": "strict", "metric_names": ["go_gc", "x"] } } }),
            "a s http.duration 2 3",
        ),
        (json!({ "metrics": { "exclude": { "match_type": "regexp", "metric_names": ["^go", "\\."] } } }), ""),
        (
            json!({ "metrics": { "include": { "match_type": "regexp", "metric_names": ["^http\\."] } } }),
            "a s http.duration 2 3",
        ),
    ] {
        assert_eq!(kept(Signal::Metrics, &config, &metrics), left, "{config}");
    }
}

#[test]
fn what_is_not_served_is_told_with_the_way_out() {
    for (signal, config, problem) in [
        (
            Signal::Logs,
            json!({ "log_conditions": ["body == 1"] }),
            "log_conditions[0]: at column 1: `body` names no context",
        ),
        (
            Signal::Logs,
            json!({ "logs": { "include": {} } }),
            "logs.include: this older form is not served; write it as `log_conditions`",
        ),
        (
            Signal::Traces,
            json!({ "spans": {} }),
            "spans: this older form is not served; write it as `trace_conditions`",
        ),
        (
            Signal::Metrics,
            json!({ "metrics": { "include": { "match_type": "expr", "metric_names": ["a"] } } }),
            "metrics.include.match_type: `expr` is not served",
        ),
        (
            Signal::Metrics,
            json!({ "metrics": { "exclude": { "match_type": "strict" } } }),
            "metrics.exclude.metric_names: is empty",
        ),
        (Signal::Logs, json!({ "profile_conditions": [] }), "profile_conditions: profiles are not served"),
        (Signal::Logs, json!({ "log_conditions": [{ "conditions": [] }] }), "log_conditions[0]: has no conditions"),
        (Signal::Logs, json!({ "error_mode": "loud" }), "error_mode: "),
    ] {
        let error = Tester::<Filter>::new(signal, &config).err().map(|error| error.message().to_owned());
        assert!(error.as_deref().is_some_and(|error| error.starts_with(problem)), "{config}: {error:?}");
    }
}

#[test]
fn a_condition_that_fails_drops_nothing_and_says_so() {
    let config = json!({ "log_conditions": [r#"ToUpperCase(log.attributes["n"]) == "X""#] });
    let mut tester = Tester::<Filter>::new(Signal::Logs, &config).unwrap();
    let after = tester.process(&logs()).unwrap();
    assert_eq!(after.field("log", 0, "body"), Some(&"debug line".into()));
    assert_eq!(after.field("log", 1, "body"), Some(&"fine".into()));
    let lines = tester.lines();
    assert!(lines.len() == 1 && lines[0].1.starts_with("log_conditions[0] failed on 2 rows"), "{lines:?}");
    let config = json!({ "error_mode": "propagate", "log_conditions": [r#"ToUpperCase(log.attributes["n"]) == "X""#] });
    assert!(Tester::<Filter>::new(Signal::Logs, &config).unwrap().process(&logs()).is_err());
}
