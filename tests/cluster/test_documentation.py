"""What docs/modules.md and docs/security.md say of clusters is true when somebody follows them word for word."""

import json
import os
import pathlib
import secrets
import subprocess
from types import SimpleNamespace

import documentation
import pytest
import walk
import yaml
from api_server import free_ports
from pushing import Namespace

ROOT = pathlib.Path(__file__).parents[2]
MODULES = documentation.DOCS / "modules.md"
HOSTS = {"edge": "agent-x7k2p", "hub": "tidegate-gateway-0"}


@pytest.fixture
def walker(api_server, tmp_path):
    """Somebody who walks, with a kubeconfig of what docs/modules.md gives to authors in two namespaces."""
    namespaces = {name: Namespace(api_server, f"{name}-{secrets.token_hex(4)}", tmp_path).make() for name in HOSTS}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(authors(api_server, namespaces)))
    instead = {"/etc/tidegate/keys": str(tmp_path)}
    environment = {"KUBECONFIG": str(kubeconfig), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with walk.Walk(tmp_path, environment, instead) as walker:
        yield SimpleNamespace(namespaces=namespaces, folder=tmp_path, walk=walker)


def authors(api_server, namespaces):
    """A kubeconfig with a context for each namespace."""
    config = json.loads(api_server.kubeconfig.read_text())
    cluster = config["clusters"][0]["name"]
    config.update(users=[], contexts=[])
    for name, namespace in namespaces.items():
        namespace.account("author", "tidegate-authors", documentation.rules("Push", MODULES))
        config["users"].append({"name": name, "user": {"token": namespace.token_of("author")}})
        config["contexts"].append({"name": name, "context": {"cluster": cluster, "user": name, "namespace": namespace.name}})
    return {**config, "current-context": "edge"}


def start(walker, name):
    """Starts a host by the configuration of the page, with a way for data through it."""
    namespace, pod = walker.namespaces[name], HOSTS[name]
    namespace.pod(pod)
    document = documentation.blocks("A host that follows", MODULES)[0]
    modules = document["modules"]
    modules["trust"] = {"keys": [str(walker.folder / "team.pub")]} if name == "edge" else {}
    modules["kubernetes"].update(auth_type="kubeConfig", storage=str(walker.folder / name))
    document |= {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{free_ports(1)}"}}}},
        "exporters": {"debug": {}},
        "service": {
            "telemetry": {"metrics": {"address": f"127.0.0.1:{free_ports(1)}"}},
            "pipelines": {"logs": {"receivers": ["otlp"], "processors": ["wasm/scrub"], "exporters": ["debug"]}},
        },
    }
    file = walker.folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document))
    kubeconfig = namespace.kubeconfig(namespace.api_server.port)
    walker.walk.begin(f"tidegate --config {file.name}", KUBECONFIG=str(kubeconfig), POD_NAME=pod)


def test_a_module_is_signed_pushed_watched_undone_and_refused_as_the_page_says(walker):
    keys, *rest = ["A host that follows", "Push", "Watch", "Undo", "What is refused", "Sign"]
    walker.walk.follow("modules.md", keys)
    start(walker, "edge")
    walker.walk.follow("modules.md", *rest)


def test_a_module_is_pushed_for_some_clusters_as_the_page_says(walker):
    start(walker, "hub")
    walker.walk.follow("modules.md", "For some clusters")


def test_an_agent_may_do_in_kubernetes_what_the_page_says(api_server, tmp_path):
    environment = {"KUBECONFIG": str(api_server.kubeconfig)}
    for folder in ("agent", "modules/agent", "modules/policy"):
        subprocess.run(["kubectl", "apply", "-k", ROOT / "deploy" / folder], env={**os.environ, **environment}, check=True, capture_output=True)
    with walk.Walk(tmp_path, environment) as walker:
        walker.follow("security.md", "What Kubernetes lets it do")
