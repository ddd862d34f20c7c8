//! Which stream an entry belongs to.

use super::super::labels::{LONGEST_VALUE, Plan};
use super::super::line::Format;
use super::super::push::{Manner, translate};
use super::{NOW, bare, entry, payload, streams};

#[test]
fn the_former_exporters_labels_are_there_unless_they_are_turned_off() {
    let payload = payload(
        |resource| {
            resource.attribute("service.name", "cart");
            resource.attribute("service.namespace", "shop");
            resource.attribute("service.instance.id", "i-1");
        },
        &[&|r| r.severity_number(9), &|r| r.severity_number(18)],
    );
    let plan = Plan::new(&[], &[], &[]);
    let found = streams(&Manner { plan, format: Format::Raw, structured_metadata: true }, &payload);
    let labels: Vec<_> = found.iter().map(|stream| stream.labels.as_str()).collect();
    assert_eq!(
        labels,
        [
            r#"{exporter="OTLP", instance="i-1", job="shop/cart", level="INFO"}"#,
            r#"{exporter="OTLP", instance="i-1", job="shop/cart", level="ERROR2"}"#,
        ]
    );
}

#[test]
fn names_are_made_valid_and_values_are_quoted() {
    let payload = payload(
        |resource| {
            resource.attribute("k8s.namespace.name", "a\"b\\c\nd\u{1}é");
            resource.attribute("9lives", true);
        },
        &[&|_| {}],
    );
    let found = streams(&bare(&["k8s.namespace.name", "9lives"], &[]), &payload);
    assert_eq!(found[0].labels, r#"{k8s_namespace_name="a\"b\\c\nd\x01é", key_9lives="true"}"#);
}

#[test]
fn what_differs_from_batch_to_batch_is_in_no_label() {
    let payload = payload(
        |resource| {
            resource.attribute("service.name", "cart");
            resource.attribute("hub.received_at", "hub-7");
            resource.attribute("k8s.pod.uid", "u");
        },
        &[&|_| {}],
    );
    let manner = bare(&["service.name", "hub.received_at"], &[]);
    let found = streams(&manner, &payload);
    assert_eq!(found[0].labels, r#"{service_name="cart"}"#);
    assert_eq!(found[0].entries[0].pairs().into_iter().collect::<Vec<_>>(), [("k8s_pod_uid", "u")]);
}

#[test]
fn a_stream_without_a_label_is_that_of_an_unknown_service() {
    let found = streams(&bare(&["service.name"], &[]), &payload(|_| {}, &[&|_| {}]));
    assert_eq!(found[0].labels, r#"{service_name="unknown_service"}"#);
}

#[test]
fn attributes_of_records_are_labels_where_the_configuration_says_so() {
    let payload = payload(
        |_| {},
        &[
            &|r| r.attribute("http.route", "/a"),
            &|r| r.attribute("http.route", "/b"),
            &|r| r.attribute("http.route", "/a"),
            &|r| r.attribute("http.route", ""),
        ],
    );
    let found = streams(&bare(&[], &["http.route"]), &payload);
    let told: Vec<_> = found.iter().map(|stream| (stream.labels.as_str(), stream.entries.len())).collect();
    assert_eq!(
        told,
        [(r#"{http_route="/a"}"#, 2), (r#"{http_route="/b"}"#, 1), (r#"{service_name="unknown_service"}"#, 1)]
    );
    assert!(found.iter().flat_map(|stream| &stream.entries).all(|entry| entry.metadata.is_empty()));
}

#[test]
fn an_attribute_named_level_is_the_level() {
    let manner = bare(&[], &[]);
    let manner = Manner { plan: Plan { level: true, ..manner.plan }, ..manner };
    let payload = payload(
        |_| {},
        &[&|r| {
            r.severity_number(9);
            r.attribute("level", "notice");
        }],
    );
    assert_eq!(streams(&manner, &payload)[0].labels, r#"{level="notice"}"#);
}

#[test]
fn hints_choose_labels_and_are_not_sent() {
    let payload = payload(
        |resource| {
            resource.attribute("loki.resource.labels", "host.name, absent");
            resource.attribute("host.name", "h");
            resource.attribute("os.type", "linux");
        },
        &[
            &|r| {
                r.attribute("event.name", "login");
                r.attribute("loki.attribute.labels", "event.name");
                r.attribute("loki.resource.labels", "os.type");
            },
            &|r| r.attribute("event.name", "logout"),
        ],
    );
    let found = streams(&bare(&[], &[]), &payload);
    assert_eq!(found[0].labels, r#"{event_name="login", host_name="h", os_type="linux"}"#);
    assert_eq!(found[0].entries[0].metadata, []);
    assert_eq!(found[1].labels, r#"{host_name="h"}"#);
    let pairs: Vec<_> = found[1].entries[0].pairs().into_iter().collect();
    assert_eq!(pairs, [("event_name", "logout"), ("os_type", "linux")]);
}

#[test]
fn more_labels_than_loki_takes_are_metadata_and_are_counted() {
    let keys: Vec<String> = (0..20).map(|i| format!("key.{i:02}")).collect();
    let plan = Plan { exporter: false, job: false, instance: false, ..Plan::new(&keys, &[], &[]) };
    let manner = Manner { plan, format: Format::Raw, structured_metadata: true };
    let payload = payload(
        |resource| keys.iter().for_each(|key| resource.attribute(key, "v")),
        &[&|r| {
            r.severity_number(9);
        }],
    );
    let translation = translate(&manner, &payload, NOW);
    let found = streams(&manner, &payload);
    assert_eq!(translation.cut_labels, 6);
    assert_eq!(found[0].labels.matches('=').count(), 15);
    assert!(
        found[0].labels.contains("level=")
            && found[0].labels.contains("key_13=")
            && !found[0].labels.contains("key_14=")
    );
    assert_eq!(found[0].entries[0].pairs().get("key_14"), Some(&"v"));
}

#[test]
fn a_value_too_long_for_a_label_is_metadata() {
    let long = "x".repeat(LONGEST_VALUE + 1);
    let payload = payload(|resource| resource.attribute("service.name", &long), &[&|_| {}]);
    let manner = bare(&["service.name"], &[]);
    assert_eq!(entry(&manner, &payload).pairs().get("service_name"), Some(&long.as_str()));
    assert_eq!(translate(&manner, &payload, NOW).cut_labels, 1);
}

#[test]
fn of_two_attributes_with_one_name_the_second_is_metadata() {
    let payload = payload(
        |resource| {
            resource.attribute("a.b", "first");
            resource.attribute("a_b", "second");
        },
        &[&|_| {}],
    );
    let found = streams(&bare(&["a.b", "a_b"], &[]), &payload);
    assert_eq!(found[0].labels, r#"{a_b="first"}"#);
    assert_eq!(found[0].entries[0].pairs().get("a_b"), Some(&"second"));
}
