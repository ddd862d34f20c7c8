"""The bases of deploy/ as this cluster can run them: its image, volumes and certificates, and no names of services."""

import os
import shutil

import kustomize
import objects
import settings
from pods import Pod

BASES = ("agent", "scraper", "gateway")
WORKLOADS = {"agent": "DaemonSet", "scraper": "StatefulSet", "gateway": "StatefulSet"}
GATEWAY = "tidegate-gateway.tidegate-gateway.svc"
LOKI, PROMETHEUS = "/loki/api/v1/push", "/api/v1/write"
USER = 65532
CONTAINER = "/spec/template/spec/containers/0"
IMAGE = {"name": "tidegate", "newName": "localhost/tidegate", "newTag": "1"}


def namespace_of(base):
    return f"tidegate-{base}"


def settings_of(base, **values):
    """A generator that changes settings of a base."""
    return {
        "name": f"tidegate-{base}-settings", "namespace": namespace_of(base), "behavior": "merge",
        "literals": [f"{key}={value}" for key, value in values.items()],
    }


def part_of(base, folder, file, text):
    """A generator that adds a file to the configuration of a base, and the steps of a patch that have it read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    generator = {
        "name": f"tidegate-{base}", "namespace": namespace_of(base), "behavior": "merge", "files": [file],
        "options": {"disableNameSuffixHash": True},
    }
    return generator, [("add", f"{CONTAINER}/args/-", argument) for argument in ("--config", f"/etc/tidegate/config/{file}")]


def adapted(base, folder, gateway_address, backends, tempo, bases=(), components=(), values=(), parts=(), steps=()):
    """A base with what this cluster has otherwise: its image, no names of services, and one node of two cores."""
    steps = [("replace", f"{CONTAINER}/resources/requests/cpu", "50m"), *steps, *(step for part in parts for step in part[1])]
    aliases = [{"ip": gateway_address, "hostnames": [GATEWAY]}]
    said = {"CLUSTER_ID": "of-the-test"}
    if base == "gateway":
        said = {"PROMETHEUS": backends.url(PROMETHEUS), "LOKI": backends.url(), "TEMPO": tempo.address}
    else:
        steps.append(("add", "/spec/template/spec/hostAliases", aliases))
    if base == "agent":
        steps += places()
    return kustomize.build(kustomize.overlay(
        folder, base, *bases, components=components, images=[IMAGE],
        configMapGenerator=[settings_of(base, **said | dict(values)), *(part[0] for part in parts)],
        patches=[kustomize.patch(WORKLOADS[base], *steps)],
    ))


def places():
    """Patches of what the agent mounts: logs lie elsewhere here, and so is its own folder to, which goes with the cluster."""
    spec = kustomize.of_kind(kustomize.build(kustomize.DEPLOY / "agent"), "DaemonSet")[0]["spec"]["template"]["spec"]
    for number, volume in enumerate(spec["volumes"]):
        place = {"logs": settings.POD_LOGS, "state": settings.STATE / "volumes/agent"}.get(volume["name"])
        if place:
            yield "replace", f"/spec/template/spec/volumes/{number}/hostPath/path", str(place)
    for number, mount in enumerate(spec["containers"][0]["volumeMounts"]):
        # systemd shares the mounts of a node with what is mounted below them; where it does not run nobody may.
        if "mountPropagation" in mount:
            yield "remove", f"{CONTAINER}/volumeMounts/{number}/mountPropagation"


def volumes_for(base, documents):
    """A volume on the node for each claim of a StatefulSet: there is nobody here to make them."""
    made = []
    for workload in kustomize.of_kind(documents, "StatefulSet"):
        claim = workload["spec"]["volumeClaimTemplates"][0]
        for ordinal in range(workload["spec"]["replicas"]):
            name = f"{claim['metadata']['name']}-{workload['metadata']['name']}-{ordinal}"
            folder = settings.STATE / "volumes" / name
            folder.mkdir(parents=True, exist_ok=True)
            # fsGroup is not for folders of a node.
            os.chown(folder, USER, USER)
            made.append({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
                "spec": {
                    "capacity": claim["spec"]["resources"]["requests"], "accessModes": claim["spec"]["accessModes"],
                    "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(folder)},
                    "claimRef": {"namespace": namespace_of(base), "name": name},
                },
            })
    return made


def certificate(authority, base, names=(GATEWAY,)):
    """The secret of a base: for a client, and for the gateway as a server, too."""
    certificate, key = authority.sign(base, f"/CN=tidegate-{base}", names)
    files = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.file}
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": f"tidegate-{base}-tls", "namespace": namespace_of(base)},
        "stringData": {name: file.read_text() for name, file in files.items()},
    }


def rolled_out(base):
    try:
        kustomize.kubectl("rollout", "status", "--timeout=180s", "-n", namespace_of(base), f"{WORKLOADS[base]}/tidegate-{base}")
    except AssertionError as trouble:
        raise AssertionError(f"{trouble}\n{told(base)}") from None


def pods(base):
    return [Pod(namespace_of(base), one["metadata"]["name"]) for one in objects.read_all("Pod", namespace_of(base))]


def told(base):
    return "\n".join(pod.trouble()[-4000:] for pod in pods(base))


def take_away(documents):
    """Removes what was deployed from a cluster that stays up, and what it kept on the node."""
    # Pods end while there is somebody to end them; what is in a namespace goes with it.
    for is_one in (lambda one: one["kind"] in WORKLOADS.values(), lambda one: "namespace" not in one["metadata"]):
        if found := [one for one in documents if is_one(one)]:
            kustomize.delete(found)
    shutil.rmtree(settings.STATE / "volumes", ignore_errors=True)
