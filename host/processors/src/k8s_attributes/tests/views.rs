//! What is told of a pod, by what is asked for.

use host_kubernetes::Kind;
use serde_json::json;

use super::harness::{Known, asking, by, map, pod};
use crate::k8s_attributes::attribute::Attribute;
use crate::k8s_attributes::workload;
use host_kubernetes::image::{Image, repo_digest};

#[test]
fn a_pod_gives_its_resource_the_default_attributes() {
    let known = Known::new(json!({ "pod_association": by(&["k8s.pod.uid"]) })).with(pod(json!({})));
    let expected = [
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", "web-7d4b9c6f5-x2x8z"),
        ("k8s.pod.start_time", "2026-03-01T10:00:00Z"),
        ("k8s.deployment.name", "web"),
        ("k8s.node.name", "worker-1"),
        ("container.image.name", "registry.example:5000/shop/web"),
        ("container.image.tag", "1.4.2"),
    ];
    assert_eq!(known.told(), map(&expected));
}

#[test]
fn everything_that_can_be_asked_for_is_told() {
    let all: Vec<&str> = Attribute::ALL.iter().map(|attribute| attribute.key()).collect();
    let owned_by = |owners: serde_json::Value| {
        Known::new(asking(&all))
            .with(pod(json!({ "metadata": { "ownerReferences": owners } })))
            .and(Kind::Namespaces, json!({ "metadata": { "name": "kube-system", "uid": "cluster-1" } }))
            .and(Kind::Nodes, json!({ "metadata": { "name": "worker-1", "uid": "node-1" } }))
            .and(Kind::ReplicaSets, json!({ "metadata": { "name": "web-7d4b9c6f5", "uid": "rs-1", "ownerReferences": [{ "kind": "Deployment", "name": "web", "uid": "deployment-1", "controller": true }] } }))
            .and(Kind::Jobs, json!({ "metadata": { "name": "backup-29539800", "uid": "job-1", "ownerReferences": [{ "kind": "CronJob", "name": "backup", "uid": "cron-1", "controller": true }] } }))
            .told()
    };
    let always = [
        ("container.id", "c0ffee"),
        ("container.image.name", "registry.example:5000/shop/web"),
        ("container.image.repo_digests", "registry.example:5000/shop/web@sha256:abc"),
        ("container.image.tag", "1.4.2"),
        ("container.image.tags", "1.4.2"),
        ("k8s.cluster.uid", "cluster-1"),
        ("k8s.container.name", "app"),
        ("k8s.namespace.name", "shop"),
        ("k8s.node.name", "worker-1"),
        ("k8s.node.uid", "node-1"),
        ("k8s.pod.hostname", "web"),
        ("k8s.pod.ip", "10.88.0.7"),
        ("k8s.pod.name", "web-7d4b9c6f5-x2x8z"),
        ("k8s.pod.start_time", "2026-03-01T10:00:00Z"),
        ("service.instance.id", "shop.web-7d4b9c6f5-x2x8z.app"),
        ("service.namespace", "shop"),
        ("service.version", "1.4.2"),
    ];
    let with = |more: &[(&str, &str)]| map(&[&always, more].concat());
    let owner =
        |kind: &str, name: &str, uid: &str| json!([{ "kind": kind, "name": name, "uid": uid, "controller": true }]);
    assert_eq!(
        owned_by(owner("ReplicaSet", "web-7d4b9c6f5", "rs-1")),
        with(&[
            ("k8s.deployment.name", "web"),
            ("k8s.deployment.uid", "deployment-1"),
            ("k8s.replicaset.name", "web-7d4b9c6f5"),
            ("k8s.replicaset.uid", "rs-1"),
            ("service.name", "web"),
        ])
    );
    assert_eq!(
        owned_by(owner("StatefulSet", "db", "sts-1")),
        with(&[("k8s.statefulset.name", "db"), ("k8s.statefulset.uid", "sts-1"), ("service.name", "db")])
    );
    assert_eq!(
        owned_by(owner("DaemonSet", "proxy", "ds-1")),
        with(&[("k8s.daemonset.name", "proxy"), ("k8s.daemonset.uid", "ds-1"), ("service.name", "proxy")])
    );
    assert_eq!(
        owned_by(owner("Job", "backup-29539800", "job-1")),
        with(&[
            ("k8s.cronjob.name", "backup"),
            ("k8s.cronjob.uid", "cron-1"),
            ("k8s.job.name", "backup-29539800"),
            ("k8s.job.uid", "job-1"),
            ("service.name", "backup"),
        ])
    );
}

