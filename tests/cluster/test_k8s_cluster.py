"""What `k8s_cluster` tells of a real cluster: each metric of its table in docs/configuration.md."""

import re
import time

import collector_pods
import documentation
import objects
import settings
from pods import Pod, busybox, spec
from test_kubelet_stats import attributes, find, points, shapes, value

# No API server lets a container ask for it.
NEVER = {"k8s.container.storage_limit", "k8s.container.storage_request"}
FOREVER = "exec busybox sleep 1000"


def documented():
    """The metrics of the table."""
    text = documentation.PAGE.read_text()
    section = text[text.index("### k8s_cluster"):text.index("### k8s_events")]
    return set(re.findall(r"^\| `(k8s\.[^`]+)` \|", section, re.MULTILINE))


def everything():
    names = documented()
    assert len(names) > 40
    return {"k8s_cluster": {
        "collection_interval": "1s",
        "node_conditions_to_report": ["Ready", "MemoryPressure"],
        "allocatable_types_to_report": ["cpu", "memory", "pods"],
        "metrics": {name: {"enabled": True} for name in names},
        "resource_attributes": {name: {"enabled": True} for name in ("k8s.pod.qos_class", "container.runtime", "k8s.kubelet.version")},
    }}


def populate(namespace):
    """Objects of each kind, with all that may be said of them."""
    limits = {"cpu": "100m", "memory": "32Mi", "ephemeral-storage": "64Mi"}
    container = busybox(FOREVER, resources={"limits": limits, "requests": limits})
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec([container])}
    ends = {"metadata": {"labels": {"app": "job"}}, "spec": {**spec([busybox("true")]), "restartPolicy": "Never"}}
    selector = {"matchLabels": {"app": "web"}}
    objects.create("Deployment", "deployment", namespace, spec={"replicas": 1, "selector": selector, "template": template})
    objects.create("StatefulSet", "stateful", namespace, spec={"replicas": 1, "serviceName": "", "selector": selector, "template": template})
    objects.create("DaemonSet", "daemons", namespace, spec={"selector": selector, "template": template})
    objects.create("ReplicationController", "controller", namespace, spec={"replicas": 1, "selector": {"app": "web"}, "template": template})
    job = {"completions": 1, "parallelism": 1, "template": ends}
    objects.create("Job", "job", namespace, spec=job)
    objects.create("CronJob", "cron", namespace, spec={"schedule": "* * * * *", "jobTemplate": {"spec": job}})
    objects.create("HorizontalPodAutoscaler", "scaler", namespace, spec={
        "minReplicas": 1, "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "deployment"},
    })
    objects.create("ResourceQuota", "quota", namespace, spec={"hard": {"pods": "100", "requests.cpu": "8", "limits.memory": "8Gi"}})


def test_each_metric_of_the_documentation_is_told_of_a_real_cluster(namespace, grant, collector):
    grant(documentation.rules("k8s_cluster"))
    # Before the quota, which would have each container say what it asks for.
    tidegate = collector("tidegate", collector_pods.config(everything(), "metrics"))
    populate(namespace)
    more = {"k8s.node.condition_ready", "k8s.node.condition_memory_pressure", "k8s.node.allocatable_cpu", "k8s.node.allocatable_memory", "k8s.node.allocatable_pods"}
    wanted = (documented() - NEVER) | more
    tidegate.wait_for(lambda items: wanted <= {row["item"]["name"] for row in items}, f"all of {sorted(wanted)}")
    of = {"k8s_namespace_name": namespace}
    tidegate.wait_for(lambda items: [value for _, _, value in find(items, "k8s.deployment.available", k8s_deployment_name="deployment", **of)][-1:] == [1], "the deployment to be there")
    tidegate.wait_for(lambda items: [value for _, _, value in find(items, "k8s.job.successful_pods", k8s_job_name="job", **of)][-1:] == [1], "the job to be done")
    pods = {pod["metadata"]["name"] for pod in objects.find("Pod", namespace, "web")}
    assert len(pods) == 4
    for pod in pods:
        tidegate.wait_for(lambda items: [value for _, _, value in find(items, "k8s.pod.phase", k8s_pod_name=pod, **of)][-1:] == [2], f"{pod} to run")
        _, resource, cores = find(tidegate.items(), "k8s.container.cpu_limit", k8s_pod_name=pod, **of)[-1]
        assert cores == 0.1
        assert resource["container.image.name"] == "localhost/busybox" and resource["k8s.node.name"] == settings.NODE
    assert find(tidegate.items(), "k8s.node.condition_ready", k8s_node_name=settings.NODE)[-1][2] == 1


