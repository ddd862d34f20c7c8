//! What is left of personal data, for each way to configure it.

mod actions;

mod keys;

mod refusals;

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::PiiScrub;

fn scrub(signal: Signal, config: &(impl ToString + ?Sized)) -> Tester<PiiScrub> {
    Tester::new(signal, config).unwrap()
}

/// What becomes of a log body.
fn body(config: &(impl ToString + ?Sized), text: &str) -> String {
    let batch = TestBatch::logs().resource(json!({})).log(text, json!({}));
    let after = scrub(Signal::Logs, config).process(&batch).unwrap();
    let shown = after.field("log", 0, "body").map(ToString::to_string);
    shown.map_or_else(String::new, |shown| shown.trim_matches('"').to_owned())
}

#[test]
fn each_detector_finds_its_kind_and_leaves_what_only_looks_like_it() {
    for (before, after) in [
        ("mail ada.lovelace+x@mail.example.co.uk now", "mail [email] now"),
        ("an rené@exämple.de, 用户@例子.广告", "an [email], [email]"),
        ("user@localhost or a@b or @home", "user@localhost or a@b or @home"),
        ("card 4111 1111 1111 1111.", "card [payment_card]."),
        ("order 4111 1111 1111 1112, id 1735689600000", "order 4111 1111 1111 1112, id 1735689600000"),
        ("1234 4111 1111 1111 1111", "1234 [payment_card]"),
        ("ssn 123-45-6789", "ssn [us_ssn]"),
        ("part 000-45-6789", "part 000-45-6789"),
        ("call +49 30 1234567 or (212) 555-0123", "call [phone] or [phone]"),
        ("at 2026-01-02T03:04:05+10:00", "at 2026-01-02T03:04:05+10:00"),
        ("from 192.168.0.1:8080", "from [ipv4]:8080"),
        ("release 1.22.333.4444 or 300.1.2.3.4", "release 1.22.333.4444 or 300.[ipv4]"),
        ("via [2001:db8::1]:443 at 12:34:56", "via [[ipv6]]:443 at 12:34:56"),
        ("mapped ::ffff:192.0.2.1", "mapped [ipv6]"),
        ("addr:2001:db8::1: no route", "addr:[ipv6]: no route"),
        ("std::fmt and 00:1a:2b:3c:4d:5e", "std::fmt and 00:1a:2b:3c:4d:5e"),
        ("t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_1", "t [jwt]"),
        ("key AKIAIOSFODNN7EXAMPLE", "key [cloud_key]"),
        ("ghp_0123456789012345678901234567890123456789", "[cloud_key]"),
        ("xoxb-1234567890-abc", "[cloud_key]"),
        ("Authorization: Bearer 0123456789abcdef0123", "Authorization: Bearer [bearer_token]"),
        ("the bearer of this", "the bearer of this"),
    ] {
        assert_eq!(body(&json!({ "action": "replace" }), before), after, "{before}");
    }
}

#[test]
fn scrubs_logs_wherever_text_stands() {
    let batch = TestBatch::logs()
        .resource(json!({ "host.ip": ["10.0.0.1", "up"] }))
        .scope("s", json!({ "by": "a@b.io" }))
        .log(
            json!({ "user": { "mail": "a@b.io", "n": 1 }, "all": ["x", "a@b.io"] }),
            json!({ "k a@b.io": 1, "ok": "x" }),
        )
        .with("log", "event_name", "sent to a@b.io");
    assert_eq!(
        scrub(Signal::Logs, "{}").process(&batch).unwrap().to_string(),
        concat!(
            "resource attributes={host.ip: [\"****\", \"up\"]}\n",
            "  scope name=\"s\" attributes={by: \"****\"}\n",
            "    log body={all: [\"x\", \"****\"], user: {mail: \"****\", n: 1}}",
            " attributes={k ****: 1, ok: \"x\"} event_name=\"sent to ****\"\n",
        )
    );
}

#[test]
fn scrubs_spans_with_their_events_and_links() {
    let batch = TestBatch::traces()
        .resource(json!({}))
        .span("GET /users/a@b.io", json!({ "net.peer.ip": "10.0.0.1" }))
        .with("span", "status.message", "no such a@b.io")
        .event("mail a@b.io", json!({ "to": "a@b.io" }))
        .link(json!({ "to": "a@b.io" }));
    assert_eq!(
        scrub(Signal::Traces, "{}").process(&batch).unwrap().to_string(),
        concat!(
            "resource attributes={}\n  scope\n",
            "    span name=\"GET /users/****\" attributes={net.peer.ip: \"****\"} status.message=\"no such ****\"\n",
            "      spanevent name=\"mail ****\" attributes={to: \"****\"}\n",
            "      spanlink attributes={to: \"****\"}\n",
        )
    );
}

#[test]
fn scrubs_data_points_with_their_exemplars() {
    let batch = TestBatch::metrics()
        .resource(json!({ "ip": "10.0.0.1" }))
        .metric("logins")
        .with("metric", "metadata", json!({ "owner": "a@b.io" }))
        .point(json!({ "user": "a@b.io" }))
        .exemplar(json!({ "user": "a@b.io" }));
    assert_eq!(
        scrub(Signal::Metrics, "{}").process(&batch).unwrap().to_string(),
        concat!(
            "resource attributes={ip: \"****\"}\n  scope\n    metric name=\"logins\" metadata={owner: \"****\"}\n",
            "      datapoint attributes={user: \"****\"}\n        exemplar attributes={user: \"****\"}\n",
        )
    );
}

#[test]
fn looks_only_where_it_is_told_to() {
    let scrub = scrub(Signal::Logs, &json!({ "fields": ["log.body", "span.name"] }));
    assert_eq!(scrub.reads(), ["log.body[**]"]);
    assert_eq!(scrub.writes(), ["log.body[**]"]);
}

#[test]
fn is_not_called_for_a_batch_without_a_match() {
    let mut scrub = scrub(Signal::Logs, "{}");
    let batch = TestBatch::logs().resource(json!({ "service.name": "checkout" })).log("all is well", json!({}));
    assert_eq!(scrub.process(&batch), Ok(batch.clone()));
    assert_eq!(scrub.calls(), 0);
}

#[test]
fn counts_what_it_found_by_kind() {
    let mut scrub = scrub(Signal::Logs, "{}");
    let batch = TestBatch::logs().resource(json!({})).log("a@b.io, c@d.io, 10.0.0.1", json!({}));
    scrub.process(&batch).unwrap();
    let counters = scrub.counters();
    assert_eq!(counters.into_iter().collect::<Vec<_>>(), [("redacted_email".into(), 2), ("redacted_ipv4".into(), 1)]);
}

#[test]
fn the_configuration_of_the_bench_does_what_the_collector_does() {
    let config = json!({
        "detectors": [],
        "patterns": [
            { "name": "email", "regex": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}" },
            { "name": "card", "regex": r"\b(?:\d{4}[- ]?){3}\d{4}\b" },
            { "name": "ssn", "regex": r"\b\d{3}-\d{2}-\d{4}\b" },
            { "name": "ipv4", "regex": r"\b(?:\d{1,3}\.){3}\d{1,3}\b" },
        ],
        "fields": ["log.body", "log.attributes", "resource.attributes", "scope.attributes"],
    });
    let text = "a@b.io 1234567812345678 000-00-0000 999.1.1.1 and 1.2.3";
    assert_eq!(body(&config, text), "**** **** **** **** and 1.2.3");
}
