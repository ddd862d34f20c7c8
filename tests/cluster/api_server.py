"""An etcd and an API server of the test's own, beside whatever cluster there is: they may be stopped, and they write down who asked what."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import control_plane
import daemons
import objects

HERE = pathlib.Path(__file__).parent
CONFIG_MAPS, PODS = ({"level": "Metadata", "resources": [{"group": "", "resources": [one]}]} for one in ("configmaps", "pods"))
# Each request is written down once: a watch when it begins, all else when it is answered.
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{**CONFIG_MAPS, "verbs": ["watch"], "omitStages": ["ResponseComplete"]}, CONFIG_MAPS, PODS],
}


def free_ports(count):
    """Ports that nobody listens at: the first of them, with all of them in a row."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
        try:
            # All of them are taken at once, and given back.
            taken = [socket.create_server(("127.0.0.1", port + more)) for more in range(count)]
        except (OSError, OverflowError):
            continue
        for one in taken:
            one.close()
        return port


class ApiServer:
    def __init__(self, folder):
        self.folder, self.state, self.audit = folder, folder / "cluster", folder / "audit.log"
        self.kubeconfig = self.state / "kubeconfig"
        self.port, self._etcd_port = free_ports(1), free_ports(2)
        policy = folder / "audit.yaml"
        policy.write_text(json.dumps(AUDIT))
        self._environment = {
            **os.environ,
            "CLUSTER_STATE": str(self.state),
            # Nothing of another cluster is to be found by that name, and taken down with this one.
            "CLUSTER_NAMESPACE": f"tidegate-{self.port}",
            "CLUSTER_ADDRESS": "127.0.0.1",
            "CLUSTER_PORT": str(self.port),
            "CLUSTER_ETCD_PORT": str(self._etcd_port),
            "CLUSTER_API_ARGUMENTS": f"--audit-policy-file={policy} --audit-log-path={self.audit}",
        }

    def __enter__(self):
        self._ask("up", "api")
        return self

    def __exit__(self, *_):
        for name in ("etcd", "kube-apiserver"):
            self.thaw(name)
        self._ask("down")

    def _ask(self, *arguments):
        command = [sys.executable, HERE / "cluster.py", *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def stop(self, name):
        """Ends etcd or the API server."""
        self._ask("stop", name)

    def start(self, name):
        """Starts what was ended, as it was, and waits until it is of use."""
        self._ask("start", name)
        self.ready()

    def mend(self):
        """Has both run, whatever a test has left of them."""
        for name in ("etcd", "kube-apiserver"):
            self.thaw(name)
            if daemons.started(self._id(name)) is None:
                self._ask("start", name)
        self.ready()

    def freeze(self, name):
        """Has a program run no further, and not end: who asks it waits."""
        os.kill(self._id(name), signal.SIGSTOP)

    def thaw(self, name):
        try:
            os.kill(self._id(name), signal.SIGCONT)
        except (FileNotFoundError, ProcessLookupError):
            pass

    def _id(self, name):
        return json.loads((self.state / f"daemons/{name}.json").read_text())["id"]

    def is_ready(self):
        return control_plane.get("/readyz", self.kubeconfig) == "ok"

    def ready(self):
        objects.wait_for(self.is_ready, "the API server to be ready")

    def fails(self):
        objects.wait_for(lambda: not self.is_ready(), "the API server to be of no use")

    def compact(self):
        """Has etcd forget all revisions but the one that holds."""
        key = {"key": "AA==", "range_end": "AA==", "limit": 1}
        revision = self._of_etcd("range", key)["header"]["revision"]
        self._of_etcd("compaction", {"revision": revision, "physical": True})

    def _of_etcd(self, what, body):
        address = f"http://127.0.0.1:{self._etcd_port}/v3/kv/{what}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(address, json.dumps(body).encode()), timeout=60) as answer:
            return json.loads(answer.read())

    def request(self, path, method="GET", body=None, kind="application/json", token=None):
        return control_plane.request(path, method, body, kind, token, self.kubeconfig)

    def read(self, kind, namespace="", name=""):
        return json.loads(self.request(objects.place(kind, namespace, name)))

    def create(self, kind, name, namespace="", **fields):
        body = objects.document(kind, name, **fields)
        return json.loads(self.request(objects.place(kind, namespace), "POST", body))

    def replace(self, kind, namespace, document):
        """Puts an object in the place of the one of its name; why it is refused, or nothing."""
        try:
            self.request(objects.place(kind, namespace, document["metadata"]["name"]), "PUT", document)
            return ""
        except urllib.error.HTTPError as error:
            return json.loads(error.read())["message"]

    def delete(self, kind, name, namespace=""):
        self.request(objects.place(kind, namespace, name), "DELETE")

    def asked(self, user, of, since=0):
        """What a user has asked of ConfigMaps or pods, from a place in the log of that on."""
        with self.audit.open("rb") as log:
            log.seek(since)
            lines = log.read().rpartition(b"\n")[0].splitlines()
        return [one for one in map(json.loads, lines) if one["user"]["username"] == user and one["objectRef"]["resource"] == of]

    def heard(self):
        """The place in the log at which what is asked from now on will be."""
        return self.audit.stat().st_size
