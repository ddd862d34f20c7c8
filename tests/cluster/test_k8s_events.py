"""Events of a real cluster, told by one of many collectors."""

import json
import os
import pathlib
import signal

import collector_pods
import documentation
import node
import objects
from collector_pods import WORK, Collector
from pods import Pod, busybox

LEASE = "tidegate-events"


def config(namespace, name):
    """One candidate's, with a storage of its own."""
    return {
        "extensions": {
            "k8s_leader_elector": {"lease_name": LEASE, "lease_namespace": namespace, "lease_duration": "6s", "renew_deadline": "4s", "retry_period": "1s"},
            "file_storage": {"directory": f"{WORK}/{name}-storage", "create_directory": True},
        },
        "receivers": {"k8s_events": {"namespaces": [namespace], "k8s_leader_elector": "k8s_leader_elector", "storage": "file_storage"}},
        "exporters": {"file": {"path": "${env:OUT}"}},
        "service": {
            "extensions": ["k8s_leader_elector", "file_storage"],
            "pipelines": {"logs": {"receivers": ["k8s_events"], "exporters": ["file"]}},
        },
    }


def start(namespace, folder, name):
    (folder / name).mkdir()
    candidate = Collector("tidegate", namespace, folder / name, "collector")
    candidate.pod = Pod(namespace, name)
    document = config(namespace, name)
    (candidate.folder / "tidegate.yaml").write_text(json.dumps(document, indent=1))
    spec = {**collector_pods.spec_of("tidegate", candidate.folder, "collector"), "restartPolicy": "Never"}
    objects.create("Pod", name, namespace, spec=spec)
    candidate.pod.run()
    return candidate


def kill(pod):
    """Kills the process of a pod, which has no time to give its Lease up."""
    for process in node.processes():
        if f"HOSTNAME={pod}".encode() in pathlib.Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
            os.kill(process, signal.SIGKILL)
            return
    raise AssertionError(f"no process is that of {pod}")


def told(candidate, pod):
    """The reasons of the events of a pod, in the order in which they were told."""
    attributes = lambda of: {one["key"]: next(iter(one["value"].values())) for one in of["attributes"]}
    # `items` has what it reads at a time in an order of its own.
    lines = candidate.out.read_text().rpartition("\n")[0].splitlines() if candidate.out.exists() else []
    groups = [group for line in lines for group in json.loads(line)["resourceLogs"]]
    records = [
        record
        for group in groups if attributes(group["resource"])["k8s.object.name"] == pod
        for scope in group["scopeLogs"] for record in scope["logRecords"]
    ]
    return [attributes(record)["k8s.event.reason"] for record in records]


def test_the_events_of_a_pod_are_told_by_the_leader_and_by_another_when_it_is_killed(images, namespace, grant, tmp_path):
    grant(documentation.rules("k8s_events") + documentation.rules("k8s_leader_elector"))
    first, second = (start(namespace, tmp_path, name) for name in ("first", "second"))
    objects.wait_for(lambda: any("elected" in one.pod.log() for one in (first, second)), "a leader", trouble=first.trouble)
    leader, standby = (first, second) if "elected" in first.pod.log() else (second, first)
    Pod.create(namespace, "early", [busybox("exec busybox sleep 1000")]).run()
    leader.wait_for(lambda _: "Started" in told(leader, "early"), "the events of a pod")
    assert told(leader, "early") == ["Scheduled", "Pulled", "Created", "Started"]
    assert not told(standby, "early")
    kill(leader.pod.name)
    Pod.create(namespace, "late", [busybox("exec busybox sleep 1000")]).run()
    standby.wait_for(lambda _: "Started" in told(standby, "late"), "the events of a pod that began while nobody led")
    assert told(standby, "late") == ["Scheduled", "Pulled", "Created", "Started"]


def test_without_the_right_to_list_events_the_rule_is_named(namespace, collector):
    tidegate = collector("tidegate", collector_pods.config({"k8s_events": {}}, "logs"))
    tidegate.wait_for_log("resources: [events], verbs: [get, list, watch]")
    assert tidegate.items() == []
