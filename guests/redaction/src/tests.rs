//! What is left of attributes and bodies, as the Collector's processor leaves them.

mod bodies;

mod duplicates;

mod sequence;

use tidegate_sdk::testing::{Any, TestBatch, Tester, json};
use tidegate_sdk::{Error, Signal};

use super::Redaction;

fn tester(signal: Signal, config: &serde_json::Value) -> Result<Tester<Redaction>, Error> {
    Tester::new(signal, config)
}

/// What becomes of the attributes of a span.
fn attributes(config: &serde_json::Value, attributes: &serde_json::Value) -> serde_json::Value {
    let batch = TestBatch::traces().resource(json!({})).span("s", attributes.clone());
    let after = tester(Signal::Traces, config).unwrap().process(&batch);
    let after = after.unwrap_or_else(|error| panic!("{config} of {attributes}: {error}"));
    let entries = after.field("span", 0, "attributes").cloned().unwrap_or(Any::Empty).into_entries();
    serde_json::to_value(Any::Map(entries)).unwrap()
}

const CARD: &str = r"4\d{3}";

#[test]
fn keys_that_are_not_allowed_go_and_an_empty_list_allows_none() {
    let before = json!({ "a": 1, "b": { "c": 1 }, "d": "x", "redaction.masked.count": 3 });
    let config = json!({ "allowed_keys": ["a"] });
    assert_eq!(attributes(&config, &before), json!({ "a": 1, "redaction.masked.count": 3 }));
    assert_eq!(attributes(&json!({}), &before), json!({ "redaction.masked.count": 3 }));
    assert_eq!(attributes(&json!({ "allow_all_keys": true }), &before), before);
}

#[test]
fn blocked_values_are_masked_where_they_are_text() {
    let config = json!({ "allow_all_keys": true, "blocked_values": [CARD, "secret"] });
    let before = json!({ "a": "4111 x 4222", "n": 4111, "m": { "in": "4111" }, "l": ["4111"], "s": "a secret" });
    let after = json!({ "a": "**** x ****", "n": 4111, "m": { "in": "4111" }, "l": ["4111"], "s": "a ****" });
    assert_eq!(attributes(&config, &before), after);
}

