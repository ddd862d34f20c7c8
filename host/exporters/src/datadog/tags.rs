//! Tags: what attributes are called in Datadog, as the Collector maps them.

use std::collections::BTreeMap;

use host_otlp::view::{AnyValue, KeyValue, Scope};

use crate::json::as_text;

/// Attributes of a resource that Datadog has a name of its own for.
const NAMED: &[(&str, &str)] = &[
    ("deployment.environment", "env"),
    ("deployment.environment.name", "env"),
    ("service.name", "service"),
    ("service.version", "version"),
    ("service.namespace", "service.namespace"),
    ("service.instance.id", "service.instance.id"),
    ("tags.datadoghq.com/env", "env"),
    ("tags.datadoghq.com/service", "service"),
    ("tags.datadoghq.com/version", "version"),
    ("app.kubernetes.io/name", "kube_app_name"),
    ("app.kubernetes.io/instance", "kube_app_instance"),
    ("app.kubernetes.io/version", "kube_app_version"),
    ("app.kubernetes.io/component", "kube_app_component"),
    ("app.kubernetes.io/part-of", "kube_app_part_of"),
    ("app.kubernetes.io/managed-by", "kube_app_managed_by"),
];

/// Those of containers, whose tags are unique.
const CONTAINER: &[(&str, &str)] = &[
    ("container.id", "container_id"),
    ("container.name", "container_name"),
    ("container.image.name", "image_name"),
    ("container.image.tag", "image_tag"),
    ("container.runtime", "runtime"),
    ("cloud.provider", "cloud_provider"),
    ("cloud.region", "region"),
    ("cloud.availability_zone", "zone"),
    ("aws.ecs.task.family", "task_family"),
    ("aws.ecs.task.arn", "task_arn"),
    ("aws.ecs.cluster.arn", "ecs_cluster_name"),
    ("aws.ecs.task.revision", "task_version"),
    ("aws.ecs.container.arn", "ecs_container_name"),
    ("k8s.container.name", "kube_container_name"),
    ("k8s.cluster.name", "kube_cluster_name"),
    ("k8s.deployment.name", "kube_deployment"),
    ("k8s.replicaset.name", "kube_replica_set"),
    ("k8s.statefulset.name", "kube_stateful_set"),
    ("k8s.daemonset.name", "kube_daemon_set"),
    ("k8s.job.name", "kube_job"),
    ("k8s.cronjob.name", "kube_cronjob"),
    ("k8s.namespace.name", "kube_namespace"),
    ("k8s.pod.name", "pod_name"),
];

/// Before the key of an attribute that is a container's tag as it is.
const CUSTOM: &str = "datadog.container.tag.";

/// Attributes that are tags under their own name: Datadog's names of what its agent finds.
const OWN: &[&str] = &[
    "architecture",
    "availability-zone",
    "chronos_job",
    "chronos_job_owner",
    "cluster_name",
    "container_id",
    "container_name",
    "dd_remote_config_id",
    "dd_remote_config_rev",
    "display_container_name",
    "docker_image",
    "ecs_cluster_name",
    "ecs_container_name",
    "eks_fargate_node",
    "env",
    "git.commit.sha",
    "git.repository_url",
    "image_id",
    "image_name",
    "image_tag",
    "kube_app_component",
    "kube_app_instance",
    "kube_app_managed_by",
    "kube_app_name",
    "kube_app_part_of",
    "kube_app_version",
    "kube_container_name",
    "kube_cronjob",
    "kube_daemon_set",
    "kube_deployment",
    "kube_job",
    "kube_namespace",
    "kube_ownerref_kind",
    "kube_ownerref_name",
    "kube_priority_class",
    "kube_qos",
    "kube_replica_set",
    "kube_replication_controller",
    "kube_service",
    "kube_stateful_set",
    "language",
    "marathon_app",
    "mesos_task",
    "nomad_dc",
    "nomad_group",
    "nomad_job",
    "nomad_namespace",
    "nomad_task",
    "oshift_deployment",
    "oshift_deployment_config",
    "os_name",
    "os_version",
    "persistentvolumeclaim",
    "pod_name",
    "pod_phase",
    "rancher_container",
    "rancher_service",
    "rancher_stack",
    "region",
    "service",
    "short_image",
    "swarm_namespace",
    "swarm_service",
    "task_name",
    "task_family",
    "task_version",
    "task_arn",
    "version",
];

/// What a process may be called, the best name first: one of them is a tag.
const PROCESS: [&str; 4] =
    ["process.executable.name", "process.executable.path", "process.command", "process.command_line"];

/// The tags that a resource stands for.
pub(super) fn of_resource(attributes: &[KeyValue<'_>]) -> Vec<String> {
    let texts: Vec<(&str, &str)> = attributes.iter().filter_map(text).collect();
    let mut tags = Vec::new();
    let mut container = BTreeMap::new();
    for (key, value) in &texts {
        if let Some(name) = find(NAMED, key) {
            tags.push(format!("{name}:{value}"));
        }
        if OWN.contains(key) {
            tags.push(format!("{key}:{value}"));
        }
        if let Some(name) = find(CONTAINER, key) {
            container.insert(name, *value);
        }
    }
    for (key, value) in &texts {
        if let Some(name) = key.strip_prefix(CUSTOM).filter(|name| !name.is_empty()) {
            container.entry(name).or_insert(value);
        }
    }
    tags.extend(container.into_iter().map(|(name, value)| format!("{name}:{value}")));
    let process = PROCESS.iter().find_map(|wanted| texts.iter().find(|(key, _)| key == wanted));
    let system = texts.iter().find(|(key, _)| *key == "os.type");
    tags.extend(process.into_iter().chain(system).map(|(key, value)| format!("{key}:{value}")));
    tags
}

/// The tags that say which library has made a metric.
pub(super) fn of_scope(scope: Option<&Scope<'_>>) -> Vec<String> {
    let (name, version) = scope.map_or(("", ""), |scope| (scope.name, scope.version));
    let mut tags = vec![pair("instrumentation_scope", name), pair("instrumentation_scope_version", version)];
    tags.extend(scope.into_iter().flat_map(|scope| scope.attributes.clone()).map(|attribute| of(&attribute)));
    tags
}

/// The tag that an attribute is as it is.
pub(super) fn of(attribute: &KeyValue<'_>) -> String {
    let value = attribute.value.as_ref().map(as_text).unwrap_or_default();
    pair(attribute.key, &value)
}

/// A tag; Datadog has none without a value.
fn pair(key: &str, value: &str) -> String {
    format!("{key}:{}", if value.is_empty() { "n/a" } else { value })
}

fn find(table: &'static [(&str, &str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| *name == key).map(|(_, tag)| *tag)
}

/// An attribute that is a text and not empty.
fn text<'a>(attribute: &KeyValue<'a>) -> Option<(&'a str, &'a str)> {
    match attribute.value {
        Some(AnyValue::Text(value)) if !value.is_empty() => Some((attribute.key, value)),
        _ => None,
    }
}
