"""Tidegate as the agent of a node: a DaemonSet that reads logs, asks the kubelet, scrapes pods and tells whose all of it is."""

import collections
import json

import collector_pods
import documentation
import objects
import pytest
import settings
from objects import wait_for
from pods import Pod, busybox
from test_file_log import attribute, file_log
from test_k8s_attributes import LABELS, deploy
from test_kubelet_stats import find, kubelet_stats
from test_prometheus import has, scraped, serving

SECTIONS = ("kubelet_stats", "k8s_attributes", "prometheus")
COUNTING = "i=0; while true; do echo \"line $i\"; i=$((i+1)); busybox usleep 20000; done"


def config(namespace):
    logs = file_log(namespace)
    logs["file_log"] |= {"storage": "file_storage", "exclude": [f"/var/log/pods/{namespace}_agent-*/*/*.log"]}
    return {
        "extensions": {"file_storage": {"directory": f"{collector_pods.WORK}/storage", "create_directory": True}},
        "receivers": {**logs, **kubelet_stats(), **scraped(namespace)},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
            "k8s_attributes": {
                "filter": {"node_from_env_var": "K8S_NODE_NAME"},
                "extract": {
                    "metadata": ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.deployment.name", "k8s.node.name"],
                    "labels": [{"key": "app.kubernetes.io/component", "tag_name": "component"}],
                },
                "pod_association": [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]}],
            },
            "batch": {"timeout": "200ms"},
        },
        # The agent that takes the place of another goes on in its file.
        "exporters": {"file": {"path": "${env:OUT}", "append": True}},
        "service": {
            "extensions": ["file_storage"],
            "pipelines": {
                signal: {"receivers": receivers, "processors": ["memory_limiter", "k8s_attributes", "batch"], "exporters": ["file"]}
                for signal, receivers in (("logs", ["file_log"]), ("metrics", ["kubelet_stats", "prometheus"]))
            },
        },
    }


class Agent(collector_pods.Collector):
    """The agent on the one node that there is; its pod is whichever the DaemonSet has there now."""

    def __init__(self, namespace, folder):
        super().__init__("tidegate", namespace, folder, "collector")

    def start(self, document):
        (self.folder / "tidegate.yaml").write_text(json.dumps(document, indent=1))
        spec = collector_pods.spec_of(self.name, self.folder, self.account)
        spec["containers"][0] |= {
            "resources": {"limits": {"memory": "512Mi"}},
            "securityContext": {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
        objects.create("DaemonSet", "agent", self.pod.namespace, spec={
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": spec},
        })
        self.follow()
        return self

    def follow(self, but=None):
        """Waits for the pod that the DaemonSet has there, and not that of this name."""

        def there():
            names = (pod["metadata"]["name"] for pod in objects.find("Pod", self.pod.namespace, "agent"))
            return next((name for name in names if name != but), None)

        self.pod = Pod(self.pod.namespace, wait_for(there, "a pod of the agent")).run()


@pytest.fixture
def agent(images, namespace, grant, tmp_path):
    """The agent, as a service account that may do what the documentation says of its components."""
    grant([rule for section in SECTIONS for rule in documentation.rules(section)])
    return Agent(namespace, tmp_path).start(config(namespace))


def logs(items):
    return [row for row in items if "body" in row["item"]]


def metrics(items):
    return [row for row in items if "body" not in row["item"]]


def test_tells_logs_metrics_and_scrapes_of_a_node_and_whose_they_are(namespace, agent):
    serving(namespace, "exposing")
    pod = deploy(namespace)
    agent.wait_for(lambda items: [row for row in logs(items) if attribute(row, "k8s.pod.uid") == pod.uid], "logs of the deployment")
    agent.wait_for(lambda items: find(metrics(items), "k8s.pod.memory.working_set", k8s_pod_uid=pod.uid), "the deployment's memory")
    agent.wait_for(lambda items: has("exposing")(metrics(items)), "the pod that exposes metrics")
    whose = {"k8s.deployment.name": "shop", "k8s.node.name": settings.NODE, "component": LABELS["app.kubernetes.io/component"]}
    for row in logs(agent.items()):
        if attribute(row, "k8s.pod.uid") == pod.uid:
            assert whose == {key: attribute(row, key) for key in whose}
    agent.wait_for(
        lambda items: find(metrics(items), "container.memory.working_set", k8s_pod_uid=pod.uid, k8s_deployment_name="shop", component="cart"),
        "the memory of the deployment's container, with whose it is",
    )


def test_goes_on_where_it_was_when_its_pod_is_replaced(namespace, agent):
    Pod.create(namespace, "counting", [busybox(COUNTING)]).run()
    agent.wait_for(lambda items: logs(items), "the first lines")
    before = agent.pod.name
    objects.delete("Pod", before, namespace)
    agent.follow(but=before)
    count = len(logs(agent.items()))
    agent.wait_for(lambda items: len(logs(items)) > count + 100, "lines that came since")
    bodies = [row["item"]["body"]["stringValue"] for row in logs(agent.items())]
    assert collections.Counter(bodies) == {f"line {number}": 1 for number in range(len(bodies))}
