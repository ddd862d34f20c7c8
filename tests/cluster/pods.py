"""Pods: made, waited for and ended."""

import json

import control_plane
import node
import objects
import settings
from objects import wait_for


def busybox(script, name="main", **more):
    """A container that runs a script."""
    return {"name": name, "image": node.BUSYBOX, "imagePullPolicy": "Never", "args": [script], **more}


def spec(containers, **more):
    # They end at once where they need not.
    return {"terminationGracePeriodSeconds": 1, "containers": containers, **more}


class Pod:
    def __init__(self, namespace, name):
        self.namespace, self.name = namespace, name

    @classmethod
    def create(cls, namespace, name, containers, labels=None, annotations=None, **more):
        objects.create("Pod", name, namespace, labels, annotations, spec=spec(containers, **more))
        return cls(namespace, name)

    def read(self):
        return objects.read("Pod", self.name, self.namespace)

    @property
    def uid(self):
        return self.read()["metadata"]["uid"]

    def status(self, container=0):
        """What is said of a container, where anything is."""
        told = (self.read() or {}).get("status", {}).get("containerStatuses", [])
        return told[container] if len(told) > container else {}

    def run(self):
        """Waits until all containers run."""

        def all_run():
            pod = self.read() or {}
            told = pod.get("status", {}).get("containerStatuses", [])
            return len(told) == len(pod["spec"]["containers"]) and all("running" in one["state"] for one in told)

        wait_for(all_run, f"{self.name} to run", trouble=self.trouble)
        return self

    def restarted(self, times=1):
        wait_for(lambda: self.status().get("restartCount", 0) >= times and "running" in self.status()["state"],
                 f"{self.name} to run again", trouble=self.trouble)

    def log(self, container=0):
        """What is in the files of its logs, be there a kubelet to ask or not: texts, of all starts of the container."""
        name = self.read()["spec"]["containers"][container]["name"]
        folder = settings.POD_LOGS / f"{self.namespace}_{self.name}_{self.uid}" / name
        lines = [line for path in sorted(folder.glob("*.log")) for line in path.read_text(errors="replace").splitlines()]
        return "\n".join(line.split(" ", 3)[-1] for line in lines)

    def trouble(self):
        return f"{json.dumps((self.read() or {}).get('status'), indent=1)}\n{self.log() if self.read() else ''}"

    def delete(self):
        """Asks for its end, and waits until it is gone."""
        objects.delete("Pod", self.name, self.namespace)
        wait_for(lambda: control_plane.get(objects.place("Pod", self.namespace, self.name)) is None, f"{self.name} to be gone")
