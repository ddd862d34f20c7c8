#!/usr/bin/env python3
"""A real Kubernetes of one node, without systemd, a registry or a container engine.

  cluster.py up                  etcd, API server, controllers, scheduler, containerd, kubelet and kube-proxy
  cluster.py up api              etcd and the API server alone, in the host's network
  cluster.py down                ends all of it, and leaves nothing behind
  cluster.py stop|start PROGRAM  ends one of them, and starts it as it was
  cluster.py kubectl …           kubectl, as the administrator

settings.py has what the environment may say.
"""

import os
import shutil
import sys

import control_plane
import node
import settings
from daemons import Daemon, Trouble

# By this a folder is known as a cluster's, and may be removed.
MARK = settings.STATE / "daemons"


def up(what="all"):
    if settings.STATE.exists() and any(settings.STATE.iterdir()):
        down()
    for folder in (settings.LOGS, settings.POD_LOGS, settings.KEYS, MARK):
        folder.mkdir(parents=True, exist_ok=True)
    settings.KEYS.chmod(0o700)
    if what == "api":
        control_plane.start(settings.ADDRESS, settings.PORT, in_node=False)
        print(f"the API server is up: export KUBECONFIG={settings.KUBECONFIG}")
        return
    node.network()
    control_plane.start(settings.NODE_ADDRESS, settings.PORT, in_node=True)
    node.start()
    print(f"the cluster is up: export KUBECONFIG={settings.KUBECONFIG}")


def down():
    if not MARK.is_dir():
        if settings.STATE.exists() and any(settings.STATE.iterdir()):
            raise Trouble(f"{settings.STATE} is not a cluster's: set CLUSTER_STATE to a folder of its own")
        return
    node.remove()
    for name in ("kube-apiserver", "etcd"):
        Daemon(name).stop()
    if left := node.mounts():
        raise Trouble(f"still mounted: {' '.join(left)}")
    shutil.rmtree(settings.STATE)


def main(arguments):
    match arguments:
        case ["up"]:
            up()
        case ["up", "api"]:
            up("api")
        case ["down"]:
            down()
        case ["stop", name]:
            Daemon(name).stop()
        case ["start", name]:
            Daemon(name).start_again()
        case ["kubectl", *rest]:
            os.execvp("kubectl", ["kubectl", f"--kubeconfig={settings.KUBECONFIG}", *rest])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(str(trouble))
