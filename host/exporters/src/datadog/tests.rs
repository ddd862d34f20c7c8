//! Hosts, tags, units and the configuration by example; what goes over the wire is in `tests/it`.

use host_config::Check as _;
use host_otlp::build::Logs;
use host_otlp::view::{KeyValue, logs};

use super::Config;
use super::host::{Source, source};
use super::tags;
use super::units::unit;

/// What `look` makes of these attributes of a resource.
fn resource<T>(attributes: &[(&str, &str)], look: impl FnOnce(&[KeyValue<'_>]) -> T) -> T {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| attributes.iter().for_each(|(key, value)| resource.attribute(key, *value)));
    });
    let payload = request.finish();
    let attributes: Vec<_> = logs(&payload).flat_map(|logs| logs.resource.unwrap().attributes).collect();
    look(&attributes)
}

fn host(attributes: &[(&str, &str)]) -> Option<String> {
    resource(attributes, |attributes| match source(attributes)? {
        Source::Host(host) => Some(host.into_owned()),
        Source::Task(task) => Some(format!("task {task}")),
    })
}

#[test]
fn a_host_is_found_in_the_collectors_order() {
    for (attributes, wanted) in [
        (&[("host.name", "h")][..], Some("h")),
        (&[("host.name", "h"), ("host.id", "i")], Some("i")),
        (&[("host.name", "h"), ("k8s.node.name", "n")], Some("n")),
        (&[("k8s.node.name", "n"), ("k8s.cluster.name", "c")], Some("n-c")),
        (&[("host.name", "h"), ("datadog.host.name", "d"), ("host", "literal")], Some("literal")),
        (&[("host.name", "h"), ("datadog.host.name", "d")], Some("d")),
        (&[("cloud.provider", "aws"), ("host.name", "ip-1-2-3-4"), ("host.id", "i-1")], Some("i-1")),
        (&[("cloud.provider", "aws"), ("host.name", "h")], None),
        (&[("cloud.provider", "gcp"), ("host.name", "a.b.c.d"), ("cloud.account.id", "p")], Some("a.p")),
        (&[("cloud.provider", "azure"), ("host.name", "h")], Some("h")),
        (&[("host.name", "localhost")], None),
        (&[("aws.ecs.launchtype", "fargate"), ("aws.ecs.task.arn", "arn"), ("host.name", "h")], Some("task arn")),
        (&[("service.name", "s")], None),
    ] {
        assert_eq!(host(attributes).as_deref(), wanted, "{attributes:?}");
    }
}

#[test]
fn tags_are_the_collectors() {
    let attributes = [
        ("service.name", "shop"),
        ("service.version", "1"),
        ("deployment.environment", "prod"),
        ("k8s.pod.name", "p"),
        ("datadog.container.tag.pod_name", "ignored"),
        ("datadog.container.tag.team", "a"),
        ("kube_qos", "Burstable"),
        ("process.command", "c"),
        ("process.executable.path", "/bin/x"),
        ("os.type", "linux"),
        ("something.else", "x"),
        ("app.kubernetes.io/name", ""),
    ];
    let wanted = [
        "service:shop",
        "version:1",
        "env:prod",
        "kube_qos:Burstable",
        "pod_name:p",
        "team:a",
        "process.executable.path:/bin/x",
        "os.type:linux",
    ];
    assert_eq!(resource(&attributes, tags::of_resource), wanted);
}

#[test]
fn units_are_datadogs_words() {
    for (ucum, wanted) in [
        ("By", Some("byte")),
        ("KiBy", Some("kibibyte")),
        ("MHz", Some("megahertz")),
        ("ms", Some("millisecond")),
        ("%", Some("percent")),
        ("By/s", Some("byte/second")),
        ("{packet}/s", Some("packet/second")),
        ("{datapoint}", Some("item")),
        ("1", None),
        ("", None),
        ("mBy", None),
        ("By/s/s", None),
        ("{pod}", None),
        ("{}", None),
        ("W.h", None),
    ] {
        assert_eq!(unit(ucum).as_deref(), wanted, "{ucum}");
    }
}

fn config(section: &str) -> Config {
    serde_json::from_str(section).unwrap()
}

#[test]
fn the_intakes_follow_from_the_site() {
    let section = r#"{"api":{"key":"k","site":"datadoghq.eu"}}"#;
    assert!(config(section).wrongs().is_empty());
    let shown = format!("{:?}", config(section).addresses().unwrap());
    for address in [
        "https://http-intake.logs.datadoghq.eu/api/v2/logs",
        "https://api.datadoghq.eu/api/v2/series",
        "https://api.datadoghq.eu/api/beta/sketches",
        "https://otlp.datadoghq.eu/v1/traces",
        "https://api.datadoghq.eu/api/v1/validate",
    ] {
        assert!(shown.contains(address), "{address} in {shown}");
    }
}

#[test]
fn what_is_missing_or_not_served_is_told_by_its_key() {
    for (section, part) in [
        ("{}", "api.key"),
        (r#"{"api":{"key":"k"},"hostname_detection_timeout":"1s"}"#, "hostname_detection_timeout"),
        (r#"{"api":{"key":"k"},"host_metadata":{"enabled":true}}"#, "host_metadata"),
        (r#"{"api":{"key":"k"},"metrics":{"histograms":{"mode":"nobuckets"}}}"#, "metrics.histograms.mode"),
        (r#"{"api":{"key":"k"},"traces":{"endpoint":"https://trace.agent.datadoghq.com"}}"#, "traces.endpoint"),
        (r#"{"api":{"key":"k"},"traces":{"peer_tags":["a"]}}"#, "traces.peer_tags"),
        (r#"{"api":{"key":"k"},"logs":{"compression_level":10}}"#, "logs.compression_level"),
        (r#"{"api":{"key":"k"},"logs":{"endpoint":"intake"}}"#, "logs.endpoint"),
        (r#"{"api":{"key":"k"},"headers":{"DD-API-KEY":"other"}}"#, "headers"),
    ] {
        let all = config(section).wrongs();
        assert!(all.iter().any(|wrong| wrong.key == part), "{section}: {all:?}");
    }
    assert!(config(r#"{"api":{"key":"k"},"host_metadata":{"enabled":false}}"#).wrongs().is_empty());
    assert!(!format!("{:?}", config(r#"{"api":{"key":"very secret"}}"#)).contains("very secret"));
}
