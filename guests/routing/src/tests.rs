//! Which way items go, for each kind of rule.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::Routing;

fn routes(signal: Signal, config: &serde_json::Value, batch: &TestBatch) -> Vec<Option<String>> {
    let after = Tester::<Routing>::new(signal, config).unwrap().process(batch).unwrap();
    after.routes().into_iter().map(|route| route.map(str::to_owned)).collect()
}

fn named(routes: &[&str]) -> Vec<Option<String>> {
    routes.iter().map(|route| (!route.is_empty()).then(|| (*route).to_owned())).collect()
}

fn logs() -> TestBatch {
    TestBatch::logs()
        .resource(json!({ "k8s.namespace.name": "payments", "tier": 1 }))
        .scope("auth", json!({ "team": "core" }))
        .log("login", json!({ "http.route": "/admin/users" }))
        .with("log", "severity_number", 9)
        .log("timeout of bank", json!({}))
        .with("log", "severity_number", 17)
        .with("log", "severity_text", "ERROR")
        .resource(json!({ "k8s.namespace.name": "web" }))
        .log(json!({ "a": "map" }), json!({ "http.route": "/" }))
        .log("slow", json!({ "ms": 1500, "cached": false }))
}

#[test]
fn each_kind_of_field_can_be_asked_for() {
    for (matches, expected) in [
        (json!({ "resource": { "k8s.namespace.name": "payments" } }), ["to", "to", "", ""]),
        (json!({ "resource": { "tier": { "exists": false } } }), ["", "", "to", "to"]),
        (json!({ "scope": { "name": "auth" } }), ["to", "to", "", ""]),
        (json!({ "scope": { "name": "" } }), ["", "", "to", "to"]),
        (json!({ "scope": { "attributes": { "team": ["core", "web"] } } }), ["to", "to", "", ""]),
        (json!({ "attributes": { "http.route": { "prefix": "/admin" } } }), ["to", "", "", ""]),
        (json!({ "attributes": { "ms": { "gt": 1000 }, "cached": false } }), ["", "", "", "to"]),
        (json!({ "log": { "severity_number": { "gte": 17 } } }), ["", "to", "", ""]),
        (json!({ "log": { "severity_number": 0 } }), ["", "", "to", "to"]),
        (json!({ "log": { "severity_number": { "exists": true } } }), ["to", "to", "", ""]),
        (json!({ "log": { "severity_number": { "exists": true, "not": 9 } } }), ["", "to", "", ""]),
        (json!({ "log": { "severity_text": "ERROR" } }), ["", "to", "", ""]),
        (json!({ "log": { "body": { "glob": "*timeout*" } } }), ["", "to", "", ""]),
        (json!({ "log": { "body": { "not": "login" } } }), ["", "to", "to", "to"]),
        (json!({ "log": { "event_name": { "exists": true } } }), ["", "", "", ""]),
        (json!({ "resource": { "tier": 1 }, "log": { "body": "login" } }), ["to", "", "", ""]),
        (json!({ "span": { "name": "x" } }), ["", "", "", ""]),
    ] {
        let config = json!({ "rules": [{ "match": matches, "route": "to" }] });
        assert_eq!(routes(Signal::Logs, &config, &logs()), named(&expected), "{matches}");
    }
}

#[test]
fn the_first_rule_that_matches_wins_and_the_rest_takes_the_default() {
    let rules = json!([
        { "match": { "log": { "severity_number": { "gte": 17 } } }, "route": "errors" },
        { "match": { "resource": { "k8s.namespace.name": "payments" } }, "route": "audit" },
        { "match": { "log": { "body": "slow" } }, "route": "errors" },
    ]);
    let expected = ["audit", "errors", "", "errors"];
    assert_eq!(routes(Signal::Logs, &json!({ "rules": rules }), &logs()), named(&expected));
    let with_default = json!({ "rules": rules, "default": "archive" });
    assert_eq!(routes(Signal::Logs, &with_default, &logs()), named(&["audit", "errors", "archive", "errors"]));
    assert_eq!(routes(Signal::Logs, &json!({ "default": "all" }), &logs()), named(&["all"; 4]));
}

#[test]
fn spans_are_asked_for_kind_and_status_by_name() {
    let spans = TestBatch::traces()
        .resource(json!({}))
        .span("GET /", json!({}))
        .with("span", "kind", 2)
        .with("span", "status.code", 2)
        .span("job", json!({}))
        .with("span", "kind", 5)
        .span("plain", json!({}));
    for (matches, expected) in [
        (json!({ "kind": "server" }), ["to", "", ""]),
        (json!({ "kind": ["consumer", 2] }), ["to", "to", ""]),
        (json!({ "kind": "unspecified" }), ["", "", "to"]),
        (json!({ "status_code": "error" }), ["to", "", ""]),
        (json!({ "status_code": { "not": "error" } }), ["", "to", "to"]),
        (json!({ "name": { "glob": "G?T *" } }), ["to", "", ""]),
    ] {
        let config = json!({ "rules": [{ "match": { "span": matches }, "route": "to" }] });
        assert_eq!(routes(Signal::Traces, &config, &spans), named(&expected), "{matches}");
    }
}

