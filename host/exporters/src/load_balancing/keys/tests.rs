//! Tests of keys: which items have the same one, and how it is spelled.

use host_otlp::build::{Logs, Metrics, SpanKind, Temporality, Traces, Value};
use host_otlp::{Payload, view};

use super::attributes::{Around, Order, found};
use super::identity::Identity;
use super::{Keys, RoutingKey};
use crate::load_balancing::ring::Ring;

const ID: [u8; 16] = [7; 16];

fn ring() -> Ring {
    Ring::of(["10.0.0.1:4317", "10.0.0.2:4317", "10.0.0.3:4317", "10.0.0.4:4317", "10.0.0.5:4317"])
}

fn places(key: RoutingKey, payload: &Payload) -> Vec<u32> {
    Keys::new(vec!["tenant".to_owned(), "span.name".to_owned()]).places(key, payload, &ring()).unwrap()
}

fn spans(ids: &[[u8; 16]], service: Option<&str>) -> Payload {
    let mut traces = Traces::new();
    traces.resource_spans(|resource_spans| {
        resource_spans.resource(|resource| {
            if let Some(service) = service {
                resource.attribute("service.name", service);
            }
        });
        resource_spans.scope_spans(|scope_spans| {
            for id in ids {
                scope_spans.span(|span| {
                    span.trace_id(id);
                    span.name("GET /");
                    span.kind(SpanKind::Server);
                    span.attribute("tenant", i64::from(id[0]));
                });
            }
        });
    });
    traces.finish()
}

fn logs(ids: &[&[u8]], service: Option<&str>) -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            if let Some(service) = service {
                resource.attribute("service.name", service);
            }
        });
        resource_logs.scope_logs(|scope_logs| {
            ids.iter().for_each(|id| scope_logs.log_record(|record| record.trace_id(id)));
        });
    });
    logs.finish()
}

/// Metrics of these names, each with points of these tenants.
fn metrics(names: &[&str], tenants: &[&str]) -> Payload {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource_metrics| {
        resource_metrics.resource(|resource| resource.attribute("service.name", "cart"));
        resource_metrics.scope_metrics(|scope_metrics| {
            for name in names {
                scope_metrics.metric(|metric| {
                    metric.name(name);
                    metric.sum(|sum| {
                        for tenant in tenants {
                            sum.data_point(|point| {
                                point.as_int(1);
                                point.attribute("tenant", *tenant);
                            });
                        }
                        sum.aggregation_temporality(Temporality::Delta);
                    });
                });
            }
        });
    });
    metrics.finish()
}

#[test]
fn a_trace_goes_where_its_id_belongs_and_its_log_records_with_it() {
    let (one, other) = (ring().backend_of(&ID), ring().backend_of(&[9; 16]));
    assert_ne!(one, other, "the test needs two places");
    assert_eq!(places(RoutingKey::TraceId, &spans(&[ID, [9; 16], ID], None)), [one, other, one]);
    assert_eq!(places(RoutingKey::TraceId, &logs(&[&[9; 16], &ID], None)), [other, one]);
    assert_eq!(places(RoutingKey::TraceId, &spans(&[[0; 16]], None)), [ring().backend_of(&[0; 16])]);
}

#[test]
fn log_records_of_no_trace_are_spread_and_those_of_one_delivery_stay_together() {
    let (keys, ring) = (Keys::new(Vec::new()), ring());
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let places = keys.places(RoutingKey::TraceId, &logs(&[&[], &[0; 16], &[]], None), &ring).unwrap();
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
        seen.insert(places[0]);
    }
    assert_eq!(seen.len(), 5);
}

#[test]
fn a_service_is_spelled_as_the_collector_spells_it_for_each_signal() {
    let of = |key: &str| ring().backend_of(key.as_bytes());
    assert_eq!(places(RoutingKey::Service, &spans(&[ID], Some("cart"))), [of("service.name=cart|")]);
    assert_eq!(places(RoutingKey::Service, &spans(&[ID], None)), [of("service.name=|")]);
    assert_eq!(places(RoutingKey::Service, &logs(&[&ID], Some("cart"))), [of("cart")]);
    assert_eq!(places(RoutingKey::Service, &logs(&[&ID], None)), [of("")]);
    assert_eq!(places(RoutingKey::Service, &metrics(&["a", "b"], &["x", "y"])), [of("cart"); 4]);
}

