//! Pods, and their containers.

use host_kubernetes::image::Image;
use host_periodic::Spec;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Quantities, Tell, cores, whole};
use crate::attribute::Attribute;
use crate::fact::{Plan, Telling, Told};
use crate::metric;

/// The states and reasons that there is a point of for each container.
const STATES: [&str; 3] = ["terminated", "running", "waiting"];
const REASONS: [&str; 9] = [
    "ContainerCreating",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "ErrImagePull",
    "ImagePullBackOff",
    "OOMKilled",
    "Completed",
    "Error",
    "ContainerCannotRun",
];

impl Tell for Pod {
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "pods";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let status = self.status.as_ref();
        let spec = self.spec.as_ref();
        let mut pod =
            about(self, plan).about(Attribute::QosClass, status.and_then(|status| status.qos_class.as_deref()));
        pod.fact(&metric::POD_PHASE, phase(status.and_then(|status| status.phase.as_deref())));
        pod.fact(&metric::POD_STATUS_REASON, reason(status.and_then(|status| status.reason.as_deref())));
        let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
        let statuses = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
        let told = containers.iter().filter_map(|container| {
            of_container(self, container, statuses.iter().find(|status| status.name == container.name), plan)
        });
        pod.end().into_iter().chain(told).collect()
    }
}

/// What a pod and its containers have in common.
fn about<'p>(pod: &Pod, plan: &'p Plan) -> Telling<'p> {
    Telling::new(plan)
        .about(Attribute::PodName, pod.metadata.name.as_deref())
        .about(Attribute::PodUid, pod.metadata.uid.as_deref())
        .about(Attribute::Namespace, pod.metadata.namespace.as_deref())
        .about(Attribute::NodeName, pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()))
}

fn phase(phase: Option<&str>) -> i64 {
    match phase {
        Some("Pending") => 1,
        Some("Running") => 2,
        Some("Succeeded") => 3,
        Some("Failed") => 4,
        _ => 5,
    }
}

fn reason(reason: Option<&str>) -> i64 {
    match reason {
        Some("Evicted") => 1,
        Some("NodeAffinity") => 2,
        Some("NodeLost") => 3,
        Some("Shutdown") => 4,
        Some("UnexpectedAdmissionError") => 5,
        _ => 6,
    }
}

fn of_container(pod: &Pod, container: &Container, status: Option<&ContainerStatus>, plan: &Plan) -> Option<Told> {
    let id = status.and_then(|status| status.container_id.as_deref());
    let image = status.and_then(|status| Image::parse(&status.image));
    let last = status.and_then(|status| status.last_state.as_ref()?.terminated.as_ref()?.reason.as_deref());
    let mut told = about(pod, plan)
        .about(Attribute::ContainerId, id.map(|id| id.split_once("://").map_or(id, |(_, id)| id)))
        .about(Attribute::ContainerName, Some(&container.name))
        .about(Attribute::LastTerminatedReason, last)
        .about(Attribute::ImageName, image.as_ref().map(|image| image.repository))
        .about(Attribute::ImageTag, image.as_ref().and_then(|image| image.tag));
    if let Some(resources) = &container.resources {
        amounts(&mut told, resources.requests.as_ref(), &REQUESTS);
        amounts(&mut told, resources.limits.as_ref(), &LIMITS);
    }
    if let Some(status) = status {
        told.fact(&metric::CONTAINER_RESTARTS, i64::from(status.restart_count));
        told.fact(&metric::CONTAINER_READY, i64::from(status.ready));
        state(&mut told, status);
    }
    told.end()
}

/// The metrics of what may be asked for, or limited: cores, and three in bytes.
struct Amounts {
    cpu: &'static Spec,
    bytes: [(&'static str, &'static Spec); 3],
}

const REQUESTS: Amounts = Amounts {
    cpu: &metric::CONTAINER_CPU_REQUEST,
    bytes: [
        ("memory", &metric::CONTAINER_MEMORY_REQUEST),
        ("storage", &metric::CONTAINER_STORAGE_REQUEST),
        ("ephemeral-storage", &metric::CONTAINER_EPHEMERALSTORAGE_REQUEST),
    ],
};
const LIMITS: Amounts = Amounts {
    cpu: &metric::CONTAINER_CPU_LIMIT,
    bytes: [
        ("memory", &metric::CONTAINER_MEMORY_LIMIT),
        ("storage", &metric::CONTAINER_STORAGE_LIMIT),
        ("ephemeral-storage", &metric::CONTAINER_EPHEMERALSTORAGE_LIMIT),
    ],
};

fn amounts(told: &mut Telling<'_>, said: Option<&Quantities>, amounts: &Amounts) {
    let Some(said) = said else { return };
    if let Some(cores) = said.get("cpu").and_then(cores) {
        told.fact(amounts.cpu, cores);
    }
    for (name, spec) in amounts.bytes {
        if let Some(bytes) = said.get(name).and_then(whole) {
            told.fact(spec, bytes);
        }
    }
}

fn state(told: &mut Telling<'_>, status: &ContainerStatus) {
    let Some(state) = &status.state else { return };
    let (is, reason) = match (&state.running, &state.terminated, &state.waiting) {
        (Some(_), _, _) => ("running", None),
        (_, Some(terminated), _) => ("terminated", terminated.reason.as_deref()),
        (_, _, Some(waiting)) => ("waiting", waiting.reason.as_deref()),
        _ => return,
    };
    for known in STATES {
        told.fact_of(&metric::CONTAINER_STATUS_STATE, i64::from(known == is), "k8s.container.status.state", known);
    }
    for known in REASONS {
        let value = i64::from(Some(known) == reason);
        told.fact_of(&metric::CONTAINER_STATUS_REASON, value, "k8s.container.status.reason", known);
    }
}
