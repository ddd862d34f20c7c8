//! The attributes of resources, each of which can be switched on and off.

use host_periodic::attributes;

attributes! {
    ContainerId, container_id: "container.id" = true;
    ImageName, image_name: "container.image.name" = true;
    ImageTag, image_tag: "container.image.tag" = true;
    Runtime, runtime: "container.runtime" = false;
    RuntimeVersion, runtime_version: "container.runtime.version" = false;
    ContainerName, container_name: "k8s.container.name" = true;
    LastTerminatedReason, last_terminated_reason: "k8s.container.status.last_terminated_reason" = false;
    CronJobName, cron_job_name: "k8s.cronjob.name" = true;
    CronJobUid, cron_job_uid: "k8s.cronjob.uid" = true;
    DaemonSetName, daemon_set_name: "k8s.daemonset.name" = true;
    DaemonSetUid, daemon_set_uid: "k8s.daemonset.uid" = true;
    DeploymentName, deployment_name: "k8s.deployment.name" = true;
    DeploymentUid, deployment_uid: "k8s.deployment.uid" = true;
    HpaName, hpa_name: "k8s.hpa.name" = true;
    HpaTargetVersion, hpa_target_version: "k8s.hpa.scaletargetref.apiversion" = false;
    HpaTargetKind, hpa_target_kind: "k8s.hpa.scaletargetref.kind" = false;
    HpaTargetName, hpa_target_name: "k8s.hpa.scaletargetref.name" = false;
    HpaUid, hpa_uid: "k8s.hpa.uid" = true;
    JobName, job_name: "k8s.job.name" = true;
    JobUid, job_uid: "k8s.job.uid" = true;
    KubeletVersion, kubelet_version: "k8s.kubelet.version" = false;
    Namespace, namespace: "k8s.namespace.name" = true;
    NamespaceUid, namespace_uid: "k8s.namespace.uid" = true;
    NodeName, node_name: "k8s.node.name" = true;
    NodeUid, node_uid: "k8s.node.uid" = true;
    PodName, pod_name: "k8s.pod.name" = true;
    QosClass, qos_class: "k8s.pod.qos_class" = false;
    PodUid, pod_uid: "k8s.pod.uid" = true;
    ReplicaSetName, replica_set_name: "k8s.replicaset.name" = true;
    ReplicaSetUid, replica_set_uid: "k8s.replicaset.uid" = true;
    ControllerName, controller_name: "k8s.replicationcontroller.name" = true;
    ControllerUid, controller_uid: "k8s.replicationcontroller.uid" = true;
    QuotaName, quota_name: "k8s.resourcequota.name" = true;
    QuotaUid, quota_uid: "k8s.resourcequota.uid" = true;
    StatefulSetName, stateful_set_name: "k8s.statefulset.name" = true;
    StatefulSetUid, stateful_set_uid: "k8s.statefulset.uid" = true;
    OsDescription, os_description: "os.description" = false;
    OsType, os_type: "os.type" = false;
}