#[test]
fn what_is_no_deployment_s_has_no_deployment() {
    let rollout = json!([{ "kind": "Rollout", "name": "web", "uid": "rollout-1", "controller": true }]);
    let known = Known::new(asking(&["k8s.deployment.name", "k8s.deployment.uid", "service.name"]))
        .with(pod(json!({ "metadata": { "labels": { "pod-template-hash": "" } } })))
        .and(Kind::ReplicaSets, json!({ "metadata": { "uid": "rs-1", "ownerReferences": rollout } }));
    assert_eq!(known.told(), map(&[("service.name", "web-7d4b9c6f5")]));
}

#[test]
fn the_name_of_a_service_is_the_most_deliberate_one() {
    let named = |change: serde_json::Value| {
        let section = json!({
            "extract": { "metadata": ["service.name", "service.version"], "otel_annotations": true },
            "pod_association": by(&["k8s.pod.uid"]),
        });
        Known::new(section).with(pod(change)).told()
    };
    let label = |key: &str| json!({ "metadata": { "labels": { key: "said" } } });
    assert_eq!(named(json!({ "metadata": { "ownerReferences": null } }))["service.name"], "web-7d4b9c6f5-x2x8z");
    assert_eq!(named(json!({}))["service.name"], "web");
    assert_eq!(named(label("app.kubernetes.io/name"))["service.name"], "said");
    let both =
        json!({ "metadata": { "labels": { "app.kubernetes.io/name": "a", "app.kubernetes.io/instance": "b" } } });
    assert_eq!(named(both)["service.name"], "b");
    let annotated = json!({ "metadata": {
        "labels": { "app.kubernetes.io/instance": "b" },
        "annotations": { "resource.opentelemetry.io/service.name": "c", "resource.opentelemetry.io/tier": "gold" },
    } });
    let told = named(annotated);
    assert_eq!((told["service.name"].as_str(), told["tier"].as_str()), ("c", "gold"));
    assert_eq!(named(label("app.kubernetes.io/version"))["service.version"], "said");
}

#[test]
fn labels_and_annotations_become_attributes_by_rules() {
    let section = json!({
        "extract": {
            "metadata": [],
            "labels": [
                { "key": "app" },
                { "key": "tier", "tag_name": "tier.of.namespace", "from": "namespace" },
                { "key_regex": "example\\.com/(.*)", "tag_name": "team.$1" },
                { "key_regex": "zone-.*", "tag_name": "is not looked at without groups", "from": "node" },
                { "key": "owner", "from": "deployment" },
            ],
            "annotations": [{ "key": "team" }, { "key": "owner", "from": "statefulset" }],
        },
        "pod_association": by(&["k8s.pod.uid"]),
    });
    let labels = json!({ "app": "web", "example.com/a": "1", "example.com/b": "2", "not.example.com/c": "3" });
    let known = Known::new(section)
        .with(pod(json!({ "metadata": { "labels": labels } })))
        .and(Kind::Namespaces, json!({ "metadata": { "name": "shop", "labels": { "tier": "gold" } } }))
        .and(Kind::Nodes, json!({ "metadata": { "name": "worker-1", "labels": { "zone-name": "a", "zone": "b" } } }))
        .and(Kind::ReplicaSets, json!({ "metadata": { "uid": "rs-1", "ownerReferences": [{ "kind": "Deployment", "uid": "d-1", "controller": true }] } }))
        .and(Kind::Deployments, json!({ "metadata": { "uid": "d-1", "labels": { "owner": "me" } } }))
        .and(Kind::StatefulSets, json!({ "metadata": { "uid": "s-1", "annotations": { "owner": "nobody's" } } }));
    let expected = [
        ("k8s.pod.labels.app", "web"),
        ("tier.of.namespace", "gold"),
        ("team.a", "1"),
        ("team.b", "2"),
        ("k8s.node.labels.zone-name", "a"),
        ("k8s.deployment.label.owner", "me"),
        ("k8s.pod.annotations.team", "checkout"),
    ];
    assert_eq!(known.told(), map(&expected));
}

