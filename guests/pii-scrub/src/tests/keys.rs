//! Keys that are blocked, and keys that are left alone.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{Any, TestBatch, json};

use super::scrub;

/// What becomes of the attributes of a log record.
fn attributes(config: &serde_json::Value, attributes: serde_json::Value) -> String {
    let batch = TestBatch::logs().resource(Any::Empty).log("", attributes);
    let after = scrub(Signal::Logs, config).process(&batch).unwrap();
    after.field("log", 0, "attributes").map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_blocked_key_goes_with_whatever_it_has() {
    let config = json!({ "detectors": [], "blocked_keys": ["password", "*secret*", "a.b"] });
    let before = json!({
        "password": "x", "db.SECRET.n": 7, "axb": 1, "passwords": 2,
        "my_secrets": { "inner": "x" }, "list": [{ "password": true, "ok": 1 }],
    });
    assert_eq!(attributes(&config, before), "{axb: 1, list: [{ok: 1}], passwords: 2}");
}

#[test]
fn nothing_is_edited_in_what_is_blocked() {
    let config = json!({ "blocked_keys": ["password"] });
    let before = json!({ "password": ["a@b.io", "x"], "user": { "password": "a@b.io", "mail": "a@b.io" } });
    assert_eq!(attributes(&config, before), "{user: {mail: \"****\"}}");
}

#[test]
fn nothing_is_edited_or_removed_in_what_goes_already_however_deep() {
    let config = json!({ "detectors": ["email"], "blocked_keys": ["secret*", "password"] });
    let before = json!({
        "secret": { "password": "x", "user": { "secrets": ["a@b.io", { "password": 1 }], "mail": "a@b.io" } },
        "list": [{ "secret": { "secret": "a@b.io", "k a@b.io": "x" } }, { "password": "x", "to": "a@b.io" }],
        "user": { "secrets": 1, "mail": "a@b.io" },
    });
    assert_eq!(attributes(&config, before.clone()), "{list: [{}, {to: \"****\"}], user: {mail: \"****\"}}");
    let mut scrub = scrub(Signal::Logs, &config);
    scrub.process(&TestBatch::logs().resource(Any::Empty).log(before, json!({}))).unwrap();
    let counters = scrub.counters();
    assert_eq!((counters["redacted_blocked_key"], counters["redacted_email"]), (4, 2));
}

#[test]
fn a_finding_that_drops_takes_what_is_in_it_along() {
    let config = json!({ "detectors": ["email"], "action": "drop" });
    let before = json!({
        "k a@b.io": { "x": "a@b.io", "l a@b.io": ["a@b.io"], "y": ["a@b.io"] },
        "x": { "m a@b.io": "a@b.io", "z": ["a@b.io", "z"] },
    });
    assert_eq!(attributes(&config, before), "{x: {z: [\"z\"]}}");
}

#[test]
fn a_key_of_the_same_name_elsewhere_is_no_part_of_what_goes() {
    let config = json!({ "detectors": { "email": {}, "ipv4": { "action": "drop" } } });
    let before = json!({ "a@b.io": "10.0.0.1", "x": { "a@b.io": "y" } });
    assert_eq!(attributes(&config, before), "{x: {****: \"y\"}}");
}

#[test]
fn a_blocked_value_can_be_masked_where_its_key_is_the_attributes_own() {
    let config = json!({ "detectors": ["email"], "blocked_keys": ["pin", "pass*"], "blocked_action": "mask" });
    let before = json!({
        "pin": 1234, "passphrase": "of a@b.io", "password": { "a": "b" }, "user": { "passwd": "x", "n": 1 }, "pint": 5,
    });
    assert_eq!(attributes(&config, before), "{passphrase: \"****\", pin: \"****\", pint: 5, user: {n: 1}}");
}

#[test]
fn blocked_keys_are_counted() {
    let batch = TestBatch::logs().resource(json!({ "pin": 1 })).log(json!({ "pin": 1 }), json!({ "pin": 1 }));
    for action in ["remove", "mask"] {
        let config = json!({ "detectors": [], "blocked_keys": ["pin"], "blocked_action": action });
        let mut scrub = scrub(Signal::Logs, &config);
        scrub.process(&batch).unwrap();
        assert_eq!(scrub.counters()["redacted_blocked_key"], 3, "{action}");
    }
}

#[test]
fn an_allowed_key_is_left_alone() {
    let config = json!({ "allowed_keys": ["peer.*", "trace@b.io"] });
    let before = json!({ "peer.ip": ["10.0.0.1"], "ip": "10.0.0.1", "trace@b.io": 1, "x": { "peer.mail": "a@b.io" } });
    assert_eq!(
        attributes(&config, before),
        "{ip: \"****\", peer.ip: [\"10.0.0.1\"], trace@b.io: 1, x: {peer.mail: \"a@b.io\"}}"
    );
}

#[test]
fn a_body_is_under_no_key_and_never_allowed() {
    assert_eq!(super::body(&json!({ "allowed_keys": ["*"] }), "mail a@b.io"), "mail ****");
}

#[test]
fn blocked_wins_over_allowed() {
    let config = json!({ "blocked_keys": ["peer.secret"], "allowed_keys": ["peer.*"] });
    assert_eq!(attributes(&config, json!({ "peer.secret": "x", "peer.ip": "10.0.0.1" })), "{peer.ip: \"10.0.0.1\"}");
}
