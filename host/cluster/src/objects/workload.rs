//! What keeps a number of pods: Deployments, ReplicaSets, StatefulSets, DaemonSets and ReplicationControllers.

use host_periodic::Spec;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::ReplicationController;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Tell;
use super::namespaced::about;
use crate::attribute::Attribute;
use crate::fact::{Plan, Told};
use crate::metric;

/// What is wanted and what there is.
fn replicas(
    metadata: &ObjectMeta,
    plan: &Plan,
    (name, uid): (Attribute, Attribute),
    counts: &[(&'static Spec, Option<i32>)],
) -> Vec<Told> {
    let mut told = about(metadata, plan, name, uid);
    for (spec, count) in counts {
        told.fact(spec, i64::from(count.unwrap_or_default()));
    }
    told.end().into_iter().collect()
}

impl Tell for Deployment {
    const GROUP: &'static str = "apps";
    const PLURAL: &'static str = "deployments";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let available = self.status.as_ref().and_then(|status| status.available_replicas);
        let counts = [
            (&metric::DEPLOYMENT_DESIRED, self.spec.as_ref().and_then(|spec| spec.replicas)),
            (&metric::DEPLOYMENT_AVAILABLE, available),
        ];
        replicas(&self.metadata, plan, (Attribute::DeploymentName, Attribute::DeploymentUid), &counts)
    }
}

impl Tell for ReplicaSet {
    const GROUP: &'static str = "apps";
    const PLURAL: &'static str = "replicasets";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let available = self.status.as_ref().and_then(|status| status.available_replicas);
        let counts = [
            (&metric::REPLICASET_DESIRED, self.spec.as_ref().and_then(|spec| spec.replicas)),
            (&metric::REPLICASET_AVAILABLE, available),
        ];
        replicas(&self.metadata, plan, (Attribute::ReplicaSetName, Attribute::ReplicaSetUid), &counts)
    }
}

impl Tell for ReplicationController {
    const GROUP: &'static str = "";
    const PLURAL: &'static str = "replicationcontrollers";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let available = self.status.as_ref().and_then(|status| status.available_replicas);
        let counts = [
            (&metric::REPLICATION_CONTROLLER_DESIRED, self.spec.as_ref().and_then(|spec| spec.replicas)),
            (&metric::REPLICATION_CONTROLLER_AVAILABLE, available),
        ];
        replicas(&self.metadata, plan, (Attribute::ControllerName, Attribute::ControllerUid), &counts)
    }
}

impl Tell for StatefulSet {
    const GROUP: &'static str = "apps";
    const PLURAL: &'static str = "statefulsets";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let status = self.status.as_ref();
        let counts = [
            (&metric::STATEFULSET_DESIRED_PODS, self.spec.as_ref().and_then(|spec| spec.replicas)),
            (&metric::STATEFULSET_READY_PODS, status.and_then(|status| status.ready_replicas)),
            (&metric::STATEFULSET_CURRENT_PODS, status.and_then(|status| status.current_replicas)),
            (&metric::STATEFULSET_UPDATED_PODS, status.and_then(|status| status.updated_replicas)),
            (&metric::STATEFULSET_POD_AVAILABLE, status.and_then(|status| status.available_replicas)),
        ];
        replicas(&self.metadata, plan, (Attribute::StatefulSetName, Attribute::StatefulSetUid), &counts)
    }
}

impl Tell for DaemonSet {
    const GROUP: &'static str = "apps";
    const PLURAL: &'static str = "daemonsets";

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn tell(&self, plan: &Plan) -> Vec<Told> {
        let status = self.status.as_ref();
        let counts = [
            (&metric::DAEMONSET_CURRENT_SCHEDULED_NODES, status.map(|status| status.current_number_scheduled)),
            (&metric::DAEMONSET_DESIRED_SCHEDULED_NODES, status.map(|status| status.desired_number_scheduled)),
            (&metric::DAEMONSET_MISSCHEDULED_NODES, status.map(|status| status.number_misscheduled)),
            (&metric::DAEMONSET_READY_NODES, status.map(|status| status.number_ready)),
        ];
        replicas(&self.metadata, plan, (Attribute::DaemonSetName, Attribute::DaemonSetUid), &counts)
    }
}