#[test]
fn a_container_is_found_by_its_name_or_id_or_since_it_is_the_only_one() {
    let change = json!({
        "spec": { "containers": [{ "name": "app", "image": "web:1" }, { "name": "side", "image": "proxy" }] },
        "status": { "containerStatuses": [
            { "name": "app", "restartCount": 3, "containerID": "containerd://c0ffee" },
            { "name": "side", "restartCount": 0, "containerID": "containerd://7ea" },
        ] },
    });
    let section = || asking(&["container.image.name", "container.id", "k8s.container.name"]);
    let known = Known::new(section()).with(pod(change));
    let uid = ("k8s.pod.uid", super::harness::UID);
    assert_eq!(known.attributes(&[uid]), map(&[uid]));
    let app = [uid, ("k8s.container.name", "app"), ("container.id", "c0ffee"), ("container.image.name", "web")];
    assert_eq!(known.attributes(&[uid, app[1]]), map(&app));
    assert_eq!(known.attributes(&[uid, app[2]]), map(&app));
    assert_eq!(known.attributes(&[uid, ("k8s.container.name", "other")])["k8s.container.name"], "other");
    let run = ("k8s.container.restart_count", "2");
    assert_eq!(known.attributes(&[uid, app[1], run]), map(&[uid, app[1], app[3], run]), "an id of another run");
    assert_eq!(Known::new(section()).with(pod(json!({}))).told()["container.id"], "c0ffee");
}

#[test]
fn the_name_of_an_image_is_read_as_the_collector_reads_it() {
    let read = |text| Image::parse(text).map(|image| (image.repository, image.tag, image.version()));
    assert_eq!(read("nginx"), Some(("nginx", Some("latest"), None)));
    assert_eq!(read("nginx:1.2"), Some(("nginx", Some("1.2"), Some("1.2".to_owned()))));
    assert_eq!(read("r:5000/a/b"), Some(("r:5000/a/b", Some("latest"), None)));
    assert_eq!(read("r:5000/a:2"), Some(("r:5000/a", Some("2"), Some("2".to_owned()))));
    assert_eq!(read("a@sha256:1f"), Some(("a", None, Some("sha256:1f".to_owned()))));
    assert_eq!(read("a:2@sha256:1f"), Some(("a", Some("2"), Some("2@sha256:1f".to_owned()))));
    assert_eq!((read(""), read(":2"), read("@sha256:1f")), (None, None, None));
    assert_eq!(repo_digest("docker-pullable://nginx@sha256:1f").as_deref(), Some("docker.io/library/nginx@sha256:1f"));
    assert_eq!(repo_digest("a/b@sha256:1f").as_deref(), Some("docker.io/a/b@sha256:1f"));
    assert_eq!(repo_digest("ghcr.io/b@sha256:1f").as_deref(), Some("ghcr.io/b@sha256:1f"));
    assert_eq!((repo_digest("sha256:1f"), repo_digest("")), (None, None));
}

#[test]
fn workloads_are_named_by_what_they_have_made() {
    let hashed = |hash: &str| pod(json!({ "metadata": { "labels": { "pod-template-hash": hash } } }));
    assert_eq!(workload::deployment(&hashed("7d4b"), "a-b-7d4b"), Some("a-b"));
    assert_eq!(workload::deployment(&hashed("7d4b"), "a-b-c"), None, "a ReplicaSet that no Deployment has made");
    assert_eq!(workload::deployment(&hashed(""), "a-"), None);
    assert_eq!(workload::deployment(&hashed("7d4b"), "-7d4b"), None);
    let due = 29_539_800;
    assert_eq!(workload::cron_job(Some(due * 60 + 5), "a-b-29539800"), Some("a-b"));
    assert_eq!(workload::cron_job(Some(due * 60 + 90_000), "a-29539800"), None, "a number that is no time");
    assert_eq!(workload::cron_job(Some(due * 60), "a-2953980"), None);
    assert_eq!(workload::cron_job(Some(due * 60), "-29539800"), None);
    assert_eq!(workload::cron_job(None, "a-29539800"), None);
}

#[test]
fn pods_that_ask_for_it_or_are_excluded_are_left_alone() {
    let section = || json!({ "pod_association": by(&["k8s.pod.uid"]), "exclude": { "pods": [{ "name": "^db-" }] } });
    let told = |change| Known::new(section()).with(pod(change)).told();
    assert!(
        told(json!({ "metadata": { "annotations": { "opentelemetry.io/k8s-processor/ignore": " True " } } }))
            .is_empty()
    );
    assert!(
        !told(json!({ "metadata": { "annotations": { "opentelemetry.io/k8s-processor/ignore": "no" } } })).is_empty()
    );
    assert!(told(json!({ "metadata": { "name": "db-0" } })).is_empty());
    assert!(!told(json!({ "metadata": { "name": "jaeger-agent" } })).is_empty(), "the default is replaced");
    // A digit is one of ASCII, as in Go.
    let numbered = json!({ "pod_association": by(&["k8s.pod.uid"]), "exclude": { "pods": [{ "name": "^\\d$" }] } });
    let told = |name: &str| Known::new(numbered.clone()).with(pod(json!({ "metadata": { "name": name } }))).told();
    assert!(told("7").is_empty() && !told("\u{667}").is_empty());
}