#[test]
fn metrics_go_by_name_and_series_by_all_that_they_are() {
    let of = |key: &str| ring().backend_of(key.as_bytes());
    assert_eq!(places(RoutingKey::Metric, &metrics(&["a", "b"], &["x", "y"])), [of("a"), of("a"), of("b"), of("b")]);
    let payload = metrics(&["a", "b", "c"], &["x", "y", "z", "x"]);
    let series = places(RoutingKey::StreamId, &payload);
    assert_eq!(series.len(), 12);
    assert!(series.chunks(4).all(|metric| metric[0] == metric[3]), "{series:?}");
    assert!(series.iter().any(|place| *place != series[0]), "{series:?}");
    assert_eq!(series, places(RoutingKey::StreamId, &payload));
}

#[test]
fn what_has_no_such_key_is_refused() {
    let keys = Keys::new(Vec::new());
    for (key, payload) in [
        (RoutingKey::TraceId, metrics(&["a"], &["x"])),
        (RoutingKey::Resource, spans(&[ID], None)),
        (RoutingKey::StreamId, logs(&[&ID], None)),
    ] {
        assert!(keys.places(key, &payload, &ring()).is_err(), "{key:?}");
    }
}

#[test]
fn attributes_are_looked_for_from_the_resource_to_the_item() {
    let of = |key: &str| ring().backend_of(key.as_bytes());
    // Of the item: its own attribute, and what stands for its name.
    let wanted = [of("tenant=7|span.name=GET /|"), of("tenant=9|span.name=GET /|")];
    assert_eq!(places(RoutingKey::Attributes, &spans(&[ID, [9; 16]], None)), wanted);
    let wanted = [of("tenant=x|span.name=|"), of("tenant=y|span.name=|")];
    assert_eq!(places(RoutingKey::Attributes, &metrics(&["a"], &["x", "y"])), wanted);
    assert_eq!(places(RoutingKey::Attributes, &logs(&[&ID], None)), [of("tenant=|span.name=|")]);
}

#[test]
fn a_key_has_its_attributes_as_listed_for_traces_and_by_level_elsewhere() {
    let names: Vec<String> = ["c", "b", "a"].map(str::to_owned).into();
    let mut traces = Traces::new();
    traces.resource_spans(|resource_spans| {
        resource_spans.resource(|resource| resource.attribute("a", "of the resource"));
        resource_spans.scope_spans(|scope_spans| scope_spans.scope(|scope| scope.attribute("b", "of the scope")));
    });
    let payload = traces.finish();
    let resource_spans = view::traces(&payload).next().unwrap();
    let around = Around::new(&names, resource_spans.resource.map(|resource| resource.attributes));
    let scope = resource_spans.scope_spans.clone().next().unwrap().scope;
    let around = around.with(scope.map(|scope| scope.attributes));
    assert!(!around.is_complete());
    let key = |order| around.key(order, |name| (name == "c").then(|| "own".into()));
    assert_eq!(key(Order::AsListed), "c=own|b=of the scope|a=of the resource|");
    assert_eq!(key(Order::ByLevel), "a=of the resource|b=of the scope|c=own|");
}

/// A resource with these attributes.
fn with(attributes: &[(&str, Value<'_>)]) -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| attributes.iter().for_each(|(key, value)| resource.attribute(key, *value)));
    });
    logs.finish()
}

