//! Every metric that there is: its name, unit, kind and description, the Collector's.

use host_periodic::metrics;

metrics! {
    CONTAINER_CPU_LIMIT = Gauge "k8s.container.cpu_limit" "{cpu}" true
        "Maximum resource limit set for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_CPU_REQUEST = Gauge "k8s.container.cpu_request" "{cpu}" true
        "Resource requested for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_EPHEMERALSTORAGE_LIMIT = Gauge "k8s.container.ephemeralstorage_limit" "By" true
        "Maximum resource limit set for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_EPHEMERALSTORAGE_REQUEST = Gauge "k8s.container.ephemeralstorage_request" "By" true
        "Resource requested for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_MEMORY_LIMIT = Gauge "k8s.container.memory_limit" "By" true
        "Maximum resource limit set for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_MEMORY_REQUEST = Gauge "k8s.container.memory_request" "By" true
        "Resource requested for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_READY = Gauge "k8s.container.ready" "" true
        "Whether a container has passed its readiness probe (0 for no, 1 for yes)";
    CONTAINER_RESTARTS = Gauge "k8s.container.restarts" "{restart}" true
        "How many times the container has restarted in the recent past. This value is pulled directly from the K8s API and the value can go indefinitely high and be reset to 0 at any time depending on how your kubelet is configured to prune dead containers. It is best to not depend too much on the exact value but rather look at it as either == 0, in which case you can conclude there were no restarts in the recent past, or > 0, in which case you can conclude there were restarts in the recent past, and not try and analyze the value beyond that.";
    CONTAINER_STATUS_REASON = Sum "k8s.container.status.reason" "{container}" false
        "Experimental metric, may experience breaking changes. Describes the number of K8s containers that are currently in a state for a given reason. All possible container state reasons will be reported at each time interval to avoid missing metrics. Only the value corresponding to the current state reason will be non-zero.";
    CONTAINER_STATUS_STATE = Sum "k8s.container.status.state" "{container}" false
        "Experimental metric, may experience breaking changes. Describes the number of K8s containers that are currently in a given state. All possible container states will be reported at each time interval to avoid missing metrics. Only the value corresponding to the current state will be non-zero.";
    CONTAINER_STORAGE_LIMIT = Gauge "k8s.container.storage_limit" "By" true
        "Maximum resource limit set for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CONTAINER_STORAGE_REQUEST = Gauge "k8s.container.storage_request" "By" true
        "Resource requested for the container. See https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.23/#resourcerequirements-v1-core for details";
    CRONJOB_ACTIVE_JOBS = Gauge "k8s.cronjob.active_jobs" "{job}" true
        "The number of actively running jobs for a cronjob";
    DAEMONSET_CURRENT_SCHEDULED_NODES = Gauge "k8s.daemonset.current_scheduled_nodes" "{node}" true
        "Number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod";
    DAEMONSET_DESIRED_SCHEDULED_NODES = Gauge "k8s.daemonset.desired_scheduled_nodes" "{node}" true
        "Number of nodes that should be running the daemon pod (including nodes currently running the daemon pod)";
    DAEMONSET_MISSCHEDULED_NODES = Gauge "k8s.daemonset.misscheduled_nodes" "{node}" true
        "Number of nodes that are running the daemon pod, but are not supposed to run the daemon pod";
    DAEMONSET_READY_NODES = Gauge "k8s.daemonset.ready_nodes" "{node}" true
        "Number of nodes that should be running the daemon pod and have one or more of the daemon pod running and ready";
    DEPLOYMENT_AVAILABLE = Gauge "k8s.deployment.available" "{pod}" true
        "Total number of available pods (ready for at least minReadySeconds) targeted by this deployment";
    DEPLOYMENT_DESIRED = Gauge "k8s.deployment.desired" "{pod}" true
        "Number of desired pods in this deployment";
    HPA_CURRENT_REPLICAS = Gauge "k8s.hpa.current_replicas" "{pod}" true
        "Current number of pod replicas managed by this autoscaler.";
    HPA_DESIRED_REPLICAS = Gauge "k8s.hpa.desired_replicas" "{pod}" true
        "Desired number of pod replicas managed by this autoscaler.";
    HPA_MAX_REPLICAS = Gauge "k8s.hpa.max_replicas" "{pod}" true
        "Maximum number of replicas to which the autoscaler can scale up.";
    HPA_MIN_REPLICAS = Gauge "k8s.hpa.min_replicas" "{pod}" true
        "Minimum number of replicas to which the autoscaler can scale up.";
    JOB_ACTIVE_PODS = Gauge "k8s.job.active_pods" "{pod}" true
        "The number of actively running pods for a job";
    JOB_DESIRED_SUCCESSFUL_PODS = Gauge "k8s.job.desired_successful_pods" "{pod}" true
        "The desired number of successfully finished pods the job should be run with";
    JOB_FAILED_PODS = Gauge "k8s.job.failed_pods" "{pod}" true
        "The number of pods which reached phase Failed for a job";
    JOB_MAX_PARALLEL_PODS = Gauge "k8s.job.max_parallel_pods" "{pod}" true
        "The max desired number of pods the job should run at any given time";
    JOB_SUCCESSFUL_PODS = Gauge "k8s.job.successful_pods" "{pod}" true
        "The number of pods which reached phase Succeeded for a job";
    NAMESPACE_PHASE = Gauge "k8s.namespace.phase" "" true
        "The current phase of namespaces (1 for active and 0 for terminating)";
    NODE_CONDITION = Gauge "k8s.node.condition" "{condition}" false
        "The condition of a particular Node.";
    POD_PHASE = Gauge "k8s.pod.phase" "" true
        "Current phase of the pod (1 - Pending, 2 - Running, 3 - Succeeded, 4 - Failed, 5 - Unknown)";
    POD_STATUS_REASON = Gauge "k8s.pod.status_reason" "" false
        "Current status reason of the pod (1 - Evicted, 2 - NodeAffinity, 3 - NodeLost, 4 - Shutdown, 5 - UnexpectedAdmissionError, 6 - Unknown)";
    REPLICASET_AVAILABLE = Gauge "k8s.replicaset.available" "{pod}" true
        "Total number of available pods (ready for at least minReadySeconds) targeted by this replicaset";
    REPLICASET_DESIRED = Gauge "k8s.replicaset.desired" "{pod}" true
        "Number of desired pods in this replicaset";
    REPLICATION_CONTROLLER_AVAILABLE = Gauge "k8s.replication_controller.available" "{pod}" true
        "Total number of available pods (ready for at least minReadySeconds) targeted by this replication_controller";
    REPLICATION_CONTROLLER_DESIRED = Gauge "k8s.replication_controller.desired" "{pod}" true
        "Number of desired pods in this replication_controller";
    RESOURCE_QUOTA_HARD_LIMIT = Gauge "k8s.resource_quota.hard_limit" "{resource}" true
        "The upper limit for a particular resource in a specific namespace. Will only be sent if a quota is specified. CPU requests/limits will be sent as millicores";
    RESOURCE_QUOTA_USED = Gauge "k8s.resource_quota.used" "{resource}" true
        "The usage for a particular resource in a specific namespace. Will only be sent if a quota is specified. CPU requests/limits will be sent as millicores";
    STATEFULSET_CURRENT_PODS = Gauge "k8s.statefulset.current_pods" "{pod}" true
        "The number of pods created by the StatefulSet controller from the StatefulSet version";
    STATEFULSET_DESIRED_PODS = Gauge "k8s.statefulset.desired_pods" "{pod}" true
        "Number of desired pods in the stateful set (the `spec.replicas` field)";
    STATEFULSET_POD_AVAILABLE = Sum "k8s.statefulset.pod.available" "{pod}" false
        "The number of available pods per stateful set (the `status.availableReplicas` field). A pod is available once it has been `Ready` for at least `spec.minReadySeconds`.";
    STATEFULSET_READY_PODS = Gauge "k8s.statefulset.ready_pods" "{pod}" true
        "Number of pods created by the stateful set that have the `Ready` condition";
    STATEFULSET_UPDATED_PODS = Gauge "k8s.statefulset.updated_pods" "{pod}" true
        "Number of pods created by the StatefulSet controller from the StatefulSet version";
}
