//! Verdicts: what a claim is, and what becomes of one that does not hold.

use host_component::Subject;
use host_otlp::build::{Logs, Metrics, Value};
use host_otlp::{Limits, Payload, Signal, check};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value;
use prost::Message as _;

use super::speaker;
use crate::{Judged, OnViolation, Speaker, Violation};

/// Judges a payload, and tells what was claimed.
fn judged(speaker: &Speaker, payload: Payload) -> (Judged, Vec<(Subject, Option<String>)>) {
    let mut told = Vec::new();
    let mut note = |Violation { subject, claimed }: &Violation<'_>| told.push((*subject, claimed.map(str::to_owned)));
    let judged = speaker.judge(payload, &mut note, &mut |_| true).unwrap();
    check(judged.payload.signal(), judged.payload.contiguous(), &Limits::default()).unwrap();
    (judged, told)
}

/// One record with this attribute.
fn with(key: &str, value: Value<'_>) -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.scope_logs(|scope_logs| scope_logs.log_record(|record| record.attribute(key, value)));
    });
    logs.finish()
}

fn decoded(payload: &Payload) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(payload.contiguous()).unwrap()
}

fn pairs(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |pair: &KeyValue| match pair.value.clone().and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}

#[test]
fn a_key_counts_however_it_is_spelled() {
    let edge = speaker(&["a-*"], None, OnViolation::Refuse);
    for key in
        ["cluster.id", "cluster_id", "cluster-id", "Cluster.ID", "__cluster__id__", "cluster\u{e9}id", "_cluster..id"]
    {
        let (judged, told) = judged(&edge, with(key, Value::Text("b")));
        assert_eq!((judged.refused_items, judged.payload.items()), (1, 0), "{key}");
        assert_eq!(told, [(Subject::Cluster, Some("b".to_owned()))], "{key}");
    }
    for key in ["cluster", "clusterid", "cluster.ids", "k8s.cluster.id", "cluster.id.x", "key", ""] {
        assert_eq!(judged(&edge, with(key, Value::Text("b"))).0.refused_items, 0, "{key}");
    }
}

#[test]
fn what_is_no_text_claims_what_nobody_may() {
    let edge = speaker(&["**"], None, OnViolation::Refuse);
    let others = [Value::Int(1), Value::Empty, Value::Bytes(b"a"), Value::Array(&[Value::Text("a")]), Value::Map(&[])];
    for value in others {
        let (judged, told) = judged(&edge, with("cluster.id", value));
        assert_eq!((judged.refused_items, told), (1, vec![(Subject::Cluster, None)]), "{value:?}");
    }
    assert_eq!(judged(&edge, with("cluster.id", Value::Text("x/y"))).0.refused_items, 0);
}

#[test]
fn what_is_nested_counts_by_its_own_key_and_by_what_flattening_makes_of_it() {
    let edge = speaker(&["a"], None, OnViolation::Refuse);
    let refused = |key: &str, value: Value<'_>| judged(&edge, with(key, value)).0.refused_items;
    let named = [("cluster_id", Value::Text("b"))];
    let id = [("id", Value::Text("b"))];
    assert_eq!(refused("x", Value::Map(&named)), 1);
    assert_eq!(refused("x", Value::Array(&[Value::Map(&named)])), 1);
    assert_eq!(refused("x", Value::Map(&[("y", Value::Map(&named))])), 1);
    assert_eq!(refused("cluster", Value::Map(&id)), 1);
    assert_eq!(refused("cluster", Value::Map(&[("", Value::Map(&id))])), 1);
    assert_eq!(refused("", Value::Map(&[("Cluster", Value::Map(&id))])), 1);
    assert_eq!(refused("orchestrator", Value::Map(&[("cluster", Value::Map(&id))])), 0);
    assert_eq!(refused("cluster", Value::Array(&[Value::Map(&id)])), 0);
    assert_eq!(refused("cluster", Value::Map(&[("id", Value::Text("a"))])), 0);
    // What a claim holds that nobody looks at may hold another.
    assert_eq!(refused("cluster_role", Value::Map(&named)), 1);
}

#[test]
fn only_the_resources_that_claim_what_does_not_hold_are_refused() {
    let mut logs = Logs::new();
    for cluster in ["a", "b", "a"] {
        logs.resource_logs(|resource_logs| {
            resource_logs.resource(|resource| resource.attribute("cluster.id", cluster));
            resource_logs.scope_logs(|scope_logs| {
                scope_logs.log_record(|record| record.body(cluster));
                scope_logs.log_record(|record| record.body(cluster));
            });
        });
    }
    let (judged, _) = judged(&speaker(&["a"], None, OnViolation::Refuse), logs.finish());
    assert_eq!((judged.refused_items, judged.refused_resources, judged.payload.items()), (2, 1, 4));
    assert_eq!(decoded(&judged.payload).resource_logs.len(), 2);
}

