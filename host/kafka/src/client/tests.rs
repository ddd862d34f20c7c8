//! How brokers are reached, as the client is told, and what is wrong with what was written.

use std::path::Path;
use std::time::{Duration, Instant};

use host_component::Failure;
use host_config::{Secret, Value};
use rdkafka::error::RDKafkaErrorCode as Code;
use serde::de::DeserializeOwned;

use super::{Auth, Encoding, Form, Link, Metadata, Throttle, explained, failure, millis};

fn decoded<T: DeserializeOwned>(text: &str) -> T {
    Value::parse("test.yaml", text).unwrap().decode().unwrap()
}

fn link<'a>(
    brokers: &'a [String],
    tls: Option<&'a host_tls::ClientConfig>,
    auth: &'a Auth,
    metadata: &'a Metadata,
) -> Link<'a> {
    let conn_idle_timeout = Duration::from_secs(540);
    Link { brokers, client_id: "tests", rack_id: "", conn_idle_timeout, tls, auth, metadata }
}

fn brokers() -> Vec<String> {
    vec!["one:9092".to_owned(), "two:9093".to_owned()]
}

fn wrongs(auth: &str, tls: Option<&str>) -> Vec<String> {
    let (brokers, auth, metadata) = (brokers(), decoded::<Auth>(auth), Metadata::default());
    let tls = tls.map(decoded::<host_tls::ClientConfig>);
    link(&brokers, tls.as_ref(), &auth, &metadata).wrongs().iter().map(ToString::to_string).collect()
}

#[test]
fn speaks_in_the_clear_until_something_else_is_written() {
    let (brokers, auth, metadata) = (brokers(), Auth::default(), Metadata::default());
    let settings = link(&brokers, None, &auth, &metadata).settings(Path::new("/etc"));
    assert_eq!(settings.get("bootstrap.servers"), Some("one:9092,two:9093"));
    assert_eq!(settings.get("security.protocol"), Some("plaintext"));
    let plain = host_tls::ClientConfig::plain();
    let settings = link(&brokers, Some(&plain), &auth, &metadata).settings(Path::new("/etc"));
    assert_eq!(settings.get("security.protocol"), Some("plaintext"));
}

