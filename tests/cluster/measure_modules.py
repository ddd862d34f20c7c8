#!/usr/bin/env python3
"""What following pushed modules costs a host: the bytes of a relist, and its CPU while nothing happens.

  measure_modules.py --tidegate BIN [--modules 500] [--seconds 60]

It has an etcd and an API server of its own, and what the host is sent passes a relay that counts it.
"""

import argparse
import json
import os
import pathlib
import secrets
import sys
import tempfile
import time

import objects
from api_server import ApiServer
from backends import Backends
from host import Host
from pushing import MODULE, NUMBERS, Namespace, manifest_of
from relay import Relay

# What is promised.
MOST_MIB, MOST_PERCENT = 5, 1
MIB = 1 << 20
# Rules that fill a manifest as those of a team do.
DETECTORS = """
detectors:
  email: { action: replace, placeholder: "[mail]" }
  payment_card: { action: replace, placeholder: "[card]" }
  us_ssn: { action: replace, placeholder: "[ssn]" }
  phone: {}
  ipv4: { action: replace, placeholder: "[ip]" }
  jwt: {}
  cloud_key: {}
  bearer_token: {}
fields: [log.body, log.attributes]
"""


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--tidegate", required=True, type=pathlib.Path)
    asked.add_argument("--modules", type=int, default=500)
    asked.add_argument("--seconds", type=int, default=60)
    asked = asked.parse_args()
    os.environ["TIDEGATE"] = str(asked.tidegate.resolve())
    with (
        tempfile.TemporaryDirectory() as folder,
        ApiServer(pathlib.Path(folder)) as server,
        Backends("127.0.0.1", bytes) as backend,
        Relay(server.port) as relay,
    ):
        namespace = Namespace(server, f"of-{secrets.token_hex(4)}", server.folder).make()
        publish(namespace, asked.modules)
        host = Host(server.folder / "host", namespace.kubeconfig(relay.port), server.folder / "native", backend.url())
        host.start()
        try:
            return measured(namespace, host, relay, asked.seconds)
        finally:
            host.stop()


def publish(namespace, count):
    """One module in earnest, and others with heads and parts as large as its own."""
    namespace.push(DETECTORS)
    head = namespace.head()
    manifest = manifest_of(head)
    parts = [namespace.head(part["name"]) for part in manifest["component"]["parts"]]
    for number in range(1, count):
        name = f"team-{number:03}-{MODULE}"
        for at, part in enumerate(parts):
            labels = {"tidegate.dev/part-of": name}
            namespace.api_server.create(
                "ConfigMap", f"{name}-{at}", namespace.name, labels=labels, binaryData=part["binaryData"], immutable=True)
        own = [{**part, "name": f"{name}-{at}"} for at, part in enumerate(manifest["component"]["parts"])]
        text = json.dumps({**manifest, "name": name, "component": {**manifest["component"], "parts": own}}, indent=2)
        namespace.api_server.create(
            "ConfigMap", name, namespace.name, labels={"tidegate.dev/module": name},
            annotations=head["metadata"]["annotations"], data={"manifest.json": text})
    sizes = (len(head["data"]["manifest.json"]), sum(part["bytes"] for part in manifest["component"]["parts"]))
    print(f"modules: {count}, each a manifest of {sizes[0]:,} bytes and parts of {sizes[1]:,} bytes")


def measured(namespace, host, relay, seconds):
    """Prints what is measured; whether that is as much as it may be at most."""
    host.lives(1)
    host.follows()
    print(f"first start: {relay.to_client / MIB:.3f} MiB to the host, {relay.to_server / MIB:.3f} MiB from it, its own module included")
    relist = relisted(namespace, host, relay)
    began, used = time.monotonic(), host.cpu()
    passed = relay.to_client
    time.sleep(seconds)
    percent = 100 * (host.cpu() - used) / (time.monotonic() - began)
    print(f"idle for {seconds} s: {percent:.2f} % of a core (at most {MOST_PERCENT}), {relay.to_client - passed:,} bytes to the host")
    host.runs()
    return 0 if relist <= MOST_MIB and percent <= MOST_PERCENT else 1


def relisted(namespace, host, relay):
    """Has the host ask for all heads anew: the API server that it asked is another one after that."""
    server = namespace.api_server
    since, seen = server.heard(), host.seen()
    server.stop("kube-apiserver")
    host.says("not heard of at present", since=seen)
    passed, sent = relay.to_client, relay.to_server
    server.start("kube-apiserver")
    host.follows()
    mebibytes = (relay.to_client - passed) / MIB
    # A change afterwards shows that it is at the end of the list.
    namespace.push(NUMBERS)
    host.lives(2)
    lists = [one["requestURI"] for one in namespace.asked(since) if one["verb"] == "list" and one["responseStatus"]["code"] == 200]
    print(f"relist: {mebibytes:.3f} MiB to the host (at most {MOST_MIB}), {(relay.to_server - sent) / MIB:.3f} MiB from it, "
          f"in {len(lists)} pages")
    return mebibytes


if __name__ == "__main__":
    sys.exit(main())
