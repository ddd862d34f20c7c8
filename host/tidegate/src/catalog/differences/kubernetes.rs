//! Those of the components that ask the API server of Kubernetes, or a kubelet.

use super::{Difference, of};

pub(in crate::catalog) const K8S_ATTRIBUTES: &[Difference] = &[
    of(
        "",
        "All processors of the process that follow the same pods share one cache, whatever their pipelines and signals.",
    ),
    of(
        "pod_association",
        "The first association that finds a pod wins, and not the first for which a resource says something.",
    ),
    of(
        "pod_association",
        "By the address of a connection pods are found where `filter.node` or `filter.node_from_env_var` is set, and nowhere else: \
         without them it may be that of a relay.",
    ),
    of("pod_association", "A pod with `hostNetwork: true` is never found by an address, since that is the node's."),
    of(
        "pod_association",
        "The address of the sender is taken off the data behind the processor, so that `batch` may join what follows.",
    ),
    of("pod_delete_grace_period", "A pod that is deleted or over gives up its address at once."),
    of(
        "hold",
        "Data of a pod that is not known yet waits for it, 2 s at most, and then goes on as it is; the new keys are `hold` and `hold_mib`.",
    ),
    of(
        "watch_sync_period",
        "`watch_sync_period` is taken and of no effect: what is known changes when the API server tells.",
    ),
    of("extract.metadata", "An attribute without a value is left out, and not empty."),
    of(
        "extract.metadata",
        "The address of a connection becomes `k8s.pod.ip` where it is a known pod's, and with `passthrough`.",
    ),
    of(
        "extract.metadata",
        "`container.image.tags` may be asked for beside `container.image.tag`; no feature gate decides.",
    ),
];

pub(in crate::catalog) const KUBELET_STATS: &[Difference] = &[
    of("", "`k8s.node.name` is on the resources of pods, containers and volumes, too."),
    of(
        "",
        "`k8s.container.restarts` is here, and not with the `k8s_cluster` receiver alone, for containers that do not run, too.",
    ),
    of(
        "",
        "Where `/pods` cannot be had, what `/stats/summary` says is told all the same, and the log says what the role has to allow.",
    ),
    of("", "A container or a volume whose id or kind is not known yet is told without it, and not left out."),
    of("", "A volume of a claim has `k8s.persistentvolumeclaim.name`, whatever `extra_metadata_labels` says."),
    of("", "Of the authorities in `ca_file` or of the service account none of the system's is trusted beside them."),
    of("", "The kubelet is asked without the proxy that the environment names."),
    of("", "A scrape that the pipeline refuses is kept until the next one."),
    of(
        "",
        "All receivers share the byte budget `service.limits.in_flight_mib`, of which a scrape takes what the kubelet answers.",
    ),
    of("timeout", "The kubelet has a minute for each answer, also where `timeout` is 0."),
    of("endpoint", "An `endpoint` without a port has 10250, and 10255 with `auth_type: none`."),
    of("k8s_api_config", "What the node has is asked for every five minutes, and not followed."),
    of("k8s_api_config", "What cannot be found out of a claim is told, and its volume all the same."),
    of(
        "k8s_api_config.kube_api_qps",
        "`kube_api_qps` and `kube_api_burst` change nothing: each thing is asked for once.",
    ),
];

pub(in crate::catalog) const K8S_EVENTS: &[Difference] = &[
    of("", "Each change of an event is told once, in order, also when the API server was away or refused."),
    of(
        "",
        "What the pipeline refuses is handed on again, and the server is asked again for what does not fit into memory.",
    ),
    of("", "An event that happens again and again has the time and the count of the last time."),
    of("", "A kind of event that is neither `Normal` nor `Warning` is the text of the severity."),
    of(
        "storage",
        "With a `storage` a restart goes on with what happened meanwhile, as long as the server still has it.",
    ),
    of(
        "k8s_leader_elector",
        "A new leader tells what happened while there was none, and what the one before it told last again.",
    ),
    of(
        "kube_api_qps",
        "`kube_api_qps` and `kube_api_burst` change nothing: the server is asked once, and tells by itself then.",
    ),
];

pub(in crate::catalog) const K8S_LEADER_ELECTOR: &[Difference] = &[
    of("", "A collector takes part while a receiver names the extension, and gives the Lease up when it ends."),
    of("", "Durations that would let two lead at once are refused."),
    of("kube_api_qps", "`kube_api_qps` and `kube_api_burst` change nothing: a question is asked each `retry_period`."),
];

pub(in crate::catalog) const K8S_CLUSTER: &[Difference] = &[
    of("", "A kind of objects that cannot be followed costs no other: the log names the rule that is missing."),
    of("", "What is known of a kind is told once all of it is, and as it was last while the API server is away."),
    of("", "What no object says is not told: a container without a status has no `k8s.container.restarts`."),
    of("", "Quotas of OpenShift, and volumes, claims and services, are not told; metrics of these names are refused."),
    of(
        "",
        "Entities, and labels and owners for `metadata_exporters`, are not told: `k8s_attributes` adds them to data.",
    ),
    of("k8s_leader_elector", "Whoever leads no more forgets what it knows, and tells nothing."),
    of("metadata_collection_interval", "`metadata_collection_interval` changes nothing."),
    of(
        "kube_api_qps",
        "`kube_api_qps` and `kube_api_burst` change nothing: the server is asked once for each kind, and tells by itself then.",
    ),
];
