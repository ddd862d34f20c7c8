"""Objects of the API server: made, looked at, changed and deleted."""

import json
import time
import urllib.error

import control_plane

CORE = "/api/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
APPS = "/apis/apps/v1"
BATCH = "/apis/batch/v1"
# Where objects of a kind are, and whether they are in a namespace.
KINDS = {
    "ClusterRole": (RBAC, "clusterroles", False),
    "ClusterRoleBinding": (RBAC, "clusterrolebindings", False),
    "CronJob": (BATCH, "cronjobs", True),
    "DaemonSet": (APPS, "daemonsets", True),
    "Deployment": (APPS, "deployments", True),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers", True),
    "Job": (BATCH, "jobs", True),
    "Namespace": (CORE, "namespaces", False),
    "Node": (CORE, "nodes", False),
    "PersistentVolume": (CORE, "persistentvolumes", False),
    "PersistentVolumeClaim": (CORE, "persistentvolumeclaims", True),
    "Pod": (CORE, "pods", True),
    "ReplicationController": (CORE, "replicationcontrollers", True),
    "ResourceQuota": (CORE, "resourcequotas", True),
    "Secret": (CORE, "secrets", True),
    "ConfigMap": (CORE, "configmaps", True),
    "Event": (CORE, "events", True),
    "Role": (RBAC, "roles", True),
    "RoleBinding": (RBAC, "rolebindings", True),
    "ServiceAccount": (CORE, "serviceaccounts", True),
    "StatefulSet": (APPS, "statefulsets", True),
}
PATIENCE = 120


def place(kind, namespace, name=""):
    api, plural, is_inside = KINDS[kind]
    inside = f"/namespaces/{namespace}" if is_inside else ""
    return f"{api}{inside}/{plural}" + (f"/{name}" if name else "")


def document(kind, name, labels=None, annotations=None, **fields):
    """An object; `fields` are what it has beside its metadata, such as `spec`."""
    group = KINDS[kind][0].removeprefix("/apis/").removeprefix("/api/")
    metadata = {"name": name, "labels": labels or {}, "annotations": annotations or {}}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **fields}


def create(kind, name, namespace="", labels=None, annotations=None, **fields):
    """Makes an object, as `document` has it."""
    body = document(kind, name, labels, annotations, **fields)
    return json.loads(control_plane.request(place(kind, namespace), "POST", body))


def read(kind, name, namespace=""):
    """The object; nothing where it is not there."""
    text = control_plane.get(place(kind, namespace, name))
    return json.loads(text) if text else None


def read_all(kind, namespace=""):
    return json.loads(control_plane.request(place(kind, namespace)))["items"]


def find(kind, namespace, app):
    """Those that are labelled `app`."""
    return [one for one in read_all(kind, namespace) if one["metadata"].get("labels", {}).get("app") == app]


def patch(kind, name, namespace="", **fields):
    control_plane.request(place(kind, namespace, name), "PATCH", fields, "application/merge-patch+json")


def delete(kind, name, namespace=""):
    """Asks for the end of an object; whether it is gone is another question."""
    try:
        control_plane.request(place(kind, namespace, name), "DELETE")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


def wait_for(condition, what, patience=PATIENCE, trouble=lambda: "", pause=0.2):
    """Asks until there is an answer, with a pause between; `trouble` says what to tell where there is none."""
    end = time.monotonic() + patience
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {patience} s for {what}\n{trouble()}"
        time.sleep(pause)
    return answer
