"""Tidegate and otelcol as pods: each with the same configuration, and a file of its own to write to."""

import json
import os

import objects
import settings
import shape
from pods import Pod
from objects import wait_for

PROGRAMS = {"tidegate": "TIDEGATE", "otelcol": "OTELCOL"}
WORK = "/work"


def image(name):
    return f"localhost/{name}:1"


def container(name, config_file, out_file):
    """The container of a collector: what its environment says is what the documentation says that it is to say."""
    field = lambda path: {"valueFrom": {"fieldRef": {"fieldPath": path}}}
    return {
        "name": name,
        "image": image(name),
        "imagePullPolicy": "Never",
        "args": ["--config", config_file],
        "env": [
            {"name": "K8S_NODE_NAME", **field("spec.nodeName")},
            {"name": "K8S_NODE_IP", **field("status.hostIP")},
            {"name": "OUT", "value": out_file},
        ],
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            {"name": "logs", "mountPath": "/var/log/pods", "readOnly": True},
        ],
    }


def spec_of(name, folder, account):
    return {
        "serviceAccountName": account,
        # There is nobody to ask for the address of the node.
        "hostAliases": [{"ip": settings.NODE_ADDRESS, "hostnames": [settings.NODE]}],
        "terminationGracePeriodSeconds": 30,
        "containers": [container(name, f"{WORK}/{name}.yaml", f"{WORK}/{name}.jsonl")],
        "volumes": [
            {"name": "work", "hostPath": {"path": str(folder)}},
            {"name": "logs", "hostPath": {"path": str(settings.POD_LOGS)}},
        ],
    }


def config(receivers, signal, processors=None):
    """A pipeline from receivers to a file."""
    pipeline = {"receivers": list(receivers), "processors": list(processors or {}), "exporters": ["file"]}
    return {
        "receivers": receivers,
        "processors": processors or {},
        "exporters": {"file": {"path": "${env:OUT}"}},
        "service": {"pipelines": {signal: pipeline}},
    }


class Collector:
    def __init__(self, name, namespace, folder, account):
        self.name, self.folder = name, folder
        self.out = folder / f"{name}.jsonl"
        self.pod = Pod(namespace, name)
        self.account = account
        self._read, self._items = 0, []

    def start(self, document):
        (self.folder / f"{self.name}.yaml").write_text(json.dumps(document, indent=1))
        # One that ends is looked at, and not started anew.
        spec = {**spec_of(self.name, self.folder, self.account), "restartPolicy": "Never"}
        objects.create("Pod", self.name, self.pod.namespace, spec=spec)
        self.pod.run()
        return self

    def items(self):
        """What it has written so far; a line that it is writing is left for later, and none is parsed twice."""
        if self.out.exists():
            with self.out.open("rb") as out:
                out.seek(self._read)
                whole = out.read().rpartition(b"\n")[0]
            self._read += len(whole)
            self._items += shape.items(json.loads(line) for line in whole.splitlines() if line)
        return self._items

    def wait_for(self, condition, what, patience=objects.PATIENCE):
        """Waits until this is true of what it has written."""
        return wait_for(lambda: self.runs() and condition(self.items()), f"{self.name}: {what}", patience, self.trouble)

    def wait_for_text(self, text, patience=objects.PATIENCE):
        """The same of a text in what it has written, which is looked for sooner than many items are parsed."""
        wait_for(lambda: self.runs() and self.out.exists() and text in self.out.read_text(), f"{self.name} to write {text!r}", patience, self.trouble)

    def wait_for_log(self, text, patience=objects.PATIENCE):
        wait_for(lambda: text in self.pod.log(), f"{self.name} to say {text!r}", patience, self.trouble)

    def runs(self):
        """Whether it runs; one that ended is not waited for."""
        assert "terminated" not in self.pod.status().get("state", {}), f"{self.name} has ended\n{self.trouble()}"
        return True

    def trouble(self):
        return f"{self.pod.log()[-4000:]}\nIt wrote {len(self.items())} items."


def available():
    return [name for name, variable in PROGRAMS.items() if variable in os.environ]
