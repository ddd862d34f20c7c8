//! Bodies: texts, other scalars, lists and maps.

use super::{Any, Signal, TestBatch, json, tester};

/// What becomes of a record: body and attributes.
fn record(config: &serde_json::Value, body: &serde_json::Value) -> (String, String) {
    let batch = TestBatch::logs().resource(json!({})).log(body.clone(), json!({}));
    let after = tester(Signal::Logs, config).unwrap().process(&batch);
    let after = after.unwrap_or_else(|error| panic!("{config} of {body}: {error}"));
    let field = |name: &str| after.field("log", 0, name).map(ToString::to_string).unwrap_or_default();
    (field("body"), field("attributes"))
}

#[test]
fn scalars_are_masked_as_text_wherever_they_are() {
    let config = json!({ "allow_all_keys": true, "blocked_values": [r"4\d{3}", "ab"] });
    for (before, after) in [
        (json!("card 4111, abc"), "\"card ****, ****c\""),
        (json!(41112), "\"****2\""),
        (json!(1.5), "1.5"),
        (
            json!({ "a": "x 4111", "n": { "l": [4111, "ok", true] } }),
            "{a: \"x ****\", n: {l: [\"****\", \"ok\", true]}}",
        ),
        (json!(["ab", { "k": "ab" }]), "[\"****\", {k: \"****\"}]"),
        (json!({ "ab": 1 }), "{ab: 1}"),
    ] {
        assert_eq!(record(&config, &before).0, after, "{before}");
    }
}

#[test]
fn keys_have_their_fate_at_any_depth_and_the_way_to_them_is_told() {
    let config = json!({
        "allowed_keys": ["a", "b", "card", "list", "token"], "ignored_keys": ["safe"],
        "blocked_key_patterns": ["token"], "blocked_values": ["4111"], "allowed_values": ["^fine"], "summary": "debug",
    });
    let body = json!({
        "a": { "b": { "card": "4111", "gone": 1 }, "safe": "4111", "token": 5 },
        "list": ["4111", { "card": "fine 4111" }, [4111]],
        "gone": { "card": "4111" },
    });
    let (body, attributes) = record(&config, &body);
    assert_eq!(
        body,
        concat!(
            "{a: {b: {card: \"****\"}, safe: \"4111\", token: \"****\"}, ",
            "list: [\"****\", {card: \"fine 4111\"}, [\"****\"]]}"
        )
    );
    assert_eq!(
        attributes,
        concat!(
            "{redaction.body.redacted.keys: \"a.b.gone,gone\", redaction.body.redacted.count: 2, ",
            "redaction.body.masked.keys: \"a.b.card,a.token,list.[0],list.[2].[0]\", redaction.body.masked.count: 4, ",
            "redaction.body.allowed.keys: \"list.[1].card\", redaction.body.allowed.count: 1, ",
            "redaction.body.ignored.count: 1}"
        )
    );
}

#[test]
fn a_body_that_is_a_scalar_is_told_of_as_body() {
    let config =
        json!({ "allow_all_keys": true, "blocked_values": ["4111"], "allowed_values": ["^fine"], "summary": "info" });
    assert_eq!(record(&config, &json!("4111")), ("\"****\"".into(), "{redaction.body.masked.count: 1}".into()));
    assert_eq!(record(&config, &json!("fine 4111")), ("\"fine 4111\"".into(), "{}".into()));
    assert_eq!(record(&config, &json!(["x"])), ("[\"x\"]".into(), "{}".into()));
}

#[test]
fn what_was_done_to_attributes_and_body_is_told_apart() {
    let config = json!({ "allow_all_keys": true, "blocked_values": ["4111"], "summary": "debug" });
    let batch = TestBatch::logs().resource(json!({})).log(json!({ "k": "4111" }), json!({ "a": "4111", "b": "x" }));
    let after = tester(Signal::Logs, &config).unwrap().process(&batch).unwrap();
    assert_eq!(
        after.field("log", 0, "attributes").unwrap().to_string(),
        concat!(
            "{a: \"****\", b: \"x\", redaction.masked.keys: \"a\", redaction.masked.count: 1, ",
            "redaction.body.masked.keys: \"k\", redaction.body.masked.count: 1}"
        )
    );
}

#[test]
fn every_match_of_a_body_is_masked_where_all_types_are_text() {
    let config = json!({ "allow_all_keys": true, "redact_all_types": true, "blocked_values": [r"4\d{3}"] });
    for (before, after) in [
        (json!(["4111", "x", 4222, "4333"]), "[\"****\", \"x\", \"****\", \"****\"]"),
        (json!({ "a": "4111", "b": { "c": "on 4222" } }), "{a: \"****\", b: {c: \"on ****\"}}"),
    ] {
        assert_eq!(record(&config, &before).0, after, "{before}");
    }
}

#[test]
fn scalars_that_are_not_looked_at_leave_their_likes_what_they_are() {
    let config = json!({
        "allow_all_keys": true, "blocked_values": ["4111", "^$"], "ignored_keys": ["a"],
        "blocked_key_patterns": ["token"], "summary": "debug",
    });
    let before =
        json!({ "a": { "n": ["4111", 4111] }, "b_token": ["4111"], "c": null, "d": 4111, "e": "", "f": "x 4111" });
    let (body, attributes) = record(&config, &before);
    assert_eq!(
        body,
        concat!(
            "{a: {n: [\"4111\", 4111]}, b_token: \"****\", ",
            "c: \"****\", d: \"****\", e: \"****\", f: \"x ****\"}"
        )
    );
    assert_eq!(
        attributes,
        concat!(
            "{redaction.body.masked.keys: \"b_token,c,d,e,f\", redaction.body.masked.count: 5, ",
            "redaction.body.ignored.count: 1}"
        )
    );
}

#[test]
fn a_body_of_many_matches_is_gone_through_once() {
    let config = json!({ "allow_all_keys": true, "blocked_values": ["a"], "summary": "info" });
    let items = |with: &str| Any::List((0..50_000).map(|at| Any::from(format!("{with} {at}").as_str())).collect());
    let batch = TestBatch::logs().resource(json!({})).log(items("a"), json!({}));
    let after = tester(Signal::Logs, &config).unwrap().process(&batch).unwrap();
    assert_eq!(after.field("log", 0, "body"), Some(&items("****")));
}

#[test]
fn what_matches_is_edited_where_it_lies_and_nothing_else_is_written() {
    let long = "long ".repeat(10_000);
    let mut config = json!({ "allow_all_keys": true, "blocked_values": [r"4\d{3}"] });
    let texts = [json!(long.clone() + "4111"), json!({ "a": [long.clone(), long.clone() + "4111", 4222] })];
    for summary in ["silent", "info"] {
        config["summary"] = json!(summary);
        for body in &texts {
            let batch = TestBatch::logs().resource(json!({})).log(body.clone(), json!({}));
            let mut tester = tester(Signal::Logs, &config).unwrap();
            let after = tester.process(&batch).unwrap();
            assert!(after.field("log", 0, "body").unwrap().printed().contains("****"));
            assert!(tester.written() < 100, "{} bytes were written", tester.written());
        }
    }
}
