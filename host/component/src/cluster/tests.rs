//! Tests of the cluster that a resource names: one sentence each.

use host_otlp::build::{Logs, Value};
use host_otlp::view;

use super::{LONGEST, cluster_of};

/// What a resource with these attributes names.
fn named(attributes: &[(&str, Value<'_>)]) -> String {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            resource.attribute("service.name", "checkout");
            attributes.iter().for_each(|(key, value)| resource.attribute(key, *value));
        });
    });
    view::logs(&logs.finish()).map(|logs| cluster_of(logs.resource).to_owned()).collect()
}

#[test]
fn a_cluster_is_named_in_whatever_spelling() {
    for key in
        ["cluster.id", "cluster_id", "cluster-id", "Cluster.ID", "__cluster__id__", "cluster\u{e9}id", "_cluster..id"]
    {
        assert_eq!(named(&[(key, Value::Text("eu-1"))]), "eu-1", "{key}");
    }
    for key in
        ["cluster", "clusterid", "cluster.ids", "k8s.cluster.id", "cluster.id.x", "cluster.role", "container.id", ""]
    {
        assert_eq!(named(&[(key, Value::Text("eu-1"))]), "", "{key}");
    }
}

#[test]
fn a_cluster_is_named_where_flattening_would_name_it() {
    let id = [("id", Value::Text("eu-1"))];
    let whole = [("cluster_id", Value::Text("eu-1"))];
    assert_eq!(named(&[("cluster", Value::Map(&id))]), "eu-1");
    assert_eq!(named(&[("cluster", Value::Map(&[("", Value::Map(&id))]))]), "eu-1");
    assert_eq!(named(&[("", Value::Map(&[("Cluster", Value::Map(&id))]))]), "eu-1");
    assert_eq!(named(&[(".", Value::Map(&whole))]), "eu-1");
    // What somebody might take out of there is not what the resource says of itself.
    assert_eq!(named(&[("k8s", Value::Map(&[("cluster", Value::Map(&id))]))]), "");
    assert_eq!(named(&[("k8s", Value::Map(&whole))]), "");
    assert_eq!(named(&[("cluster", Value::Array(&[Value::Map(&id)]))]), "");
    assert_eq!(named(&[("cluster", Value::Map(&[("name", Value::Map(&id))]))]), "");
}

#[test]
fn what_differs_is_no_text_or_is_too_long_names_no_cluster() {
    let (eu, us) = (Value::Text("eu-1"), Value::Text("us-1"));
    assert_eq!(named(&[("cluster.id", eu), ("cluster_id", eu), ("cluster", Value::Map(&[("id", eu)]))]), "eu-1");
    assert_eq!(named(&[("cluster.id", eu), ("cluster_id", us)]), "");
    assert_eq!(named(&[("cluster", Value::Map(&[("id", us)])), ("cluster.id", eu)]), "");
    assert_eq!(named(&[("cluster.id", eu), ("x", us), ("Cluster-ID", Value::Int(1))]), "");
    assert_eq!(named(&[("cluster_id", Value::Bytes(b"eu-1"))]), "");
    assert_eq!(named(&[("cluster_id", Value::Map(&[("", eu)])), ("cluster.id", eu)]), "");
    assert_eq!(named(&[("cluster_id", Value::Text(&"x".repeat(LONGEST)))]).len(), LONGEST);
    assert_eq!(named(&[("cluster_id", Value::Text(&"x".repeat(LONGEST + 1)))]), "");
    assert_eq!(named(&[]), "");
}