#[test]
fn data_points_go_by_their_metric_and_their_attributes() {
    let points = TestBatch::metrics()
        .resource(json!({}))
        .metric("http.requests")
        .point(json!({ "code": 500 }))
        .point(json!({ "code": 200 }))
        .metric("cpu")
        .point(json!({ "code": 500 }));
    let rule = |matches| json!({ "rules": [{ "match": matches, "route": "to" }] });
    let by_metric = rule(json!({ "metric": { "name": { "prefix": "http." } } }));
    assert_eq!(routes(Signal::Metrics, &by_metric, &points), named(&["to", "to", ""]));
    let by_both = rule(json!({ "metric": { "name": "http.requests" }, "attributes": { "code": { "gte": 500 } } }));
    assert_eq!(routes(Signal::Metrics, &by_both, &points), named(&["to", "", ""]));
}

#[test]
fn reads_only_what_the_rules_of_the_signal_name() {
    let config = json!({ "rules": [
        { "match": { "log": { "severity_number": { "gte": 17 } } }, "route": "a" },
        { "match": { "log": { "severity_number": 9 }, "resource": { "x \"y\"": 1 } }, "route": "b" },
        { "match": { "span": { "name": "x" }, "attributes": { "z": 1 } }, "route": "c" },
    ] });
    let logs = Tester::<Routing>::new(Signal::Logs, &config).unwrap();
    assert_eq!(logs.reads(), ["log.severity_number", r#"resource.attributes["x \"y\""]"#]);
    assert_eq!(logs.writes(), ["route"]);
    let traces = Tester::<Routing>::new(Signal::Traces, &config).unwrap();
    assert_eq!(traces.reads(), [r#"span.attributes["z"]"#, "span.name"]);
}

#[test]
fn a_bad_configuration_is_refused_by_the_name_of_its_key() {
    for (config, message) in [
        ("{}", "rules: there is none, and no `default` either"),
        (r#"{"default":""}"#, "default: is empty"),
        (r#"{"defualt":"x"}"#, "defualt: unknown field `defualt`"),
        (r#"{"rules":[{"route":"x"}]}"#, "rules[0]: missing field `match`"),
        (r#"{"rules":[{"match":{"resource":{"a":1}}}]}"#, "rules[0]: missing field `route`"),
        (r#"{"rules":[{"match":{"resource":{"a":1}},"route":""}]}"#, "rules[0].route: is empty"),
        (r#"{"rules":[{"match":{},"route":"x"}]}"#, "rules[0].match: is empty"),
        (r#"{"rules":[{"match":{"log":{}},"route":"x"}]}"#, "rules[0].match: is empty"),
        (r#"{"rules":[{"match":{"logs":{}},"route":"x"}]}"#, "rules[0].match.logs: unknown field `logs`"),
        (r#"{"rules":[{"match":{"log":{"bdy":1}},"route":"x"}]}"#, "rules[0].match.log.bdy: unknown field `bdy`"),
        (
            r#"{"rules":[{"match":{"resource":{"a":{"regex":"x"}}},"route":"x"}]}"#,
            "rules[0].match.resource.a: unknown field `regex`, expected one of `eq`,",
        ),
        (
            r#"{"rules":[{"match":{"resource":{"a":{}}},"route":"x"}]}"#,
            "rules[0].match.resource.a: there is no operator",
        ),
        (r#"{"rules":[{"match":{"resource":{"a":[]}},"route":"x"}]}"#, "rules[0].match.resource.a: an empty list"),
        (
            r#"{"rules":[{"match":{"resource":{"a":null}},"route":"x"}]}"#,
            "rules[0].match.resource.a: invalid type: null",
        ),
        (r#"{"rules":[{"match":{"resource":{"a":{"gt":"x"}}},"route":"x"}]}"#, "rules[0].match.resource.a"),
        (r#"{"rules":[{"match":{"span":{"kind":"srv"}},"route":"x"}]}"#, "rules[0].match.span.kind: `srv` is none of"),
        (
            r#"{"rules":[{"match":{"span":{"status_code":{"glob":"e*"}}},"route":"x"}]}"#,
            "rules[0].match.span.status_code: is compared as a number",
        ),
    ] {
        for signal in [Signal::Logs, Signal::Traces] {
            let Err(error) = Tester::<Routing>::new(signal, config) else { panic!("{config} was taken") };
            assert!(error.message().starts_with(message), "{config}: {error}");
        }
    }
}
