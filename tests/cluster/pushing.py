"""A namespace that modules are pushed to, and the account of a host in it, which may what docs/modules.md says and no more."""

import json
import os
import subprocess
import urllib.error

import documentation
import objects

MODULE = "pii-scrub"
ROLE, ACCOUNT, POD = "tidegate-modules", "collector", "host-0"
# What is masked: numbers, or addresses of mail as well.
NUMBERS = "detectors: { us_ssn: {} }\nfields: [log.body]\n"
BOTH = "detectors: { us_ssn: {}, email: {} }\nfields: [log.body]\n"


class Namespace:
    def __init__(self, api_server, name, folder):
        self.api_server, self.name, self.folder = api_server, name, folder
        self.user = f"system:serviceaccount:{name}:{ACCOUNT}"
        self.token = ""

    def make(self):
        self.api_server.create("Namespace", self.name)
        self.account(ACCOUNT, ROLE, documentation.rules("A host that follows", documentation.DOCS / "modules.md"))
        self.token = self.token_of(ACCOUNT)
        self.pod(POD)
        return self

    def account(self, name, role, rules):
        """A service account that may do this and no more."""
        self.api_server.create("ServiceAccount", name, self.name)
        self.api_server.create("Role", role, self.name, rules=rules)
        self.allow(name, role)

    def token_of(self, account):
        path = objects.place("ServiceAccount", self.name, account) + "/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
        return json.loads(self.api_server.request(path, "POST", asked))["status"]["token"]

    def pod(self, name):
        """A pod of the host's account, which nobody runs."""
        self.api_server.create("Pod", name, self.name, spec={"serviceAccountName": ACCOUNT, "containers": [{"name": "main", "image": "any"}]})

    def allow(self, account=ACCOUNT, role=ROLE):
        self.api_server.create(
            "RoleBinding", role, self.name,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
            subjects=[{"kind": "ServiceAccount", "name": account, "namespace": self.name}],
        )

    def forbid(self):
        """Takes away what the account may, and waits until the API server goes by that."""
        self.api_server.delete("RoleBinding", ROLE, self.name)
        objects.wait_for(lambda: not self.may_read(), "the account to be refused")

    def may_read(self):
        try:
            self.api_server.request(objects.place("ConfigMap", self.name, "any"), token=self.token)
        except urllib.error.HTTPError as error:
            return error.code != 403
        return True

    def kubeconfig(self, port):
        """That of the host's account, for an API server that is reached at a port."""
        config = json.loads(self.api_server.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        config["users"][0]["user"] = {"token": self.token}
        config["contexts"][0]["context"]["namespace"] = self.name
        file = self.folder / f"kubeconfig-{self.name}"
        file.write_text(json.dumps(config))
        return file

    def push(self, rules, module=MODULE, *options):
        """Pushes a module with a configuration."""
        config = self.folder / "rules.yaml"
        config.write_text(rules)
        command = [os.environ["TIDEGATE"], "module", "push", module, "-n", self.name, "--config", config, *options]
        environment = {**os.environ, "KUBECONFIG": self.api_server.kubeconfig, "XDG_CACHE_HOME": self.api_server.folder / "authors"}
        pushed = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert pushed.returncode == 0, pushed.stderr
        return pushed.stderr + pushed.stdout

    def head(self, name=MODULE):
        return self.api_server.read("ConfigMap", self.name, name)

    def asked(self, since=0, of="configmaps"):
        """What the host has asked of ConfigMaps, or of pods, as the API server has written it down."""
        return self.api_server.asked(self.user, of, since)

    def events(self, reason):
        return [one for one in self.api_server.read("Event", self.name)["items"] if one["reason"] == reason]


def manifest_of(head):
    return json.loads(head["data"]["manifest.json"])


def with_manifest(head, manifest):
    """A head as it was, with another manifest, for who writes without having read."""
    metadata = {key: head["metadata"][key] for key in ("name", "labels", "annotations") if key in head["metadata"]}
    text = manifest if isinstance(manifest, str) else json.dumps(manifest, indent=2)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"manifest.json": text}}


def with_section(component, content):
    """The component with a custom section more, which means nothing: another digest, and the same to whoever runs it."""
    content = b"\x04more" + content
    return component + b"\x00" + leb128(len(content)) + content


def leb128(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
