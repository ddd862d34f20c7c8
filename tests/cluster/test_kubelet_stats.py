"""What `kubelet_stats` makes of a real kubelet, beside what otelcol's `kubeletstats` makes of it."""

import time

import collector_pods
import documentation
import keys
import objects
import pytest
import settings
from daemons import Daemon
from objects import wait_for
from pods import Pod, busybox

# What is off until it is asked for.
OPTIONAL = [
    "container.uptime",
    "k8s.pod.uptime",
    "k8s.node.uptime",
    *(f"k8s.{of}.{what}_{share}_utilization" for of in ("container", "pod") for what in ("cpu", "memory") for share in ("limit", "request")),
    *(f"k8s.{of}.{what}.node.utilization" for of in ("container", "pod") for what in ("cpu", "memory")),
    "k8s.container.ephemeral_storage.usage",
    "k8s.pod.volume.usage",
    "k8s.node.filesystem.inode.count",
    "k8s.node.filesystem.inode.free",
    *(f"k8s.node.system_container.{what}" for what in ("cpu.time", "cpu.usage", "memory.usage", "memory.working_set")),
]
# Not in otelcol 0.161, which refuses a configuration that names them.
PIDS = ["k8s.node.pid.limit", "k8s.node.pid.usage"]
# What Tidegate tells and otelcol does not, each with its reason; docs/configuration.md has them, too.
MORE_METRICS = {
    "k8s.container.restarts": "otelcol has it in the receiver k8s_cluster",
    **{
        f"k8s.{of}.{what}.node.utilization": "otelcol lists and watches nodes for it, which the page does not have allowed"
        for of in ("container", "pod") for what in ("cpu", "memory")
    },
}
MORE_RESOURCE_ATTRIBUTES = {"k8s.node.name": "otelcol has it on the resource of the node alone"}
# Off until it is asked for, and in otelcol's receiver k8s_cluster alone.
REASON = "k8s.container.status.last_terminated_reason"


def kubelet_stats(**more):
    """The section as the documentation has it, at an interval for tests."""
    return {"kubelet_stats": {
        "collection_interval": "1s",
        "auth_type": "serviceAccount",
        "endpoint": "${env:K8S_NODE_NAME}:10250",
        **more,
    }}


EVERYTHING = kubelet_stats(
    metric_groups=["container", "pod", "node", "volume"],
    extra_metadata_labels=["container.id", "k8s.volume.type"],
    k8s_api_config={"auth_type": "serviceAccount"},
    node="${env:K8S_NODE_NAME}",
    metrics={name: {"enabled": True} for name in OPTIONAL},
)


def attributes(of):
    return {one["key"]: next(iter(one["value"].values())) for one in of.get("attributes", [])}


def points(items):
    """The points of all metrics, each with its metric and its resource."""
    for row in items:
        metric, resource = row["item"], attributes(row["resource"])
        kind = next(kind for kind in ("gauge", "sum", "histogram") if kind in metric)
        for point in metric[kind]["dataPoints"]:
            yield metric, kind, resource, point


def value(point):
    return float(point.get("asInt", point.get("asDouble", 0)))


def find(items, name, **of):
    """The points of a metric whose resources have these attributes (`k8s_pod_name` for `k8s.pod.name`), the oldest first."""
    wanted = {key.replace("_", "."): text for key, text in of.items()}
    found = [
        (int(point["timeUnixNano"]), resource, value(point))
        for metric, _, resource, point in points(items)
        if metric["name"] == name and wanted.items() <= resource.items()
    ]
    return sorted(found, key=lambda one: one[0])


def shapes(items, since):
    """What is told, without how much: names, units, kinds, and the keys of attributes."""
    found = set()
    for metric, kind, resource, point in points(items):
        if int(point["timeUnixNano"]) < since:
            continue
        sum_ = metric.get("sum", {})
        kind = f"{kind} {sum_.get('aggregationTemporality', '')} {sum_.get('isMonotonic', '')}".strip()
        is_whole = "asInt" if "asInt" in point else "asDouble"
        keys_ = tuple(sorted(attributes(point))), tuple(sorted(resource))
        found.add((metric["name"], metric.get("unit", ""), kind, is_whole, *keys_))
    return found


def as_otelcols(shapes_, used):
    """Tidegate's, without what it is known to have more; `used` gets what was left out."""
    rest = set()
    for name, unit, kind, is_whole, keys_, resource in shapes_:
        if name in MORE_METRICS:
            used.add(name)
            continue
        is_of_node = not any(key.startswith(("k8s.pod", "k8s.container")) for key in resource)
        more = {key for key in MORE_RESOURCE_ATTRIBUTES if key in resource and not (key == "k8s.node.name" and is_of_node)}
        used |= more
        rest.add((name, unit, kind, is_whole, keys_, tuple(key for key in resource if key not in more)))
    return rest


