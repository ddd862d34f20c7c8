"""Two clusters that send to one hub: one with a node, whose agents are pods, and one that is an API server, whose agent is a process."""

import datetime
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import urllib.request

import yaml

import arrivals
import deployment
import kustomize
import objects
import settings
from objects import wait_for
from pods import Pod, busybox

CLUSTER = pathlib.Path(__file__).with_name("cluster.py")
NAMESPACE = deployment.namespace_of("agent")
# Every so often a talker says something.
PAUSE = 0.2
TALKING = """\
i=0
while [ ! -e /demo/end ]; do echo "{line}"; i=$((i+1)); busybox sleep {pause}; done
echo $i >/demo/count.new; busybox mv /demo/count.new /demo/count
exec busybox sleep 100000
"""


def spiffe(cluster):
    return f"spiffe://tidegate.example/cluster/{cluster}"


class Edge:
    """A cluster whose agent sends what its talker says."""

    def __init__(self, name, folder, kubeconfig):
        self.name, self.folder, self.kubeconfig = name, folder / name, kubeconfig
        self.folder.mkdir(parents=True)
        # What there is of it that the API server has.
        self.objects = []

    def module(self, *arguments, namespace=NAMESPACE):
        """`tidegate module …` of this cluster, as it would be typed, and its environment."""
        command = [os.environ["TIDEGATE"], "module", *map(str, arguments), "--namespace", namespace]
        return command, {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def documents(self, address, backends, tempo, **values):
        """The agent of deploy/ with modules, for this cluster; `values` are settings."""
        return deployment.adapted(
            "agent", self.folder / "overlay", address, backends, tempo, bases=["modules/agent", "modules/policy"],
            components=["agent/modules"], values={"CLUSTER_ID": self.name, **values},
        )

    def apply(self, documents, authority):
        """Applies the agent with a certificate that says which cluster it speaks for; namespaces come first."""
        self.objects += documents
        secret = deployment.certificate(authority, "agent", [spiffe(self.name)])
        kustomize.apply([one for one in documents if one["kind"] in ("Namespace", "ServiceAccount")], kubeconfig=self.kubeconfig)
        kustomize.apply([secret, *documents], kubeconfig=self.kubeconfig)
        return secret["stringData"]


class Node(Edge):
    """The cluster with a node."""

    def __init__(self, name, folder):
        super().__init__(name, folder, settings.KUBECONFIG)

    def start(self, documents, authority):
        self.apply(documents, authority)
        deployment.rolled_out("agent")

    def talk(self):
        script = TALKING.format(line=arrivals.line("$i"), pause=PAUSE)
        shared = self.folder / "talker"
        shared.mkdir()
        self.objects.append(objects.create("Namespace", "shop"))
        wait_for(lambda: objects.read("ServiceAccount", "default", "shop"), "the service account `default`")
        container = busybox(script, volumeMounts=[{"name": "demo", "mountPath": "/demo"}])
        volumes = [{"name": "demo", "hostPath": {"path": str(shared)}}]
        self._talker = Pod.create("shop", "talker", [container], volumes=volumes).run()

    def said(self):
        """How many orders were said so far."""
        return 1 + max((int(said.group(1)) for said in arrivals.ORDER.finditer(self._talker.log())), default=-1)

    def end_talk(self):
        shared = self.folder / "talker"
        (shared / "end").touch()
        wait_for((shared / "count").exists, "the talker to end", trouble=self._talker.trouble)
        return int((shared / "count").read_text())

    def shown(self, what):
        """The command for the cluster, as it would be typed."""
        return f"{CLUSTER} {what}"

    def trouble(self):
        return deployment.told("agent")

    def end(self):
        """What runs here ends with the cluster."""


class Process(Edge):
    """The cluster that is an API server: the same objects lie there, nobody makes pods of them, and a process stands for one."""

    def __init__(self, name, folder):
        self._state = settings.STATE.with_name(f"{settings.STATE.name}-{name}")
        # Whoever takes it down takes down the node of this name, too.
        self._where = {
            "CLUSTER_STATE": str(self._state), "CLUSTER_NAMESPACE": f"{settings.NAMESPACE}-{name}", "CLUSTER_ADDRESS": "127.0.0.1", **ports(),
        }
        super().__init__(name, folder, self._state / "kubeconfig")
        self._process, self._end, self._said, self._log = None, threading.Event(), 0, self.folder / "log"

    def ask(self, *what):
        command = [sys.executable, CLUSTER, *what]
        done = subprocess.run(command, env={**os.environ, **self._where}, capture_output=True, text=True)
        assert done.returncode == 0, f"the cluster {self.name}: {done.stdout}{done.stderr}"

    def shown(self, what):
        """The command for the cluster, as it would be typed; where it listens is of no account."""
        needed = [f"{name}={self._where[name]}" for name in ("CLUSTER_STATE", "CLUSTER_NAMESPACE")]
        return " ".join([*needed, str(CLUSTER), what])

    def start(self, documents, authority, gateway):
        """Starts the agent with the configuration, the settings and the certificate that a pod would have."""
        secret = self.apply(documents, authority)
        config_maps = kustomize.of_kind(documents, "ConfigMap")
        config = next(one["data"] for one in config_maps if one["metadata"]["name"] == "tidegate-agent")
        said = next(one["data"] for one in config_maps if "CLUSTER_ID" in one["data"])
        for place, files in (("config", config), ("tls", secret)):
            (self.folder / place).mkdir()
            for name, text in files.items():
                (self.folder / place / name).write_text(text)
        health, otherwise = self._otherwise()
        (self.folder / "config/process.yaml").write_text(yaml.safe_dump(otherwise))
        environment = {
            **os.environ, **said, "GATEWAY": gateway, "K8S_NODE_NAME": self.name, "K8S_NODE_IP": "127.0.0.1",
            "OTEL_RESOURCE_ATTRIBUTES": f"cluster.id={said['CLUSTER_ID']}", "POD_NAME": self.name,
            "KUBECONFIG": str(self._account(documents)),
        }
        parts = [f"--config={self.folder / 'config' / part}" for part in ("tidegate.yaml", "modules.yaml", "process.yaml")]
        with self._log.open("w") as log:
            self._process = subprocess.Popen([os.environ["TIDEGATE"], *parts], env=environment, stdout=log, stderr=log)
        wait_for(lambda: self._runs() and answers(health), f"the agent of {self.name}", trouble=self.trouble)

    def _otherwise(self):
        """The page of its health, and what a process has otherwise than a pod: places and ports of its own, and no node."""
        grpc, http, health, metrics = (f"127.0.0.1:{port}" for port in free_ports(4))
        return f"http://{health}/healthz", {
            "receivers": {
                "file_log": {"include": [f"{self.folder}/pods/*/*/*.log"]},
                "otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}},
            },
            "processors": {"k8s_attributes": {"auth_type": "kubeConfig"}},
            "extensions": {"health_check": {"endpoint": health}, "file_storage": {"directory": "../state/storage"}},
            "modules": {
                "cache": "../cache", "quarantine": {"path": "../state/quarantine"},
                "kubernetes": {"auth_type": "kubeConfig", "storage": "../state/modules"},
            },
            "service": {
                "telemetry": {"metrics": {"address": metrics}},
                "pipelines": {"metrics": {"receivers": ["otlp"]}},
            },
        }

    def _account(self, documents):
        """A kubeconfig of the service account, with a token that is bound to a pod, as the policy wants it."""
        template = kustomize.of_kind(documents, "DaemonSet")[0]["spec"]["template"]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, "namespace": NAMESPACE}, "spec": template["spec"]}
        kustomize.apply([pod], kubeconfig=self.kubeconfig)
        bound = ["--bound-object-kind=Pod", f"--bound-object-name={self.name}"]
        token = kustomize.kubectl("create", "token", "tidegate", "-n", NAMESPACE, *bound, kubeconfig=self.kubeconfig)[0].strip()
        config = json.loads(self.kubeconfig.read_text())
        config["users"] = [{"name": "tidegate", "user": {"token": token}}]
        config["contexts"][0]["context"].update(user="tidegate", namespace=NAMESPACE)
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path

    def talk(self):
        log = self.folder / "pods/shop_talker_5ca1ab1e-0000-4000-8000-000000000001/main/0.log"
        log.parent.mkdir(parents=True)
        self._thread = threading.Thread(target=self._write, args=[log], daemon=True)
        self._thread.start()

    def _write(self, log):
        """Writes lines as containerd does."""
        with log.open("a", buffering=1) as out:
            while not self._end.wait(PAUSE):
                now = datetime.datetime.now(datetime.timezone.utc).isoformat().removesuffix("+00:00")
                out.write(f"{now}Z stdout F {arrivals.line(self._said)}\n")
                self._said += 1

    def said(self):
        return self._said

    def end_talk(self):
        self._end.set()
        self._thread.join()
        return self._said

    def _runs(self):
        assert self._process.poll() is None, f"the agent of {self.name} has ended\n{self.trouble()}"
        return True

    def trouble(self):
        return self._log.read_text()[-4000:] if self._log.exists() else ""

    def end(self):
        self._end.set()
        if self._process:
            self._process.terminate()
            self._process.wait()


def answers(url):
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def free_ports(count):
    """Ports that nobody listens on at present."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


def ports():
    """A port for an API server, and one for etcd, which takes the next one, too."""
    while True:
        server, etcd = free_ports(2)
        try:
            socket.create_server(("127.0.0.1", etcd + 1)).close()
        except (OSError, OverflowError):
            continue
        return {"CLUSTER_PORT": str(server), "CLUSTER_ETCD_PORT": str(etcd)}