#[test]
fn values_of_every_kind_have_the_collectors_text() {
    let list = [Value::from(1), Value::from("b")];
    let map = [("z", Value::from(true)), ("a", Value::from(0.5))];
    for (value, text) in [
        (Value::from("plain"), "plain"),
        (Value::from(-7), "-7"),
        (Value::from(true), "true"),
        (Value::from(1_000_000.0), "1000000"),
        (Value::from(f64::INFINITY), "Infinity"),
        (Value::from(0.25), "0.25"),
        (Value::Bytes(&[0, 255]), "AP8="),
        (Value::Array(&list), "[1,\"b\"]"),
        (Value::Map(&map), "{\"a\":0.5,\"z\":true}"),
    ] {
        let payload = with(&[("k", value)]);
        let resource = view::logs(&payload).next().unwrap().resource.unwrap();
        assert_eq!(found(resource.attributes.clone(), "k").as_deref(), Some(text));
        assert_eq!(found(resource.attributes, "another"), None);
    }
}

fn identity(attributes: &[(&str, Value<'_>)]) -> String {
    let payload = with(attributes);
    let resource = view::logs(&payload).next().unwrap().resource;
    Identity::of_resource(resource.map(|resource| resource.attributes)).resource()
}

#[test]
fn a_resource_is_known_by_all_of_its_attributes_in_any_order() {
    let (a, b) = (("a", Value::from("1")), ("b", Value::from(2)));
    assert_eq!(identity(&[a, b]), identity(&[b, a]));
    let all = [identity(&[a]), identity(&[b]), identity(&[a, b]), identity(&[]), identity(&[("a", Value::from(1))])];
    for (at, one) in all.iter().enumerate() {
        assert!(one.starts_with("resource/") && !all[..at].contains(one), "{all:?}");
    }
    // Sixteen zeros by FNV-1a: the Collector's name of a resource without attributes.
    let zeros = (0..16).fold(0xcbf2_9ce4_8422_2325_u64, |sum, _| sum.wrapping_mul(0x0100_0000_01b3));
    assert_eq!(identity(&[]), format!("resource/{zeros:x}"));
}

/// A sum of this name with a point of this attribute, as the Collector's own tests have it.
fn series(resource: &str, name: &str, point: (&str, &str)) -> Payload {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource_metrics| {
        resource_metrics.resource(|own| own.attribute("resource_key", resource));
        resource_metrics.scope_metrics(|scope_metrics| {
            scope_metrics.scope(|scope| {
                scope.name("MyTestInstrument");
                scope.version("1.2.3");
                scope.attribute("scope_key", "foo");
            });
            scope_metrics.metric(|metric| {
                metric.name(name);
                metric.sum(|sum| {
                    sum.data_point(|own| {
                        own.as_double(333.0);
                        own.attribute(point.0, point.1);
                    });
                    sum.aggregation_temporality(Temporality::Cumulative);
                    sum.is_monotonic(true);
                });
            });
        });
    });
    metrics.finish()
}

#[test]
fn resources_and_series_have_the_collectors_names() {
    for (value, name) in [("foo", "resource/99d9e3f8e25dd8f6"), ("bar", "resource/561be85f9d0f9beb")] {
        assert_eq!(identity(&[("resource_key", Value::from(value))]), name);
    }
    let (ab, bc) = (("aaa", "bbb"), ("bbb", "ccc"));
    for (resource, name, point, wanted) in [
        ("foo", "cumulative.monotonic.sum", ab, "stream/c7006b564eec22c9"),
        ("foo", "cumulative.monotonic.sum", bc, "stream/e2d32621d2dcda0f"),
        ("foo", "first.monotonic.sum", bc, "stream/df3ac8f1f36e5836"),
        ("bar", "second.monotonic.sum", bc, "stream/f1a737c32030b2ff"),
    ] {
        let payload = series(resource, name, point);
        let resource_metrics = view::metrics(&payload).next().unwrap();
        let scope_metrics = resource_metrics.scope_metrics.clone().next().unwrap();
        let metric = scope_metrics.metrics.clone().next().unwrap();
        let own = metric.sum.clone().unwrap().data_points.next().unwrap().attributes;
        let identity = Identity::of_resource(resource_metrics.resource.map(|resource| resource.attributes));
        let identity = identity.with_scope(scope_metrics.scope.as_ref()).with_metric(&metric).with_point(own);
        assert_eq!(identity.stream(), wanted, "{resource} {name} {point:?}");
    }
}
