"""The bases of deploy/: as they are, with what a cluster of tests has otherwise, and on their way to the API server."""

import json
import os
import pathlib
import subprocess

import yaml

import settings

DEPLOY = pathlib.Path(__file__).parents[2] / "deploy"


def kubectl(*arguments, text=None, kubeconfig=settings.KUBECONFIG):
    """What kubectl says as the administrator; what it refuses raises, with why."""
    command = ["kubectl", f"--kubeconfig={kubeconfig}", *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return done.stdout, done.stderr


def build(folder):
    """The objects of a folder, as kustomize makes them."""
    return list(yaml.safe_load_all(kubectl("kustomize", folder)[0]))


def overlay(folder, *bases, components=(), **fields):
    """A folder that stands on bases, with components of deploy/ and what `fields` say of a kustomization."""
    folder.mkdir(parents=True, exist_ok=True)
    # kustomize knows bases by relative paths alone.
    ways = lambda parts: [os.path.relpath(DEPLOY / part, folder.resolve()) for part in parts]
    document = {"resources": ways(bases), "components": ways(components), **fields}
    (folder / "kustomization.yaml").write_text(json.dumps(document, indent=1))
    return folder


def patch(kind, *operations):
    """A patch for a kustomization; operations are (op, path) or (op, path, value)."""
    steps = [dict(zip(("op", "path", "value"), operation)) for operation in operations]
    return {"target": {"kind": kind}, "patch": json.dumps(steps)}


def apply(objects, *options, **where):
    """Applies objects on the side of the server; what it warns of comes back."""
    return kubectl("apply", "--server-side", *options, "-f", "-", text=listed(objects), **where)[1]


def delete(objects):
    """Deletes objects, and waits until they are gone."""
    kubectl("delete", "--ignore-not-found", "--timeout=180s", "-f", "-", text=listed(objects))


def delete_soon(objects):
    """Asks for the end of objects that others may still hold."""
    kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", text=listed(objects))


def listed(objects):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def of_kind(objects, kind):
    return [one for one in objects if one["kind"] == kind]