#[test]
fn takes_certificates_and_a_password_to_the_brokers() {
    let auth: Auth = decoded("sasl: {mechanism: SCRAM-SHA-512, username: alice, password: let-me-in}");
    let tls = host_tls::ClientConfig {
        ca_file: "ca.pem".into(),
        cert_pem: Secret::new("CERT"),
        key_file: "/keys/own.key".into(),
        insecure_skip_verify: true,
        ..host_tls::ClientConfig::default()
    };
    let (brokers, metadata) = (brokers(), Metadata::default());
    let settings = link(&brokers, Some(&tls), &auth, &metadata).settings(Path::new("/etc/tidegate"));
    for (key, value) in [
        ("security.protocol", "sasl_ssl"),
        ("ssl.ca.location", "/etc/tidegate/ca.pem"),
        ("ssl.certificate.pem", "CERT"),
        ("ssl.key.location", "/keys/own.key"),
        ("enable.ssl.certificate.verification", "false"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", "alice"),
        ("sasl.password", "let-me-in"),
    ] {
        assert_eq!(settings.get(key), Some(value), "{key}");
    }
    assert!(!format!("{auth:?}").contains("let-me-in"));
}

#[test]
fn refuses_kerberos_and_tokens_by_name_with_the_way_out() {
    let told = wrongs("{kerberos: {realm: X}, plain_text: {username: a}}", None);
    assert!(told.iter().any(|line| line.starts_with("auth.kerberos: ") && line.contains("SCRAM-SHA-512")), "{told:?}");
    assert!(
        told.iter().any(|line| line.starts_with("auth.plain_text: ") && line.contains("mechanism: PLAIN")),
        "{told:?}"
    );
    for (mechanism, way_out) in
        [("GSSAPI", "Kerberos"), ("OAUTHBEARER", "not served"), ("SCRAM", "write PLAIN"), ("''", "missing")]
    {
        let told = wrongs(&format!("sasl: {{mechanism: {mechanism}, username: a, password: b}}"), None);
        assert!(
            told.iter().any(|line| line.starts_with("auth.sasl.mechanism: ") && line.contains(way_out)),
            "{told:?}"
        );
    }
    let told = wrongs("sasl: {mechanism: PLAIN}", None);
    assert!(told.iter().any(|line| line.starts_with("auth.sasl.username: ")), "{told:?}");
    assert!(
        told.iter().any(|line| line.starts_with("auth.sasl.password: ") && line.contains("${env:NAME}")),
        "{told:?}"
    );
}

#[test]
fn refuses_what_tls_has_elsewhere_and_not_here() {
    let told = wrongs(
        "{}",
        Some("{server_name_override: broker, min_version: '1.3', cipher_suites: [TLS_AES_128_GCM_SHA256]}"),
    );
    for key in ["tls.server_name_override", "tls.min_version", "tls.cipher_suites"] {
        assert!(told.iter().any(|line| line.starts_with(&format!("{key}: "))), "{key}: {told:?}");
    }
    assert_eq!(wrongs("{}", Some("{min_version: '1.2'}")), Vec::<String>::new());
}

#[test]
fn says_which_broker_is_none() {
    let (auth, metadata) = (Auth::default(), Metadata::default());
    for (broker, is_good) in [
        ("localhost:9092", true),
        ("kafka", true),
        ("[::1]:9092", true),
        ("http://kafka:9092", false),
        ("kafka:port", false),
        ("a:1,b:2", false),
        ("", false),
    ] {
        let brokers = vec![broker.to_owned()];
        assert_eq!(link(&brokers, None, &auth, &metadata).wrongs().is_empty(), is_good, "{broker}");
    }
    assert!(!link(&[], None, &auth, &metadata).wrongs().is_empty());
}

#[test]
fn a_password_in_the_clear_is_noticed() {
    let (brokers, metadata) = (brokers(), Metadata::default());
    let plain: Auth = decoded("sasl: {mechanism: PLAIN, username: a, password: b}");
    let scram: Auth = decoded("sasl: {mechanism: SCRAM-SHA-256, username: a, password: b}");
    let tls = host_tls::ClientConfig::default();
    assert!(link(&brokers, None, &plain, &metadata).shows_password());
    assert!(!link(&brokers, Some(&tls), &plain, &metadata).shows_password());
    assert!(!link(&brokers, None, &scram, &metadata).shows_password());
}

#[test]
fn an_encoding_of_the_collectors_is_refused_by_name() {
    assert_eq!(Encoding::default().form("logs.encoding"), Ok(Form::Proto));
    assert_eq!(Encoding::new("otlp_json").form("logs.encoding"), Ok(Form::Json));
    let told = Encoding::new("jaeger_proto").form("traces.encoding").unwrap_err().to_string();
    assert!(told.starts_with("traces.encoding: jaeger_proto is not served"), "{told}");
    assert!(Encoding::new("avro").form("logs.encoding").unwrap_err().to_string().contains("is no encoding"));
}

#[test]
fn what_a_record_failed_at_may_pass_unless_it_is_the_record_or_the_right_to_write_it() {
    for code in [
        Code::MessageTimedOut,
        Code::NotEnoughReplicas,
        Code::UnknownTopicOrPartition,
        Code::AllBrokersDown,
        Code::Fatal,
        // What was spoilt on the way, and clocks that will be set.
        Code::InvalidMessage,
        Code::InvalidTimestamp,
    ] {
        assert!(matches!(failure("kafka", "t", code, None), Failure::Retryable { .. }), "{code}");
    }
    for code in
        [Code::TopicAuthorizationFailed, Code::ClusterAuthorizationFailed, Code::InvalidTopic, Code::InvalidRecord]
    {
        let told = failure("kafka", "t", code, None);
        assert!(told.is_permanent() && told.to_string().contains(';'), "{told}");
    }
    let told = failure("kafka", "t", Code::MessageTimedOut, Some("nobody answers")).to_string();
    assert!(told.ends_with("; the client says: nobody answers"), "{told}");
}

#[test]
fn a_wrong_password_is_told_with_what_to_check() {
    let told = explained(Some(Code::Authentication), "SASL authentication error");
    assert!(told.contains("`auth.sasl`"), "{told}");
    assert_eq!(explained(None, "something"), "something");
}

#[test]
fn one_line_a_second_passes_and_the_others_are_counted() {
    let (throttle, now) = (Throttle::default(), Instant::now());
    assert_eq!(throttle.pass(now), Some(0));
    assert_eq!(throttle.pass(now), None);
    assert_eq!(throttle.pass(now), None);
    assert_eq!(throttle.pass(now + Duration::from_secs(1)), Some(2));
}

#[test]
fn a_short_time_is_a_millisecond_and_not_nothing() {
    assert_eq!(millis(Duration::ZERO), "0");
    assert_eq!(millis(Duration::from_micros(10)), "1");
    assert_eq!(millis(Duration::from_secs(5)), "5000");
}
