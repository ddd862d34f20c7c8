//! The configuration by example; what goes over the wire is in `tests/it`.

mod bad_events;

use host_config::Check as _;

use super::Config;

fn config(section: &str) -> Config {
    serde_json::from_str(section).unwrap()
}

#[test]
fn the_addresses_follow_from_the_endpoint() {
    for (endpoint, event, raw, ack) in [
        ("https://s:8088", "/services/collector", "/services/collector/raw", "/services/collector/ack"),
        ("https://s:8088/", "/services/collector", "/services/collector/raw", "/services/collector/ack"),
        (
            "https://s:8088/services/collector/event",
            "/services/collector/event",
            "/services/collector/raw",
            "/services/collector/ack",
        ),
        (
            "https://s:8088/services/collector/raw",
            "/services/collector",
            "/services/collector/raw",
            "/services/collector/ack",
        ),
        ("https://s:8088/hec", "/hec", "/hec", "/hec/ack"),
    ] {
        let addresses = config(&format!(r#"{{"endpoint":"{endpoint}","token":"t"}}"#)).addresses().unwrap();
        let paths = [&addresses.event, &addresses.raw, &addresses.ack].map(|uri| uri.path().to_owned());
        assert_eq!(paths, [event, raw, ack], "{endpoint}");
        assert_eq!(addresses.health.to_string(), "https://s:8088/services/collector/health");
    }
}

#[test]
fn what_is_missing_or_not_served_is_told_by_its_key() {
    let told = |section: &str| -> Vec<String> { config(section).wrongs().into_iter().map(|wrong| wrong.key).collect() };
    assert!(told(r#"{"endpoint":"https://s:8088","token":"t"}"#).is_empty());
    for (section, part) in [
        (r#"{"token":"t"}"#, "endpoint"),
        (r#"{"endpoint":"https://s"}"#, "token"),
        (r#"{"endpoint":"s:8088","token":"t"}"#, "endpoint"),
        (r#"{"endpoint":"https://s","token":"a\nb"}"#, "token"),
        (r#"{"endpoint":"https://s","token":"t","max_event_size":0}"#, "max_event_size"),
        (r#"{"endpoint":"https://s","token":"t","max_content_length_logs":838860801}"#, "max_content_length_logs"),
        (
            r#"{"endpoint":"https://s","token":"t","log_data_enabled":false,"profiling_data_enabled":false}"#,
            "log_data_enabled",
        ),
        (r#"{"endpoint":"https://s","token":"t","insecure_skip_verify":true}"#, "insecure_skip_verify"),
        (r#"{"endpoint":"https://s","token":"t","headers":{"Authorization":"x"}}"#, "headers"),
        (
            r#"{"endpoint":"https://s","token":"t","telemetry":{"extra_attributes":{"a":"b"}}}"#,
            "telemetry.extra_attributes",
        ),
    ] {
        let all = told(section);
        assert!(all.iter().any(|told| told == part), "{section}: {all:?}");
    }
}

#[test]
fn the_token_is_in_no_debug_output() {
    assert!(!format!("{:?}", config(r#"{"token":"very secret"}"#)).contains("very secret"));
}

#[test]
fn a_channel_has_the_form_of_a_guid_and_is_nobody_elses() {
    let [one, other] = [(); 2].map(|()| super::acks::channel());
    assert_ne!(one, other);
    let text = one.to_str().unwrap();
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{text}");
    assert!(text.chars().all(|c| c == '-' || c.is_ascii_hexdigit()), "{text}");
}
