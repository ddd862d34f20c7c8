//! The attributes of resources, each of which can be switched on and off.

use host_periodic::attributes;

attributes! {
    AwsVolumeId, aws_volume_id: "aws.volume.id" = false;
    ContainerId, container_id: "container.id" = true;
    FsType, fs_type: "fs.type" = false;
    GcePdName, gce_pd_name: "gce.pd.name" = false;
    GlusterfsEndpoints, glusterfs_endpoints: "glusterfs.endpoints.name" = false;
    GlusterfsPath, glusterfs_path: "glusterfs.path" = false;
    ContainerName, container_name: "k8s.container.name" = true;
    LastTerminatedReason, last_terminated_reason: "k8s.container.status.last_terminated_reason" = false;
    Namespace, namespace: "k8s.namespace.name" = true;
    NodeName, node_name: "k8s.node.name" = true;
    SystemContainerName, system_container_name: "k8s.node.system_container.name" = true;
    ClaimName, claim_name: "k8s.persistentvolumeclaim.name" = true;
    PodName, pod_name: "k8s.pod.name" = true;
    PodUid, pod_uid: "k8s.pod.uid" = true;
    VolumeName, volume_name: "k8s.volume.name" = true;
    VolumeType, volume_type: "k8s.volume.type" = true;
    Partition, partition: "partition" = false;
}
