//! Which pipelines items go to.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::RoutingConnector;

fn tester(table: &serde_json::Value, default: &[&str]) -> Tester<RoutingConnector> {
    let config = json!({ "table": table, "default_pipelines": default });
    Tester::new(Signal::Logs, &config).unwrap_or_else(|error| panic!("{error}"))
}

fn logs() -> TestBatch {
    TestBatch::logs()
        .resource(json!({ "tenant": "acme" }))
        .log("a", json!({ "level": "audit" }))
        .log("b", json!({}))
        .resource(json!({ "tenant": "other" }))
        .log("c", json!({}))
}

#[test]
fn the_first_row_that_holds_takes_an_item() {
    let by_tenant = json!({ "condition": r#"attributes["tenant"] == "acme""#, "pipelines": ["logs/acme", "logs/all"] });
    let by_level =
        json!({ "context": "log", "condition": r#"attributes["level"] == "audit""#, "pipelines": ["logs/audit"] });
    let older = json!({ "statement": r#"route() where IsMatch(resource.attributes["tenant"], "^o")"#, "pipelines": ["logs/o"] });
    let after = tester(&json!([by_level, by_tenant, older]), &[]).process(&logs()).unwrap();
    assert_eq!(after.routes(), [Some("logs/audit"), Some("logs/acme, logs/all"), Some("logs/o")]);
    let after = tester(&json!([by_tenant, by_level]), &["logs/rest"]).process(&logs()).unwrap();
    assert_eq!(after.routes(), [Some("logs/acme, logs/all"), Some("logs/acme, logs/all"), Some("logs/rest")]);
}

#[test]
fn what_no_row_takes_is_dropped_without_default_pipelines() {
    let row = json!({ "context": "log", "condition": "log.body == \"b\"", "pipelines": ["logs/b"] });
    let after = tester(&json!([row]), &[]).process(&logs()).unwrap();
    assert_eq!(after.routes(), [Some("logs/b")]);
}

#[test]
fn a_request_is_told_by_its_metadata() {
    let row = |condition: &str| json!([{ "context": "request", "condition": condition, "pipelines": ["logs/t"] }]);
    for (condition, routes) in [
        (r#"request["X-Tenant"] == "acme""#, 3),
        (r#"request["X-Tenant"] != "acme""#, 0),
        (r#"request["X-Tenant"] != "other""#, 3),
        (r#"request["X-Other"] != "other""#, 0),
    ] {
        let mut tester = tester(&row(condition), &[]).with_metadata("x-tenant", "acme");
        assert_eq!(tester.process(&logs()).unwrap().routes().len(), routes, "{condition}");
    }
    let config = json!({ "table": row(r#"request["X-Tenant"] == "acme""#) });
    let config = serde_json::from_value(config).unwrap();
    assert_eq!(super::request_keys(&config), ["x-tenant"]);
}

#[test]
fn a_table_that_makes_no_sense_is_refused_with_its_place() {
    for (table, problem) in [
        (json!([]), "table: is empty"),
        (json!([{ "pipelines": ["a"] }]), "table[0]: has neither a condition nor a statement"),
        (json!([{ "condition": "true" }]), "table[0].pipelines: is empty"),
        (
            json!([{ "condition": "true", "pipelines": ["a"], "action": "copy" }]),
            "table[0].action: `copy` is not served",
        ),
        (json!([{ "condition": "tru", "pipelines": ["a"] }]), "table[0].condition: at column 4: expected a comparison"),
        (
            json!([{ "statement": "set(a, 1)", "pipelines": ["a"] }]),
            "table[0]: has a statement that is not `route() where`",
        ),
        (
            json!([{ "context": "request", "condition": "true", "pipelines": ["a"] }]),
            "table[0].condition: is no condition on a request",
        ),
        (json!([{ "context": "house", "condition": "true", "pipelines": ["a"] }]), "table[0].context: is none of"),
    ] {
        let error = Tester::<RoutingConnector>::new(Signal::Logs, &json!({ "table": table })).err();
        let error = error.map(|error| error.message().to_owned());
        assert!(error.as_deref().is_some_and(|error| error.starts_with(problem)), "{table}: {error:?}");
    }
}
