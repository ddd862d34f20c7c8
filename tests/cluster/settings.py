"""What the environment says of a cluster, and where its parts are."""

import os
import pathlib
import shlex

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
PROGRAMS = pathlib.Path(os.environ.get("CLUSTER_PROGRAMS") or CACHE / "tidegate-cluster/bin")
# All that a cluster keeps; there is one cluster for each such folder, and with a node one for each machine.
STATE = pathlib.Path(os.environ.get("CLUSTER_STATE", "/var/tmp/tidegate-cluster"))
# The network namespace of the node, and the name of its control group.
NAMESPACE = os.environ.get("CLUSTER_NAMESPACE", "tidegate-cluster")

# An API server without a node stands in the host's network.
ADDRESS = os.environ.get("CLUSTER_ADDRESS", "127.0.0.1")
PORT = int(os.environ.get("CLUSTER_PORT", "6443"))
ETCD_PORT = int(os.environ.get("CLUSTER_ETCD_PORT", "2379"))
# More arguments of the API server.
API_ARGUMENTS = shlex.split(os.environ.get("CLUSTER_API_ARGUMENTS", ""))

NODE = "node1"
NODE_ADDRESS = "10.99.0.1"
# The host's end of the cable to the node, so that both reach each other.
HOST_ADDRESS = "10.99.0.254"
HOST_LINK = "tidegate-node"
PODS = "10.88.0.0/24"
SERVICES = "10.0.0.0/24"
# The address of the service `kubernetes`.
API_SERVICE = "10.0.0.1"

KEYS = STATE / "keys"
AUTHORITY = KEYS / "authority.crt"
KUBECONFIG = STATE / "kubeconfig"
# What the kubelet calls /var/log/pods, in a place that goes with the cluster.
POD_LOGS = STATE / "log/pods"
CONTAINERD_SOCKET = STATE / "containerd.sock"
LOGS = STATE / "log"
