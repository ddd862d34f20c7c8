"""What deploy/ has, on a cluster: agents, scrapers and gateways from the bases, with a backend that the test has."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import control_plane
import deployment
import documentation
import keys
import kustomize
import objects
import pytest
import settings
from backends import Backends, Otlp
from deployment import BASES, LOKI, PROMETHEUS, WORKLOADS, namespace_of, pods, rolled_out, told
from objects import wait_for
from pods import Pod, busybox

RESTRICTED = ("scraper", "gateway")
# Those that modules may be pushed to.
PUSHED = ("agent", "gateway")
# What a role of a base may have at most: the rules that the documentation has for its components.
SECTIONS = {"agent": ("kubelet_stats", "k8s_attributes"), "scraper": ("prometheus",)}
LINES = 1000
TALKING = "i=0; while [ $i -lt {lines} ]; do echo \"{word} line $i.\"; i=$((i+1)); done; exec busybox sleep 1000"


@pytest.fixture(scope="module")
def backends():
    with Backends() as backends:
        yield backends


@pytest.fixture(scope="module")
def tempo(tmp_path_factory):
    with Otlp(tmp_path_factory.mktemp("tempo")) as tempo:
        yield tempo


@pytest.fixture(scope="module")
def deployed(images, bases, backends, tempo, tmp_path_factory):
    """Agents, scrapers and gateways, all of them ready."""
    folder = tmp_path_factory.mktemp("deploy")
    services = kustomize.of_kind(kustomize.build(kustomize.DEPLOY / "gateway"), "Service")
    kustomize.apply(services)
    address = json.loads(control_plane.get("/api/v1/namespaces/tidegate-gateway/services/tidegate-gateway"))["spec"]["clusterIP"]
    authority = keys.Authority(folder / "keys", "telemetry")
    volumes, workloads = [], []
    try:
        for base in ("gateway", "scraper", "agent"):
            documents = deployment.adapted(base, folder / base, address, backends, tempo)
            workloads += kustomize.of_kind(documents, WORKLOADS[base])
            volumes += deployment.volumes_for(base, documents)
            kustomize.apply([deployment.certificate(authority, base), *volumes, *documents])
        for base in BASES:
            rolled_out(base)
        yield
    finally:
        kustomize.delete(workloads)
        kustomize.delete_soon(volumes)


def waiting(base, exporter):
    """The items that wait in queues of an exporter, as the pods tell themselves."""
    return sum(metric(pod, "tidegate_queue_items", f'exporter="{exporter}"') for pod in pods(base))


def metric(pod, name, label=""):
    """The sum of a metric over all series that have a label, as the pod tells itself."""
    address = pod.read()["status"]["podIP"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{address}:8888/metrics", timeout=60) as answer:
        text = answer.read().decode()
    told = re.findall(rf"^{name}(?:{{[^}}]*{label}.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, told))


@pytest.mark.parametrize("folder", [*BASES, "modules"])
def test_builds_and_passes_a_dry_run_on_the_server_without_a_warning(bases, folder):
    documents = kustomize.build(kustomize.DEPLOY / folder)
    warned = kustomize.apply(documents, "--dry-run=server")
    assert "warning" not in warned.lower(), warned


def test_the_gateway_with_its_autoscaler_passes_a_dry_run(bases, tmp_path):
    documents = kustomize.build(kustomize.overlay(tmp_path, "gateway", components=["gateway/autoscaling"]))
    assert kustomize.of_kind(documents, "HorizontalPodAutoscaler")
    assert "replicas" not in kustomize.of_kind(documents, "StatefulSet")[0]["spec"]
    assert "warning" not in kustomize.apply(documents, "--dry-run=server").lower()


@pytest.mark.parametrize("base", PUSHED)
def test_with_its_modules_it_passes_a_dry_run_and_its_configuration_is_valid(bases, base, tmp_path):
    documents = kustomize.build(kustomize.overlay(tmp_path / "overlay", base, f"modules/{base}", components=[f"{base}/modules"]))
    assert "warning" not in kustomize.apply(documents, "--dry-run=server").lower()
    container = kustomize.of_kind(documents, WORKLOADS[base])[0]["spec"]["template"]["spec"]["containers"][0]
    config_maps = [one["data"] for one in kustomize.of_kind(documents, "ConfigMap")]
    said = next(data for data in config_maps if "tidegate.yaml" not in data)
    for name, text in next(data for data in config_maps if "tidegate.yaml" in data).items():
        write(tmp_path / "config" / name, text.replace("../tls/", f"{tmp_path}/tls/"))
    for name, text in deployment.certificate(keys.Authority(tmp_path / "keys", "telemetry"), base)["stringData"].items():
        write(tmp_path / "tls" / name, text)
    parts = [argument.replace("/etc/tidegate/", f"--config={tmp_path}/") for argument in container["args"] if argument.endswith(".yaml")]
    environment = {**os.environ, **said, **{one["name"]: "x" for one in container["env"]}}
    done = subprocess.run([os.environ["TIDEGATE"], "validate", *parts], env=environment, capture_output=True, text=True)
    assert len(parts) == 2 and done.returncode == 0, done.stdout + done.stderr
    # Each pod's log tells that metrics are for whoever reaches it, as deploy/README.md says, and warns of nothing else.
    *warnings, valid = done.stdout.splitlines()
    assert valid.endswith(": valid") and [line for line in warnings if "service.telemetry.metrics.address" not in line] == []


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("base", RESTRICTED)
def test_pods_are_let_into_a_namespace_that_enforces_the_restricted_level(bases, base):
    enforced = objects.read("Namespace", namespace_of(base))["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted"
    documents = kustomize.build(kustomize.DEPLOY / base)
    kustomize.apply(kustomize.of_kind(documents, "PriorityClass"))
    workload = kustomize.of_kind(documents, "StatefulSet")[0]["spec"]
    # What the claims of a StatefulSet become in its pods.
    claims = [{"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": "any"}} for one in workload["volumeClaimTemplates"]]
    spec = workload["template"]["spec"]
    spec["volumes"] += claims
    assert let_in(base, spec) == ""
    loose = {**spec, "containers": [{**spec["containers"][0], "securityContext": {}}]}
    assert "violates PodSecurity \"restricted" in let_in(base, loose)


def let_in(base, spec):
    """Why a pod is not let in, if it is not: it is not made in any case."""
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dry"}, "spec": spec}
    try:
        control_plane.request(f"/api/v1/namespaces/{namespace_of(base)}/pods?dryRun=All", "POST", body)
        return ""
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["message"]


@pytest.mark.parametrize("base", SECTIONS)
def test_a_role_has_no_rule_that_the_documentation_does_not_have(base):
    role = kustomize.of_kind(kustomize.build(kustomize.DEPLOY / base), "ClusterRole")[0]
    documented = [rule for section in SECTIONS[base] for rule in documentation.rules(section)]
    assert triples(role["rules"]) <= triples(documented)


def triples(rules):
    return {(group, resource, verb) for rule in rules for group in rule.get("apiGroups", [])
            for resource in rule.get("resources", []) for verb in rule["verbs"]}


def test_the_scraper_has_as_many_shards_as_replicas():
    documents = kustomize.build(kustomize.DEPLOY / "scraper")
    shards = next(one["data"]["SHARDS"] for one in kustomize.of_kind(documents, "ConfigMap") if "SHARDS" in one["data"])
    assert kustomize.of_kind(documents, "StatefulSet")[0]["spec"]["replicas"] == int(shards)


@pytest.mark.parametrize("base", BASES)
def test_pods_are_given_longer_than_the_pause_before_their_end_and_their_drain_take(base):
    workload = kustomize.of_kind(kustomize.build(kustomize.DEPLOY / base), WORKLOADS[base])[0]
    spec = workload["spec"]["template"]["spec"]
    container = spec["containers"][0]
    drain = int(container["args"][container["args"].index("--drain-timeout") + 1])
    pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert spec["terminationGracePeriodSeconds"] > pause + drain


def test_a_line_and_the_metrics_of_a_pod_come_by_way_of_agent_and_gateway(namespace, deployed, backends):
    Pod.create(namespace, "talker", [busybox(TALKING.format(lines=1, word=namespace))]).run()
    wait_for(lambda: f"{namespace} line 0.".encode() in backends.received(LOKI), "the line", 300,
             lambda: told("agent") + told("gateway"))
    # Only the API server knows the image.
    wait_for(lambda: b"container_image_name" in backends.received(LOKI), "what the API server says of a pod", 300, lambda: told("agent"))
    # Of the kubelet, of the kernel, of cAdvisor and of the gateways themselves, the last two by a scraper.
    names = (b"k8s_pod_memory_working_set_bytes", b"system_cpu_time_seconds_total", b"container_cpu_usage_seconds_total",
             b"otelcol_exporter_sent_log_records")
    for name in names:
        wait_for(lambda: name in backends.received(PROMETHEUS), name.decode(), 300, lambda: told("agent") + told("scraper") + told("gateway"))
    assert b"of-the-test" in backends.received(PROMETHEUS)


def test_scrapers_share_the_targets(deployed):
    """Each of the pods that ask for it, and the cAdvisor of the one node, is scraped by one of them."""
    annotated = sum(len(pods(base)) for base in BASES)
    shares = lambda: [metric(pod, "tidegate_prometheus_receiver_targets") for pod in pods("scraper")]
    wait_for(lambda: sum(shares()) == annotated + 1, "all targets", 300, lambda: f"{shares()}\n{told('scraper')}")


def test_running_gateways_take_over_a_changed_config_map(deployed):
    there = objects.read("ConfigMap", "tidegate-gateway", namespace_of("gateway"))["data"]["tidegate.yaml"]
    before = {pod.uid for pod in pods("gateway")}
    changed = there.replace("batch: {}", "batch: { timeout: 150ms }")
    assert changed != there
    objects.patch("ConfigMap", "tidegate-gateway", namespace_of("gateway"), data={"tidegate.yaml": changed})
    taken = lambda pod: metric(pod, "tidegate_config_reloads", 'outcome="success"')
    # The kubelet looks at what pods have mounted about once a minute.
    wait_for(lambda: all(taken(pod) for pod in pods("gateway")), "all gateways to take it over", 300, lambda: told("gateway"))
    assert before == {pod.uid for pod in pods("gateway")}


def test_spans_that_are_sent_to_the_port_of_the_node_come_by_way_of_both(deployed, tempo):
    kinds = [f"{settings.NODE_ADDRESS}:4317", "--items", "200", "--rate", "0", "--retry-for", "120s"]
    sent = subprocess.run([os.environ["TIDEGATE"], "generate", "traces", "--endpoint", *kinds], capture_output=True, text=True)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    wait_for(lambda: len(tempo.ids()) >= 200, "the spans", 300, lambda: f"{len(tempo.ids())} came\n{told('gateway')}")


def test_a_restart_of_all_gateways_loses_nothing_while_the_backend_is_down(namespace, deployed, backends):
    backends.is_down = True
    try:
        wait = waiting("gateway", "loki") + LINES
        Pod.create(namespace, "talker", [busybox(TALKING.format(lines=LINES, word=namespace))]).run()
        wait_for(lambda: waiting("gateway", "loki") >= wait, "the lines to wait in gateways", 300, lambda: told("agent") + told("gateway"))
        wait_for(lambda: waiting("agent", "otlp_grpc") == 0, "the agent to have none left", 300, lambda: told("agent"))
        before = {pod.uid for pod in pods("gateway")}
        kustomize.kubectl("rollout", "restart", "-n", "tidegate-gateway", "statefulset/tidegate-gateway")
        rolled_out("gateway")
        assert before.isdisjoint(pod.uid for pod in pods("gateway"))
        assert numbers(backends, namespace) == set() and backends.refused
    finally:
        backends.is_down = False
    wait_for(lambda: numbers(backends, namespace) == set(range(LINES)), "each line", 300,
             lambda: f"{LINES - len(numbers(backends, namespace))} lines are not there\n{told('gateway')}")


def numbers(backends, word):
    return {int(number) for number in re.findall(rb"%s line (\d+)\." % word.encode(), backends.received(LOKI))}