def volumes():
    """A container with limits and requests, of what a pod may mount."""
    mounts = ("empty", "words", "secrets", "pod", "claim")
    container = busybox(
        "while true; do busybox usleep 10000; done",
        resources={"limits": {"cpu": "100m", "memory": "64Mi"}, "requests": {"cpu": "50m", "memory": "32Mi"}},
        volumeMounts=[{"name": name, "mountPath": f"/{name}"} for name in mounts],
    )
    return [container], [
        {"name": "empty", "emptyDir": {}},
        {"name": "words", "configMap": {"name": "words"}},
        {"name": "secrets", "secret": {"secretName": "secrets"}},
        {"name": "pod", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "claim"}},
    ]


@pytest.fixture
def claim(namespace):
    """A claim `claim`, and a folder of the node behind it."""
    folder = settings.STATE / "volumes" / namespace
    folder.mkdir(parents=True, exist_ok=True)
    same = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": namespace}
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [settings.NODE]}
    objects.create("PersistentVolume", namespace, spec={
        **same,
        "local": {"path": str(folder)},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
    })
    objects.create("PersistentVolumeClaim", "claim", namespace, spec={
        "accessModes": same["accessModes"], "storageClassName": namespace, "resources": {"requests": {"storage": "1Gi"}},
    })
    yield
    objects.delete("PersistentVolume", namespace)


@pytest.fixture
def worker(namespace, claim):
    """A pod that has what a pod may have: limits, requests and volumes of each kind."""
    objects.create("ConfigMap", "words", namespace, data={"word": "text"})
    objects.create("Secret", "secrets", namespace, stringData={"word": "hidden"})
    containers, mounted = volumes()
    return Pod.create(namespace, "worker", containers, labels={"tier": "tests"}, volumes=mounted).run()


def settled(worker, restarting):
    """Whether all that is told of these pods is told by now, so that two collectors cannot differ by the moment."""

    def condition(items):
        has = lambda name, **of: bool(find(items, name, **of))
        of_worker = {"k8s_pod_name": worker.name, "k8s_namespace_name": worker.namespace}
        return (
            has("container.cpu.usage", **of_worker)
            and has("k8s.pod.cpu.usage", **of_worker)
            and has("k8s.volume.capacity", k8s_volume_name="claim", **of_worker)
            and has("container.cpu.usage", k8s_pod_name=restarting.name)
            and has("container.filesystem.usage", **of_worker)
            and has("k8s.pod.filesystem.usage", **of_worker)
        )

    return condition


def test_metrics_have_the_names_units_kinds_and_attributes_of_otelcols(worker, failing, grant, both):
    grant(documentation.rules("kubelet_stats"))
    failing.restarted()
    tidegate, otelcol = both(collector_pods.config(EVERYTHING, "metrics"))
    for collector in (tidegate, otelcol):
        collector.wait_for(settled(worker, failing), "what there is of the pods")
    since = time.time_ns()
    for collector in (tidegate, otelcol):
        # What kubelet looks at every ten seconds comes at least once, and shares of the growth between two looks.
        collector.wait_for(
            lambda items: any(time_ > since + 25_000_000_000 for time_, _, _ in find(items, "k8s.node.memory.usage")), "25 s",
        )
    used, otelcols = set(), shapes(otelcol.items(), since)
    assert set(OPTIONAL) - MORE_METRICS.keys() <= {name for name, *_ in otelcols}
    assert as_otelcols(shapes(tidegate.items(), since), used) == otelcols
    assert used == {*MORE_METRICS, *MORE_RESOURCE_ATTRIBUTES}


def test_what_lies_still_has_the_same_value_as_otelcols(worker, grant, both):
    grant(documentation.rules("kubelet_stats"))
    tidegate, otelcol = both(collector_pods.config(EVERYTHING, "metrics"))
    of_worker = {"k8s_pod_name": worker.name, "k8s_namespace_name": worker.namespace}
    for collector in (tidegate, otelcol):
        collector.wait_for(lambda items: find(items, "k8s.volume.inodes", k8s_volume_name="claim", **of_worker), "the claim's volume")

    def still(collector):
        items = collector.items()
        names = ("k8s.volume.capacity", "k8s.volume.inodes", "k8s.node.filesystem.capacity", "k8s.pod.filesystem.capacity",
                 "container.filesystem.capacity")
        told = set()
        for name in names:
            for _, resource, amount in find(items, name):
                pod = resource.get("k8s.pod.name"), resource.get("k8s.volume.name"), resource.get("k8s.volume.type")
                if pod[0] in (None, worker.name):
                    told.add((name, *pod, resource.get("k8s.persistentvolumeclaim.name"), amount))
        return told

    assert still(tidegate) == still(otelcol)
    types = {volume: kind for _, _, volume, kind, _, _ in still(tidegate) if volume}
    assert {name: types[name] for name in ("empty", "words", "secrets", "pod", "claim")} == {
        "empty": "emptyDir", "words": "configMap", "secrets": "secret", "pod": "downwardAPI", "claim": "local",
    }


