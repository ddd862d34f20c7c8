"""What deploy/modules lets a host do: its own pod's annotations tidegate.dev/*, ConfigMaps to read, and Events to make."""

import json
import secrets
import urllib.error

import control_plane
import kustomize
import objects
import pytest
from deployment import namespace_of
from objects import wait_for
from pods import Pod, busybox

HOSTS = ("agent", "scraper", "gateway")
RESTRICTED = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
}
CONTAINER = {"securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
MINE = {"metadata": {"annotations": {"tidegate.dev/generation": "1"}}}
DENIED = {
    "another annotation": {"metadata": {"annotations": {"example.com/a": "1"}}},
    "the value of another annotation": {"metadata": {"annotations": {"example.com/there": "2"}}},
    "the end of another annotation": {"metadata": {"annotations": {"example.com/there": None}}},
    "one of a longer name that begins alike": {"metadata": {"annotations": {"tidegate.dev.example.com/a": "1"}}},
    "a label": {"metadata": {"labels": {"app": "other"}}},
    "a finalizer": {"metadata": {"finalizers": ["example.com/stays"]}},
    "an owner": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "b"}]}},
    "its image": {"spec": {"containers": [{"name": "main", "image": "localhost/other:1"}]}},
    "its deadline": {"spec": {"activeDeadlineSeconds": 1}},
    "a label beside an annotation of its own": {"metadata": {**MINE["metadata"], "labels": {"app": "other"}}},
}


@pytest.fixture(scope="module", params=HOSTS)
def hosts(request, bases):
    """Two pods of a host's service account, and the policy in force."""
    namespace = namespace_of(request.param)
    modules = kustomize.build(kustomize.DEPLOY / "modules")
    kustomize.apply(modules)
    pair = [
        Pod.create(namespace, name, [busybox("exec busybox sleep 1000", **CONTAINER)], annotations={"example.com/there": "1"},
                   serviceAccountName="tidegate", **RESTRICTED)
        for name in ("own", "other")
    ]
    # The API server looks for policies now and then.
    probe = lambda: {"metadata": {"labels": {"probe": secrets.token_hex(4)}}}
    wait_for(lambda: "denied request" in change(pair[0], probe(), token(pair[0])), "the policy to be in force")
    yield pair
    for pod in pair:
        pod.delete()
    kustomize.delete(modules)


def token(pod, is_bound=True):
    """A token of the pod's service account: bound to the pod, as the kubelet mounts it there, or to nothing."""
    reference = {"kind": "Pod", "apiVersion": "v1", "name": pod.name, "uid": pod.uid}
    spec = {"boundObjectRef": reference} if is_bound else {}
    path = f"/api/v1/namespaces/{pod.namespace}/serviceaccounts/tidegate/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": [], **spec}}
    return json.loads(control_plane.request(path, "POST", body))["status"]["token"]


def change(pod, fields, by, part=""):
    """Changes a pod with a token: why it is refused, or nothing."""
    place = objects.place("Pod", pod.namespace, pod.name) + part
    return asked(place, "PATCH", fields, by, "application/strategic-merge-patch+json")


def asked(place, method, body, by, kind="application/json"):
    try:
        control_plane.request(place, method, body, kind, by)
        return ""
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["message"]


def test_changes_annotations_of_its_own_pod(hosts):
    own = hosts[0]
    for value in ("1", "2", None):
        assert change(own, {"metadata": {"annotations": {"tidegate.dev/generation": value}}}, token(own)) == ""
        assert own.read()["metadata"]["annotations"].get("tidegate.dev/generation") == value


@pytest.mark.parametrize("what", DENIED)
def test_changes_nothing_else_of_it(hosts, what):
    own = hosts[0]
    before = of_others(own)
    assert "'tidegate-own-annotations' denied request" in change(own, DENIED[what], token(own))
    assert of_others(own) == before


def of_others(pod):
    """What of a pod is no host's to change, but for its status."""
    said = pod.read()
    return said["spec"], [said["metadata"].get(key) for key in ("labels", "annotations", "finalizers", "ownerReferences")]


def test_changes_no_other_pod_also_of_its_own_account(hosts):
    own, other = hosts
    assert "its own pod only" in change(other, MINE, token(own))
    assert change(other, MINE, token(other)) == ""


def test_a_token_that_is_bound_to_no_pod_changes_none(hosts):
    own = hosts[0]
    assert "its own pod only" in change(own, MINE, token(own, is_bound=False))


def test_the_administrator_is_not_held_to_it(hosts):
    assert change(hosts[0], {"metadata": {"labels": {"by": "administrator"}}}, None) == ""


def test_reads_config_maps_and_makes_events_in_its_namespace_and_no_more(hosts):
    own = hosts[0]
    by = token(own)
    config_maps = objects.place("ConfigMap", own.namespace)
    assert asked(config_maps, "GET", None, by) == ""
    assert "forbidden" in asked(objects.place("ConfigMap", "default"), "GET", None, by)
    assert "forbidden" in asked(config_maps, "POST", {"metadata": {"name": "a"}}, by)
    assert "forbidden" in asked(objects.place("Secret", own.namespace), "GET", None, by)
    assert "forbidden" in change(own, {"status": {"reason": "a"}}, by, "/status")
    event = {
        "metadata": {"name": "of-a-test", "namespace": own.namespace}, "type": "Normal", "reason": "ModuleLoaded", "message": "a",
        "involvedObject": {"kind": "Pod", "name": own.name, "namespace": own.namespace, "uid": own.uid},
    }
    assert asked(f"/api/v1/namespaces/{own.namespace}/events", "POST", event, by) == ""
