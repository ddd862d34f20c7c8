#!/usr/bin/env python3
"""An image of one layer, from files of this machine, as a tar in OCI's layout: no registry and no engine.

mkimage.py OUT REFERENCE ENTRYPOINT SOURCE[:PLACE]…

What a program is linked with, and its loader, go with it.
"""

import hashlib
import io
import json
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile

FOLDERS = ("bin", "dev", "etc", "proc", "run", "sys", "tmp", "usr", "var")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def needed(program):
    """The loader and the libraries of a program; none where it is linked statically."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", listed.stdout) if listed.returncode == 0 else []


def layer(out, files):
    """Writes the layer: the folders that programs expect, and the files."""
    with tarfile.open(out, "w") as tar:
        for name in FOLDERS:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        # By place: what two programs need is there once.
        for place, source in sorted(files.items()):
            entry = tarfile.TarInfo(place.lstrip("/"))
            entry.mode, entry.size = 0o755, source.stat().st_size
            with source.open("rb") as content:
                tar.addfile(entry, content)


def digest(path):
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write(out, reference, entrypoint, sources):
    files = {}
    for source in sources:
        source, _, place = str(source).partition(":")
        files[place or source] = pathlib.Path(source)
        files.update((library, pathlib.Path(library)) for library in needed(source))
    with tempfile.TemporaryDirectory(dir=pathlib.Path(out).parent) as folder:
        content = pathlib.Path(folder) / "layer.tar"
        layer(content, files)
        pack(out, reference, entrypoint, content)


def pack(out, reference, entrypoint, content):
    machine = platform.machine()
    diff, blobs = digest(content), {}

    def blob(document):
        encoded = json.dumps(document).encode()
        name = hashlib.sha256(encoded).hexdigest()
        blobs[name] = encoded
        return {"digest": f"sha256:{name}", "size": len(encoded)}

    config = blob({
        "architecture": MACHINES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": entrypoint, "Env": ["PATH=/bin:/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff}"]},
        "history": [{"created_by": "mkimage"}],
    })
    kind = "application/vnd.oci.image"
    manifest = blob({
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **config},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar", "digest": f"sha256:{diff}", "size": content.stat().st_size}],
    })
    tag = reference.rpartition(":")[2]
    names = {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": tag}
    index = {"schemaVersion": 2, "manifests": [{"mediaType": f"{kind}.manifest.v1+json", **manifest, "annotations": names}]}
    texts = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
    texts.update((f"blobs/sha256/{name}", encoded) for name, encoded in blobs.items())
    with tarfile.open(out, "w") as tar:
        for name, encoded in texts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(encoded)
            tar.addfile(entry, io.BytesIO(encoded))
        tar.add(content, f"blobs/sha256/{diff}")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    write(sys.argv[1], sys.argv[2], sys.argv[3].split(), sys.argv[4:])
