//! What happens to a finding.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, json};

use super::{body, scrub};

#[test]
fn each_detector_may_have_an_action_of_its_own() {
    let config = json!({
        "detectors": { "email": { "action": "replace", "placeholder": "<{name}>" }, "ipv4": null, "us_ssn": { "mask": "#" } },
        "patterns": [{ "name": "ticket", "regex": "T-\\d+", "action": "replace" }],
        "mask": "?",
    });
    assert_eq!(
        body(&config, "a@b.io 10.0.0.1 123-45-6789 T-17 4111111111111111"),
        "<email> ? # [ticket] 4111111111111111"
    );
}

#[test]
fn a_check_can_be_left_out() {
    let config = json!({ "detectors": { "us_ssn": { "verify": false } } });
    assert_eq!(body(&config, "000-45-6789"), "****");
}

#[test]
fn equal_values_have_equal_hashes_under_one_key() {
    let config = |key: &str| json!({ "action": "hash", "hash": { "key": key, "length": 32 } });
    let hashed = body(&config("0123456789abcdef"), "a@b.io");
    // From Python's `hmac.new(b"0123456789abcdef", b"a@b.io", "sha256").hexdigest()[:32]`.
    assert_eq!(hashed, "225e6edf6133800070ca8a1993911c5b");
    assert_eq!(body(&config("0123456789abcdef"), "a@b.io c@d.io a@b.io").matches(&hashed).count(), 2);
    assert_ne!(body(&config("another key of 16"), "a@b.io"), hashed);
}

#[test]
fn drop_takes_what_has_the_finding_and_leaves_the_rest() {
    let batch = TestBatch::logs().resource(json!({})).log(
        "mail a@b.io",
        json!({ "to": "a@b.io", "cc": ["x", "a@b.io"], "deep": { "to": "a@b.io", "n": 1 }, "k a@b.io": 1 }),
    );
    let after = scrub(Signal::Logs, &json!({ "action": "drop" })).process(&batch).unwrap();
    assert_eq!(after.to_string(), "resource attributes={}\n  scope\n    log attributes={cc: [\"x\"], deep: {n: 1}}\n");
}

#[test]
fn a_key_with_a_finding_goes_with_its_value_where_that_is_dropped() {
    let config = json!({ "detectors": { "email": {}, "ipv4": { "action": "drop" } } });
    let batch = TestBatch::logs().resource(json!({})).log("", json!({ "of a@b.io": ["10.0.0.1", "x"], "b": "a@b.io" }));
    let after = scrub(Signal::Logs, &config).process(&batch).unwrap();
    assert_eq!(after.field("log", 0, "attributes"), Some(&json!({ "b": "****" }).into()));
}

#[test]
fn drop_item_drops_the_row_and_edits_nothing_under_it() {
    let config = json!({ "detectors": { "email": {}, "us_ssn": { "action": "drop_item" } } });
    let batch = TestBatch::traces()
        .resource(json!({}))
        .span("of 123-45-6789 a@b.io", json!({ "to": "a@b.io" }))
        .event("a@b.io 123-45-6789", json!({ "to": "a@b.io" }))
        .span("of a@b.io", json!({}))
        .event("a@b.io 123-45-6789", json!({}))
        .event("a@b.io", json!({}));
    let mut scrub = scrub(Signal::Traces, &config);
    assert_eq!(
        scrub.process(&batch).unwrap().to_string(),
        "resource attributes={}\n  scope\n    span name=\"of ****\" attributes={}\n      spanevent name=\"****\" attributes={}\n"
    );
    let counters = scrub.counters();
    assert_eq!((counters["dropped_rows"], counters["redacted_us_ssn"], counters["redacted_email"]), (2, 3, 2));
}

#[test]
fn drop_item_in_a_resource_drops_all_that_is_under_it() {
    let config = json!({ "detectors": { "email": { "action": "drop_item" } } });
    let batch = TestBatch::logs()
        .resource(json!({ "owner": "a@b.io" }))
        .log("a@b.io", json!({}))
        .resource(json!({}))
        .log("fine", json!({}));
    let after = scrub(Signal::Logs, &config).process(&batch).unwrap();
    assert_eq!(after.to_string(), "resource attributes={}\n  scope\n    log body=\"fine\" attributes={}\n");
}

#[test]
fn findings_that_overlap_are_covered_whole() {
    let config = json!({
        "detectors": { "email": { "action": "replace" } },
        "patterns": [
            { "name": "host", "regex": r"b\.io and more", "action": "replace" },
            { "name": "login", "regex": "login", "action": "replace" },
        ],
    });
    assert_eq!(body(&config, "to a@b.io and more"), "to [host]");
    assert_eq!(body(&config, "to login@b.io!"), "to [email]!");
}

#[test]
fn the_audit_counts_by_item_and_spares_what_was_not_changed() {
    let config = json!({ "audit": { "attribute": "tidegate.redacted" } });
    let batch = TestBatch::traces()
        .resource(json!({ "ip": "10.0.0.1" }))
        .span("a@b.io and c@d.io", json!({ "ip": "10.0.0.1" }))
        .event("a@b.io", json!({}))
        .span("fine", json!({}))
        .span("a@b.io", json!({ "tidegate.redacted": "by 10.0.0.1" }));
    let after = scrub(Signal::Traces, &config).process(&batch).unwrap();
    let told = |context, row| after.attribute(context, row, "tidegate.redacted").map(ToString::to_string);
    assert_eq!(told("resource", 0).as_deref(), Some("\"ipv4=1\""));
    assert_eq!(told("span", 0).as_deref(), Some("\"email=3,ipv4=1\""));
    assert_eq!(told("span", 1), None);
    assert_eq!(told("span", 2).as_deref(), Some("\"by ****\""));
    assert_eq!(told("spanevent", 0), None);
}
