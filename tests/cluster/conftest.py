"""Where the modules of these tests are found, what has to be there, and what each test gets: a namespace, and collectors."""

import os
import pathlib
import re
import secrets
import sys

import pytest

HERE = pathlib.Path(__file__).parent
# Telemetry is compared in the form in which tests/interop does it.
sys.path[:0] = [str(HERE), str(HERE.parent / "interop"), str(HERE.parent)]

import collector_pods  # noqa: E402
import control_plane  # noqa: E402
import deployment  # noqa: E402
import kustomize  # noqa: E402
import node  # noqa: E402
import objects  # noqa: E402
from api_server import ApiServer  # noqa: E402
from backends import Backends  # noqa: E402
from host import Host  # noqa: E402
from pods import Pod  # noqa: E402
from pushing import Namespace  # noqa: E402
from relay import Relay  # noqa: E402


def pytest_sessionstart(session):
    if "TIDEGATE" not in os.environ:
        pytest.exit("TIDEGATE has to name the binary", returncode=2)


def pytest_collection_finish(session):
    """Only tests with an API server of their own go without a cluster."""
    if all("api_server" in item.fixturenames for item in session.items):
        return
    if control_plane.settings.STATE.exists() is False or control_plane.get("/readyz") != "ok":
        pytest.exit("there is no cluster: tests/cluster/cluster.py up", returncode=2)


@pytest.fixture(scope="session")
def images():
    """The images of the collectors, made of the binaries that the environment names."""
    for name in collector_pods.available():
        program = os.environ[collector_pods.PROGRAMS[name]]
        node.load(collector_pods.image(name), [f"/bin/{name}"], [f"{os.path.realpath(program)}:/bin/{name}"])


@pytest.fixture
def namespace(request):
    """A namespace of the test's own, with a service account `collector`; its pods end with it."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:40].strip("-")
    # The namespace of a run before this one may be on its way out.
    name = f"{slug}-{secrets.token_hex(2)}"
    objects.create("Namespace", name)
    objects.wait_for(lambda: objects.read("ServiceAccount", "default", name), "the service account `default`")
    objects.create("ServiceAccount", "collector", name)
    yield name
    pods = [Pod(name, pod["metadata"]["name"]) for pod in objects.read_all("Pod", name)]
    objects.delete("Namespace", name)
    for kind in ("ClusterRoleBinding", "ClusterRole"):
        objects.delete(kind, name)
    for pod in pods:
        objects.wait_for(lambda: pod.read() is None, f"{pod.name} to be gone")


@pytest.fixture(scope="module")
def bases():
    """The namespaces and accounts of what deploy/ has, which are there before anything else is asked of them."""
    documents = [one for base in deployment.BASES for one in kustomize.build(kustomize.DEPLOY / base)]
    kustomize.apply([one for one in documents if one["kind"] in ("Namespace", "ServiceAccount")])
    yield
    kustomize.delete([one for one in documents if "namespace" not in one["metadata"]])


@pytest.fixture
def grant(namespace):
    """Allows the service account `collector` what rules say, in place of what it was allowed before."""

    def allow(rules):
        for kind in ("ClusterRoleBinding", "ClusterRole"):
            objects.delete(kind, namespace)
        objects.create("ClusterRole", namespace, rules=rules)
        objects.create(
            "ClusterRoleBinding", namespace,
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": namespace},
            subjects=[{"kind": "ServiceAccount", "name": "collector", "namespace": namespace}],
        )

    return allow


@pytest.fixture
def collector(images, namespace, tmp_path):
    """Starts a collector by its name, with a configuration."""

    def start(name, document):
        if name not in collector_pods.available():
            pytest.skip(f"{name} is not built; `cargo xtask test --cluster` builds it")
        return collector_pods.Collector(name, namespace, tmp_path, "collector").start(document)

    return start


@pytest.fixture
def both(collector):
    """Starts Tidegate and otelcol with the same configuration."""
    return lambda document: (collector("tidegate", document), collector("otelcol", document))


@pytest.fixture(scope="module")
def api_server(tmp_path_factory):
    """An API server that a test may stop, which no other test is asking."""
    with ApiServer(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture
def pushed(api_server, tmp_path):
    """A namespace of that server, which modules are pushed to."""
    yield Namespace(api_server, f"of-{secrets.token_hex(4)}", tmp_path).make()
    api_server.mend()


@pytest.fixture
def backend():
    """A backend that is sent OTLP, as it comes."""
    with Backends("127.0.0.1", bytes) as backend:
        yield backend


@pytest.fixture
def relay(api_server):
    """What a host reaches the API server through."""
    with Relay(api_server.port) as relay:
        yield relay


@pytest.fixture
def start_host(api_server, pushed, relay, backend, tmp_path):
    """Starts a host of that namespace, which has seen nothing yet."""
    hosts = []

    def start(name):
        hosts.append(Host(tmp_path / name, pushed.kubeconfig(relay.port), api_server.folder / "native", backend.url()))
        return hosts[-1].start()

    yield start
    for host in hosts:
        host.stop()
