"""Logs of real pods, told of their pods by `k8s_attributes`."""

import collector_pods
import documentation
import objects
from objects import wait_for
from pods import Pod, busybox, spec
from test_file_log import attribute, file_log, records

PROCESSOR = {"k8s_attributes": {
    "filter": {"node_from_env_var": "K8S_NODE_NAME"},
    "extract": {
        "metadata": [
            "k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.pod.start_time", "k8s.deployment.name", "k8s.replicaset.name",
            "k8s.node.name", "k8s.cluster.uid", "container.image.name", "container.image.tag",
        ],
        "labels": [
            {"key": "app.kubernetes.io/component", "tag_name": "component"},
            {"key_regex": r"team\.example\.com/(.*)", "tag_name": "team.$$1"},
            {"key": "tier", "from": "namespace"},
        ],
        "annotations": [{"key": "example.com/owner", "tag_name": "owner"}],
    },
    "pod_association": [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]}],
}}
LABELS = {"app": "till", "app.kubernetes.io/component": "cart", "team.example.com/name": "blue"}


# What Tidegate tells that otelcol 0.161 does not, each with its reason; docs/migrate-from-otelcol.md has them, too.
MORE = {"container.image.tag": "otelcol leaves it out for container.image.tags, whatever is asked for"}
# What it tells by another name, and the reason.
RENAMED = {"k8s.namespace.labels.tier": ("k8s.namespace.label.tier", "otelcol's names follow feature gates that are on by now")}


def as_otelcols(rows):
    """The records with the resources that otelcol would tell of them."""
    told = []
    for row in rows:
        attributes = [
            {**one, "key": RENAMED.get(one["key"], (one["key"],))[0]} for one in row["resource"]["attributes"] if one["key"] not in MORE
        ]
        told.append({**row, "resource": {"attributes": sorted(attributes, key=lambda one: one["key"])}})
    return told


def deploy(namespace):
    objects.patch("Namespace", namespace, metadata={"labels": {"tier": "gold"}})
    template = {
        "metadata": {"labels": LABELS, "annotations": {"example.com/owner": "somebody"}},
        "spec": spec([busybox("echo first; echo second; exec busybox sleep 1000")]),
    }
    objects.create("Deployment", "shop", namespace, spec={
        "replicas": 1, "selector": {"matchLabels": {"app": LABELS["app"]}}, "template": template,
    })
    return only_pod(namespace)


def only_pod(namespace, but=""):
    """The pod of the deployment, once it runs; not that of this name."""

    def running():
        pods = objects.find("Pod", namespace, LABELS["app"])
        return next((pod for pod in pods if pod["metadata"]["name"] != but and pod["status"]["phase"] == "Running"), None)

    return Pod(namespace, wait_for(running, "a pod of the deployment")["metadata"]["name"])


def config(namespace):
    return collector_pods.config(file_log(namespace, "shop-*"), "logs", PROCESSOR)


def assert_told_of(rows, pod):
    """That a record says what the API server says of its pod."""
    read = pod.read()
    assert rows
    for row in rows:
        owner = read["metadata"]["ownerReferences"][0]["name"]
        told = {key: attribute(row, key) for key in (
            "k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.deployment.name", "k8s.replicaset.name", "k8s.node.name",
            "k8s.cluster.uid", "container.image.name", "container.image.tag", "component", "team.name", "owner",
            "k8s.namespace.labels.tier",
        )}
        assert told == {
            "k8s.namespace.name": pod.namespace,
            "k8s.pod.name": pod.name,
            "k8s.pod.uid": read["metadata"]["uid"],
            "k8s.deployment.name": "shop",
            "k8s.replicaset.name": owner,
            "k8s.node.name": read["spec"]["nodeName"],
            "k8s.cluster.uid": objects.read("Namespace", "kube-system")["metadata"]["uid"],
            "container.image.name": "localhost/busybox",
            "container.image.tag": "1",
            "component": "cart",
            "team.name": "blue",
            "owner": "somebody",
            "k8s.namespace.labels.tier": "gold",
        }


def test_logs_are_told_of_their_pod_as_otelcol_tells_them(namespace, grant, both):
    grant(documentation.rules("k8s_attributes"))
    pod = deploy(namespace)
    tidegate, otelcol = both(config(namespace))
    for collector in (tidegate, otelcol):
        collector.wait_for(lambda items: len(items) == 2, "both lines")
    assert_told_of(tidegate.items(), pod)
    assert as_otelcols(records(tidegate)) == records(otelcol)
    keys = {one["key"] for row in tidegate.items() for one in row["resource"]["attributes"]}
    assert keys >= {*MORE, *RENAMED}


def test_a_pod_that_takes_the_place_of_another_is_told_apart_from_its_first_line(namespace, grant, collector):
    grant(documentation.rules("k8s_attributes"))
    first = deploy(namespace)
    tidegate = collector("tidegate", config(namespace))
    tidegate.wait_for(lambda items: len(items) == 2, "the lines of the first pod")
    assert_told_of(tidegate.items(), first)
    objects.delete("Pod", first.name, namespace)
    second = only_pod(namespace, but=first.name)
    tidegate.wait_for(lambda items: len(items) == 4, "the lines of the second pod")
    assert_told_of([row for row in tidegate.items() if attribute(row, "k8s.pod.uid") == second.uid], second)


def test_without_the_right_to_list_pods_the_rule_is_named_and_logs_go_on(namespace, collector):
    deploy(namespace)
    tidegate = collector("tidegate", config(namespace))
    tidegate.wait_for(lambda items: len(items) == 2, "both lines")
    tidegate.wait_for_log("pods")
    assert all(attribute(row, "k8s.deployment.name") is None for row in tidegate.items())