def test_the_node_is_told_with_its_processes(namespace, grant, collector):
    grant(documentation.rules("kubelet_stats"))
    tidegate = collector("tidegate", collector_pods.config(kubelet_stats(metrics={name: {"enabled": True} for name in PIDS}), "metrics"))
    tidegate.wait_for(lambda items: all(find(items, name, k8s_node_name=settings.NODE) for name in PIDS), "numbers of processes")
    limit, usage = (find(tidegate.items(), name)[-1][2] for name in PIDS)
    assert 0 < usage < limit


@pytest.fixture
def failing(namespace):
    """A pod whose container fails once."""
    script = "if [ -e /state/before ]; then exec busybox sleep 1000; fi; >/state/before; exit 3"
    return Pod.create(
        namespace, "failing", [busybox(script, volumeMounts=[{"name": "state", "mountPath": "/state"}])],
        volumes=[{"name": "state", "emptyDir": {}}],
    )


@pytest.fixture
def hungry(namespace):
    """A pod whose container once takes more memory than it may."""
    script = "if [ -e /state/before ]; then exec busybox sleep 1000; fi; >/state/before; exec busybox tail /dev/zero"
    return Pod.create(
        namespace, "hungry",
        [busybox(script, resources={"limits": {"memory": "24Mi"}}, volumeMounts=[{"name": "state", "mountPath": "/state"}])],
        volumes=[{"name": "state", "emptyDir": {}}],
    )


def test_a_container_that_crashed_is_told_with_its_restarts_and_the_reason_of_its_end(namespace, failing, hungry, grant, collector):
    grant(documentation.rules("kubelet_stats"))
    steady = Pod.create(namespace, "steady", [busybox("exec busybox sleep 1000")]).run()
    asked_for = kubelet_stats(resource_attributes={REASON: {"enabled": True}})
    tidegate = collector("tidegate", collector_pods.config(asked_for, "metrics"))
    for pod in (failing, hungry):
        pod.restarted()
    for pod, reason in ((failing, "Error"), (hungry, "OOMKilled"), (steady, None)):
        times = pod.status()["restartCount"]
        assert pod.status()["lastState"].get("terminated", {}).get("reason") == reason

        def is_told(items):
            told = find(items, "k8s.container.restarts", k8s_pod_name=pod.name, k8s_namespace_name=namespace)
            return told and told[-1][2] == times and told[-1][1].get(REASON) == reason

        tidegate.wait_for(is_told, f"{times} restarts of {pod.name}, the reason {reason}")


def test_without_the_right_to_look_at_pods_the_rest_is_told_and_the_rule_is_named(worker, grant, collector):
    without = [rule for rule in documentation.rules("kubelet_stats") if rule["resources"] != ["nodes/pods"]]
    grant(without)
    tidegate = collector("tidegate", collector_pods.config(EVERYTHING, "metrics"))
    of_worker = {"k8s_pod_name": worker.name, "k8s_namespace_name": worker.namespace}
    tidegate.wait_for(lambda items: find(items, "container.memory.working_set", **of_worker), "what is told without /pods")
    tidegate.wait_for_log("nodes/pods")
    assert not find(tidegate.items(), "k8s.container.restarts")
    assert not any("container.id" in resource for _, _, resource, _ in points(tidegate.items()))
    grant(documentation.rules("kubelet_stats"))
    tidegate.wait_for(lambda items: find(items, "k8s.container.restarts", **of_worker), "restarts, now that it may ask")


def test_without_any_right_nothing_is_told_and_the_rule_is_named(namespace, collector):
    tidegate = collector("tidegate", collector_pods.config(kubelet_stats(), "metrics"))
    tidegate.wait_for_log("nodes/stats")
    assert tidegate.items() == []


def test_a_kubelet_that_was_gone_is_scraped_again_when_it_is_back(namespace, worker, grant, collector):
    grant(documentation.rules("kubelet_stats"))
    tidegate = collector("tidegate", collector_pods.config(kubelet_stats(), "metrics"))
    tidegate.wait_for(lambda items: find(items, "k8s.node.memory.usage"), "the node")
    before = tidegate.pod.log()
    kubelet = Daemon("kubelet")
    kubelet.stop()
    try:
        wait_for(lambda: "10250" in tidegate.pod.log().removeprefix(before), "the log to tell of it", trouble=tidegate.trouble)
    finally:
        kubelet.start_again()
    back = time.time_ns()
    tidegate.wait_for(lambda items: any(at > back for at, _, _ in find(items, "k8s.node.memory.usage")), "the node once more")
    tidegate.wait_for(
        lambda items: any(at > back for at, _, _ in find(items, "container.memory.working_set", k8s_pod_name=worker.name)),
        "the pod once more",
    )


def test_a_kubelet_whose_certificate_another_authority_signed_is_refused(namespace, grant, collector, tmp_path):
    grant(documentation.rules("kubelet_stats"))
    other = keys.Authority(tmp_path, "other")
    tidegate = collector("tidegate", collector_pods.config(kubelet_stats(ca_file=f"{collector_pods.WORK}/{other.file.name}"), "metrics"))
    tidegate.wait_for_log("certificate")
    assert tidegate.items() == []
