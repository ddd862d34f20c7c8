//! Tests of what a batch is counted under: one sentence each.

use host_otlp::Payload;
use host_otlp::build::Logs;

use super::{Clusters, LONGEST, MOST};

/// A batch with a resource for each name; an empty one names nothing.
fn batch(names: &[&str]) -> Payload {
    let mut logs = Logs::new();
    for name in names {
        logs.resource_logs(|group| {
            group.resource(|resource| {
                resource.attribute("service.name", "checkout");
                if !name.is_empty() {
                    resource.attribute("cluster.id", *name);
                }
            });
            group.scope_logs(|scope| scope.log_record(|record| record.body("x")));
        });
    }
    logs.finish()
}

#[test]
fn a_batch_is_of_the_cluster_that_all_of_its_resources_name() {
    let clusters = Clusters::default();
    let counted = |names: &[&str]| clusters.of(&batch(names)).to_owned();
    assert_eq!(counted(&["eu-1", "eu-1"]), "eu-1");
    assert_eq!(counted(&["eu-1", "us-1"]), "mixed");
    assert_eq!(counted(&["eu-1", ""]), "mixed");
    assert_eq!(counted(&["", ""]), "");
    assert_eq!(counted(&[]), "");
    let mut joined = batch(&["eu-1"]);
    joined.join(batch(&["us-1"]));
    assert_eq!(clusters.of(&joined), "mixed");
    let mut spelled = Logs::new();
    for key in ["cluster.id", "Cluster_ID"] {
        spelled.resource_logs(|group| group.resource(|resource| resource.attribute(key, "eu-1")));
    }
    assert_eq!(clusters.of(&spelled.finish()), "eu-1");
}

#[test]
fn senders_cannot_make_up_clusters_without_end() {
    let clusters = Clusters::default();
    assert_eq!(clusters.of(&batch(&["x".repeat(LONGEST + 1).as_str()])), "other");
    for number in 0..MOST {
        let name = number.to_string();
        assert_eq!(clusters.of(&batch(&[name.as_str()])), name);
    }
    assert_eq!(clusters.of(&batch(&["one more"])), "other");
    assert_eq!(clusters.of(&batch(&["7"])), "7", "those that were there first stay");
}