#[test]
fn writes_the_cluster_down_where_nothing_says_it_and_there_is_one() {
    let stamped = |clusters: &[&str], payload| {
        let (judged, _) = judged(&speaker(clusters, None, OnViolation::Refuse), payload);
        let resource = decoded(&judged.payload).resource_logs.remove(0).resource;
        resource.map(|resource| pairs(&resource.attributes))
    };
    let is = |pairs: &[(&str, &str)]| Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
    assert_eq!(stamped(&["a"], with("x", Value::Text("y"))), is(&[("cluster.id", "a")]));
    assert_eq!(stamped(&["a-*"], with("x", Value::Text("y"))), None);
    let resource = |key: &'static str| {
        let mut logs = Logs::new();
        logs.resource_logs(|resource_logs| {
            resource_logs.scope_logs(|scope_logs| scope_logs.log_record(|record| record.body("x")));
            resource_logs.resource(|resource| resource.attribute(key, "a"));
        });
        logs.finish()
    };
    assert_eq!(stamped(&["a"], resource("host.name")), is(&[("cluster.id", "a"), ("host.name", "a")]));
    assert_eq!(stamped(&["a"], resource("cluster_id")), is(&[("cluster_id", "a")]));
}

#[test]
fn overwrites_each_claim_that_does_not_hold() {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            resource.attribute("cluster.id", "b");
            resource.attribute("cluster.id", "a");
            resource.attribute("cluster_role", "hub");
        });
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.log_record(|record| {
                record.body(Value::Map(&[("cluster", Value::Map(&[("id", Value::Int(7)), ("x", Value::Int(1))]))]));
                record.attribute("Cluster-Id", Value::Array(&[]));
            });
        });
    });
    let edge = speaker(&["a"], Some(&["edge"]), OnViolation::Overwrite);
    let (judged, told) = judged(&edge, logs.finish());
    assert_eq!((judged.refused_items, judged.payload.items(), told.len()), (0, 1, 1));
    let resource_logs = decoded(&judged.payload).resource_logs.remove(0);
    let resource = pairs(&resource_logs.resource.unwrap().attributes);
    let own = |pairs: &[(String, String)]| pairs.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
    assert_eq!(own(&resource), ["a", "a", "edge"]);
    let record = &resource_logs.scope_logs[0].log_records[0];
    assert_eq!(pairs(&record.attributes), [("Cluster-Id".to_owned(), "a".to_owned())]);
    let body = format!("{:?}", record.body);
    assert!(
        body.contains("StringValue(\"a\")") && body.contains("IntValue(1)") && !body.contains("IntValue(7)"),
        "{body}"
    );
}

#[test]
fn lets_everything_pass_where_that_was_written_down_and_tells_of_it() {
    let (judged, told) = judged(&speaker(&["a-*"], None, OnViolation::Pass), with("cluster.id", Value::Text("b")));
    assert_eq!((judged.refused_items, judged.payload.items(), told.len()), (0, 1, 1));
}

#[test]
fn roles_are_looked_at_only_where_they_were_written_down() {
    let payload = || with("cluster.role", Value::Text("hub"));
    assert_eq!(judged(&speaker(&["a"], None, OnViolation::Refuse), payload()).0.refused_items, 0);
    assert_eq!(judged(&speaker(&["a"], Some(&["edge"]), OnViolation::Refuse), payload()).0.refused_items, 1);
    assert_eq!(judged(&speaker(&["a"], Some(&["h*"]), OnViolation::Refuse), payload()).0.refused_items, 0);
}

#[test]
fn looks_at_the_attributes_of_points_and_exemplars() {
    let metrics = |on_exemplar: bool| {
        let mut metrics = Metrics::new();
        metrics.resource_metrics(|resource_metrics| {
            resource_metrics.scope_metrics(|scope_metrics| {
                scope_metrics.metric(|metric| {
                    metric.name("m");
                    metric.gauge(|gauge| {
                        gauge.data_point(|point| {
                            if on_exemplar {
                                point.exemplar(|exemplar| exemplar.filtered_attribute("cluster_id", "b"));
                            } else {
                                point.attribute("cluster_id", "b");
                            }
                        });
                    });
                });
            });
        });
        metrics.finish()
    };
    let edge = speaker(&["a"], None, OnViolation::Refuse);
    assert_eq!(judged(&edge, metrics(false)).0.refused_items, 1);
    assert_eq!(judged(&edge, metrics(true)).0.refused_items, 1);
}

#[test]
fn what_otlp_does_not_know_is_left_out_since_nobody_can_tell_what_it_claims() {
    let bytes = [&with("x", Value::Int(1)).contiguous()[..], &[0xa2, 0x06, 1, 2]].concat();
    let payload = check(Signal::Logs, bytes.into(), &Limits::default()).unwrap();
    assert_eq!(payload.unknown_fields(), 1);
    let strict = judged(&speaker(&["a-*"], None, OnViolation::Refuse), payload.clone()).0.payload;
    assert_eq!(strict.unknown_fields(), 0);
    assert!(!strict.contiguous().ends_with(&[1, 2]));
    assert_eq!(judged(&speaker(&["a-*"], None, OnViolation::Pass), payload).0.payload.unknown_fields(), 1);
}

#[test]
fn nothing_is_changed_without_room_for_it() {
    let edge = speaker(&["a"], None, OnViolation::Refuse);
    let payload = with("x", Value::Int(1));
    let bytes = payload.contiguous();
    assert!(edge.judge(payload, &mut |_| {}, &mut |_| false).is_none());
    let wide = speaker(&["a-*"], None, OnViolation::Refuse);
    let payload = check(Signal::Logs, bytes.clone(), &Limits::default()).unwrap();
    let judged = wide.judge(payload, &mut |_| {}, &mut |_| false).expect("it needs none");
    assert_eq!(judged.payload.contiguous().as_ptr(), bytes.as_ptr(), "the same bytes");
}