def test_metrics_are_those_of_otelcol(namespace, grant, both):
    # otelcol asks for more than the page has allowed, and tells nothing until it has got it.
    grant([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}])
    tidegate, otelcol = both(collector_pods.config(everything(), "metrics"))
    populate(namespace)
    wanted = documented() - NEVER
    of = {"k8s_namespace_name": namespace}

    def settled(items):
        told = lambda name, **which: [number for _, _, number in find(items, name, **which, **of)][-1:]
        return (
            wanted <= {row["item"]["name"] for row in items}
            and told("k8s.deployment.available", k8s_deployment_name="deployment") == [1]
            and told("k8s.statefulset.ready_pods", k8s_statefulset_name="stateful") == [1]
            and told("k8s.job.successful_pods", k8s_job_name="job") == [1]
        )

    for collector in (tidegate, otelcol):
        collector.wait_for(settled, "what there is of the objects")
    since = time.time_ns()
    for collector in (tidegate, otelcol):
        collector.wait_for(lambda items: any(at > since + 5_000_000_000 for at, _, _ in find(items, "k8s.namespace.phase")), "5 s")
    assert shapes(tidegate.items(), since) == shapes(otelcol.items(), since)

    def last(collector):
        """What is told of the objects here that change no more, with whole resources."""
        told = {}
        for metric, _, resource, point in points(collector.items()):
            if resource.get("k8s.namespace.name") == namespace and "cron" not in str(resource) and "hpa" not in metric["name"]:
                key = metric["name"], tuple(sorted(resource.items())), tuple(sorted(attributes(point).items()))
                told[key] = max(told.get(key, (0, 0)), (int(point["timeUnixNano"]), value(point)))
        return {key: number for key, (at, number) in told.items() if at > since}

    assert last(tidegate) == last(otelcol)


def test_an_object_that_is_gone_is_told_no_more(namespace, grant, collector):
    grant(documentation.rules("k8s_cluster"))
    tidegate = collector("tidegate", collector_pods.config({"k8s_cluster": {"collection_interval": "1s"}}, "metrics"))
    pod = Pod.create(namespace, "short", [busybox(FOREVER)]).run()
    tidegate.wait_for(lambda items: [value for _, _, value in find(items, "k8s.pod.phase", k8s_pod_name="short")][-1:] == [2], "the pod to run")
    pod.delete()
    namespaces = lambda items: len(find(items, "k8s.namespace.phase", k8s_namespace_name=namespace))
    before = namespaces(tidegate.items())
    tidegate.wait_for(lambda items: namespaces(items) > before + 3, "more collections")
    told = [time for time, _, _ in find(tidegate.items(), "k8s.pod.phase", k8s_pod_name="short")]
    last = [time for time, _, _ in find(tidegate.items(), "k8s.namespace.phase", k8s_namespace_name=namespace)]
    assert max(told) < max(last)


def test_a_right_that_is_missing_is_named_and_costs_nothing_else(namespace, grant, collector):
    rules = documentation.rules("k8s_cluster")
    grant([rule for rule in rules if rule["apiGroups"] != ["batch"]])
    tidegate = collector("tidegate", collector_pods.config({"k8s_cluster": {"collection_interval": "1s"}}, "metrics"))
    tidegate.wait_for(lambda items: find(items, "k8s.node.condition_ready"), "the node")
    tidegate.wait_for_log('resources: [jobs]')
    grant(rules)
    objects.create("Job", "late", namespace, spec={"template": {"spec": {**spec([busybox("true")]), "restartPolicy": "Never"}}})
    tidegate.wait_for(lambda items: find(items, "k8s.job.active_pods", k8s_job_name="late"), "the job, now that it may ask")
