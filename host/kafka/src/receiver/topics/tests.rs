//! Which patterns are understood by the client as they are here.

use host_config::Value;

use super::{Topics, posix};
use crate::receiver::Config;

#[test]
fn patterns_are_those_that_posix_and_rust_have_in_common() {
    for pattern in
        ["^otlp", r"^otlp\.logs$", "^(a|b)+c*d?e{2,3}$", "^[][:alpha:]_-]+[^]x]$", r"^a\-b\\", r"^a\++$", r"^[a]+[b]?$"]
    {
        assert_eq!(posix::check(pattern), Ok(()), "{pattern}");
        assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
    }
    for (pattern, way_out) in [
        (r"^logs-\d+", "[0-9]"),
        (r"^logs-\w+", "[A-Za-z0-9_]"),
        (r"^logs\s", "spaces"),
        (r"^logs\b", "spaces"),
        (r"^\x41", "write `x`"),
        ("^(?i)logs", "[Aa]"),
        ("^(?:a|b)", "(…)"),
        ("^a*?b", "take the `?` out"),
        ("^a+?b", "take the `?` out"),
        ("^a{2}?b", "take the `?` out"),
        ("^a??b", "take the `?` out"),
        ("^a*+b", "take the `+` out"),
        ("^a{,3}", "{0,"),
        (r"^[a\-z]", "last"),
        ("^[a[bc]]", "take it out"),
        ("^[[:^alpha:]]", "[^[:alpha:]]"),
        ("^[a-z&&b]", "that are meant"),
    ] {
        let told = posix::check(pattern).unwrap_err();
        assert!(told.contains(way_out), "{pattern}: {told}");
    }
}

fn topics(text: &str) -> Result<Topics, String> {
    let config: Config = Value::parse("test.yaml", text).unwrap().decode().unwrap();
    Topics::new(&config).map_err(|wrong| wrong.to_string())
}

#[test]
fn a_pattern_is_refused_that_the_client_would_understand_otherwise() {
    let told = topics(r"{logs: {topics: ['^logs-\d+']}}").unwrap_err();
    assert!(told.starts_with("logs.topics: ") && told.contains("`[0-9]`"), "{told}");
    let told = topics(r"{logs: {topics: ['^logs'], exclude_topics: ['\w']}}").unwrap_err();
    assert!(told.starts_with("logs.exclude_topics: "), "{told}");
}

#[test]
fn nothing_is_left_out_that_is_named_for_another_signal() {
    let told =
        topics("{logs: {topics: ['^app-'], exclude_topics: ['spans']}, traces: {topics: [app-spans]}}").unwrap_err();
    assert!(told.starts_with("logs.exclude_topics: ") && told.contains("\"app-spans\""), "{told}");
    assert!(topics("{logs: {topics: ['^app-'], exclude_topics: ['^app-a$']}, traces: {topics: [app-spans]}}").is_ok());
}