#[test]
fn all_types_are_text_when_they_are_told_to() {
    let config = json!({ "allow_all_keys": true, "redact_all_types": true, "blocked_values": [CARD, "true"] });
    let before = json!({ "n": 41110, "d": 4111.5, "b": true, "o": 5, "m": { "k": 4111, "a": "x" }, "l": [1] });
    let after = json!({ "n": "****0", "d": "****.5", "b": "****", "o": 5, "m": r#"{"a":"x","k":****}"#, "l": [1] });
    assert_eq!(attributes(&config, &before), after);
}

#[test]
fn allowed_values_are_left_whatever_is_blocked() {
    let config = json!({
        "allow_all_keys": true, "blocked_values": ["@"], "allowed_values": [".+@mine.io"],
        "blocked_key_patterns": [".*token.*"], "summary": "debug",
    });
    let before = json!({ "a": "x@mine.io", "b": "x@yours.io", "my.token": "t@mine.io", "token": "t" });
    assert_eq!(
        attributes(&config, &before),
        json!({
            "a": "x@mine.io", "b": "x****yours.io", "my.token": "t@mine.io", "token": "****",
            "redaction.masked.keys": "b,token", "redaction.masked.count": 2,
            "redaction.allowed.keys": "a,my.token", "redaction.allowed.count": 2,
        })
    );
}

#[test]
fn ignored_keys_are_left_before_anything_else() {
    let config = json!({
        "allowed_keys": ["kept"], "ignored_keys": ["safe"], "ignored_key_patterns": ["^x\\."],
        "blocked_values": [CARD], "summary": "info",
    });
    let before = json!({ "kept": "4111", "safe": "4111", "x.y": "4111", "gone": "4111", "gone.too": 1 });
    assert_eq!(
        attributes(&config, &before),
        json!({
            "kept": "****", "safe": "4111", "x.y": "4111", "redaction.masked.count": 1,
            "redaction.redacted.count": 2, "redaction.ignored.count": 2,
        })
    );
}

#[test]
fn values_of_blocked_keys_are_masked_whatever_they_are() {
    let config = json!({ "allow_all_keys": true, "blocked_key_patterns": ["token", "^pin$"] });
    let before = json!({ "api_token": "abc", "pin": 1234, "tokens": ["a"], "spin": 1, "token": "two\nlines\n" });
    let after = json!({ "api_token": "****", "pin": "****", "tokens": "****", "spin": 1, "token": "****\n****\n****" });
    assert_eq!(attributes(&config, &before), after);
}

#[test]
fn what_another_one_has_told_is_added_to() {
    let config = json!({ "allow_all_keys": true, "blocked_values": [CARD], "summary": "debug" });
    let before = json!({ "z": "4111", "redaction.masked.keys": "y,a", "redaction.masked.count": 2 });
    let after = json!({ "z": "****", "redaction.masked.keys": "a,y,z", "redaction.masked.count": 3 });
    assert_eq!(attributes(&config, &before), after);
    // What it has told is masked like anything else, and added to as it is then.
    let before = json!({ "z": "4111", "redaction.masked.keys": "y,4111", "redaction.masked.count": 2 });
    let after = json!({
        "z": "****", "redaction.masked.keys": "****,redaction.masked.keys,y,z", "redaction.masked.count": 4,
    });
    assert_eq!(attributes(&config, &before), after);
    // What the Collector does not allow on its own goes first, and is then written anew.
    let config = json!({ "allowed_keys": ["a"], "allowed_values": ["^ok"], "summary": "debug" });
    assert_eq!(
        attributes(&config, &json!({ "a": "ok", "redaction.allowed.keys": "x" })),
        json!({
            "a": "ok", "redaction.redacted.keys": "redaction.allowed.keys", "redaction.redacted.count": 1,
            "redaction.allowed.keys": "a", "redaction.allowed.count": 1,
        })
    );
}

#[test]
fn hashes_take_the_place_of_masks() {
    let key = "k".repeat(64);
    for (function, hash) in [
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("SHA1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha3", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
    ] {
        let config = json!({ "allow_all_keys": true, "blocked_values": ["abc"], "hash_function": function });
        assert_eq!(attributes(&config, &json!({ "a": "<abc>" })), json!({ "a": format!("<{hash}>") }));
    }
    for (function, digits) in [("hmac-sha256", 64), ("hmac-sha512", 128)] {
        let config =
            json!({ "allow_all_keys": true, "blocked_values": ["abc"], "hash_function": function, "hmac_key": key });
        let after = attributes(&config, &json!({ "a": "abc" }));
        assert_eq!(after["a"].as_str().unwrap().len(), digits, "{function}");
        let short = json!({ "hash_function": function, "hmac_key": "short" });
        assert_eq!(tester(Signal::Logs, &short).err().unwrap().key(), Some("hmac_key"));
    }
}

#[test]
fn resources_scopes_spans_and_events_are_redacted_and_links_and_names_are_not() {
    let config = json!({ "allow_all_keys": true, "blocked_values": ["x"] });
    let with = || json!({ "a": "x" });
    let batch =
        TestBatch::traces().resource(with()).scope("x", with()).span("x", with()).event("x", with()).link(with());
    assert_eq!(
        tester(Signal::Traces, &config).unwrap().process(&batch).unwrap().to_string(),
        concat!(
            "resource attributes={a: \"****\"}\n  scope name=\"x\" attributes={a: \"****\"}\n",
            "    span name=\"x\" attributes={a: \"****\"}\n      spanevent name=\"x\" attributes={a: \"****\"}\n",
            "      spanlink attributes={a: \"x\"}\n",
        )
    );
    let batch = TestBatch::metrics().resource(with()).metric("x").point(with()).exemplar(with());
    assert_eq!(
        tester(Signal::Metrics, &config).unwrap().process(&batch).unwrap().to_string(),
        concat!(
            "resource attributes={a: \"****\"}\n  scope\n    metric name=\"x\"\n",
            "      datapoint attributes={a: \"****\"}\n        exemplar attributes={a: \"x\"}\n",
        )
    );
}

#[test]
fn values_alone_are_looked_for_by_the_host() {
    let config = json!({ "allow_all_keys": true, "blocked_values": [CARD] });
    let mut tester = tester(Signal::Logs, &config).unwrap();
    let batch = TestBatch::logs().resource(json!({ "a": "b" })).log("all is well", json!({ "n": 1 }));
    assert_eq!(tester.process(&batch), Ok(batch.clone()));
    assert_eq!(tester.calls(), 0);
    assert_eq!(tester.reads(), ["resource.attributes[*]", "scope.attributes[*]", "log.attributes[*]", "log.body[**]"]);
}

#[test]
fn what_is_not_served_or_makes_no_sense_is_named() {
    for (config, key) in [
        (json!({ "url_sanitizer": { "enabled": true, "attributes": ["url"] } }), "url_sanitizer"),
        (json!({ "db_sanitizer": { "sql": { "enabled": true } } }), "db_sanitizer"),
        (json!({ "summary": "loud" }), "summary"),
        (json!({ "hash_function": "sha2" }), "hash_function"),
        (json!({ "hash_function": "hmac-sha256" }), "hmac_key"),
        (json!({ "blocked_values": ["a", ""] }), "blocked_values[1]"),
        (json!({ "blocked_values": ["a", r"\pL"] }), "blocked_values[1]"),
        (json!({ "blocked_key_patterns": [r"\pL"] }), "blocked_key_patterns[0]"),
    ] {
        assert_eq!(tester(Signal::Logs, &config).err().unwrap().key(), Some(key), "{config}");
    }
    assert!(tester(Signal::Logs, &json!({ "url_sanitizer": { "enabled": false } })).is_ok());
    assert!(tester(Signal::Logs, &json!({ "blocked_values": [r"\pL"] })).is_ok());
}

#[test]
fn a_list_of_keys_may_be_longer_than_one_pattern() {
    let keys: Vec<String> = (0..400).map(|at| format!("a.long.name.of.a.key.{at}")).collect();
    let config = json!({
        "allow_all_keys": true, "ignored_keys": keys, "blocked_values": [CARD], "summary": "info",
    });
    let before = json!({ "a.long.name.of.a.key.0": "4111", "a.long.name.of.a.key.399": "4111", "b": "4111" });
    let after = json!({
        "a.long.name.of.a.key.0": "4111", "a.long.name.of.a.key.399": "4111", "b": "****",
        "redaction.masked.count": 1, "redaction.ignored.count": 2,
    });
    assert_eq!(attributes(&config, &before), after);
}
