"""A node: its network, containerd, the kubelet and kube-proxy, and the controllers that give it work."""

import json
import os
import pathlib
import subprocess

import control_plane
import daemons
import keys
import mkimage
import settings
from daemons import Daemon, Trouble, wait_for

CGROUPS = pathlib.Path("/sys/fs/cgroup")
PAUSE = "localhost/pause:1"
BUSYBOX = "localhost/busybox:1"
# Links to the logs of containers, which the kubelet makes there whatever it is told.
LINKS = pathlib.Path("/var/log/containers")

CONTAINERD = """\
version = 3
root = "{state}/containerd"
state = "{state}/containerd-run"
[grpc]
  address = "{socket}"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
  # Root may lack the right to make a process harder to kill than itself.
  restrict_oom_score_adj = true
  # So that namespaces of pods go with the cluster, and no other is taken for one of them.
  netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "{state}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  BinaryName = "{runc}"
"""


def network():
    """A namespace with a bridge that the node's address is on; a cable leads from it to the host."""
    name = settings.NAMESPACE
    run("ip", "netns", "add", name)
    run("ip", "link", "add", settings.HOST_LINK, "type", "veth", "peer", "name", "host", "netns", name)
    run("ip", "address", "add", f"{settings.HOST_ADDRESS}/24", "dev", settings.HOST_LINK)
    run("ip", "link", "set", settings.HOST_LINK, "up")
    run("ip", "route", "add", settings.PODS, "via", settings.NODE_ADDRESS)
    for command in (
        "link set lo up",
        "link add node type bridge",
        f"address add {settings.NODE_ADDRESS}/24 dev node",
        "link set host master node",
        "link set host up",
        "link set node up",
        f"route add default via {settings.HOST_ADDRESS}",
    ):
        run("ip", "-n", name, *command.split())
    run("ip", "netns", "exec", name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")


def start():
    controllers()
    runtime()
    kubelet()
    proxy = Daemon("kube-proxy")
    proxy.start([
        f"--kubeconfig={settings.KUBECONFIG}",
        f"--hostname-override={settings.NODE}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={settings.PODS}",
        "--conntrack-max-per-core=0",
    ])

    def is_ready():
        proxy.check(), Daemon("kubelet").check()
        said = json.loads(control_plane.get(f"/api/v1/nodes/{settings.NODE}") or "{}").get("status", {})
        return any(c["type"] == "Ready" and c["status"] == "True" for c in said.get("conditions", []))

    wait_for(is_ready, "the node to be ready", 180)
    wait_for(lambda: control_plane.get("/api/v1/namespaces/default/serviceaccounts/default"), "the service account `default`")


def controllers():
    same = [f"--kubeconfig={settings.KUBECONFIG}", "--leader-elect=false", "--secure-port=0"]
    Daemon("kube-controller-manager").start([
        *same,
        f"--service-account-private-key-file={settings.KEYS / 'service-accounts.key'}",
        f"--root-ca-file={settings.AUTHORITY}",
        "--use-service-account-credentials=true",
    ])
    Daemon("kube-scheduler").start(same)


def runtime():
    folder = settings.STATE / "cni"
    folder.mkdir()
    bridge = {
        "type": "bridge", "bridge": "pods", "isGateway": True, "hairpinMode": True,
        "ipam": {
            "type": "host-local", "dataDir": str(settings.STATE / "ipam"),
            "ranges": [[{"subnet": settings.PODS}]], "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    network_of_pods = {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}
    (folder / "10-pods.conflist").write_text(json.dumps(network_of_pods))
    config = settings.STATE / "containerd.toml"
    config.write_text(CONTAINERD.format(
        state=settings.STATE, socket=settings.CONTAINERD_SOCKET, pause=PAUSE, runc=which("runc"),
    ))
    containerd = Daemon("containerd")
    containerd.start(["--config", config])
    wait_for(lambda: containerd.check() and ctr("version").returncode == 0, "containerd")
    busybox = f"{which('busybox')}:/bin/busybox"
    load(PAUSE, ["/bin/busybox", "sleep", "2147483647"], [busybox])
    load(BUSYBOX, ["/bin/busybox", "sh", "-c"], [busybox])


def load(reference, entrypoint, files):
    """Makes an image and gives it to containerd; pods name it with `imagePullPolicy: Never`."""
    image = settings.STATE / f"image-{os.getpid()}.tar"
    mkimage.write(image, reference, entrypoint, files)
    imported = ctr("-n", "k8s.io", "images", "import", str(image))
    image.unlink()
    if imported.returncode:
        raise Trouble(f"containerd does not take the image {reference}: {imported.stderr}")


def kubelet():
    authority = keys.Authority(settings.KEYS, "authority")
    certificate, key = authority.sign("kubelet", f"/CN={settings.NODE}", [settings.NODE_ADDRESS, settings.NODE])
    for group in control_groups():
        group.mkdir(exist_ok=True)
    config = settings.STATE / "kubelet.json"
    config.write_text(json.dumps({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{settings.NAMESPACE}",
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": f"unix://{settings.CONTAINERD_SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True, "cacheTTL": "1s"},
            "x509": {"clientCAFile": str(settings.AUTHORITY)},
        },
        # What a role allows is to be seen soon after it was changed.
        "authorization": {"mode": "Webhook", "webhook": {"cacheAuthorizedTTL": "1s", "cacheUnauthorizedTTL": "1s"}},
        "address": settings.NODE_ADDRESS,
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "clusterDNS": ["10.0.0.10"],
        "clusterDomain": "cluster.local",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        # Nobody could pull an image anew that was removed because the disk is full.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "podLogsDir": str(settings.POD_LOGS),
        "containerLogMaxSize": "1Mi",
        "containerLogMaxFiles": 5,
        "containerLogMonitorInterval": "3s",
        "volumeStatsAggPeriod": "5s",
        "crashLoopBackOff": {"maxContainerRestartPeriod": "2s"},
    }, indent=1))
    Daemon("kubelet").start([
        f"--config={config}",
        f"--kubeconfig={settings.KUBECONFIG}",
        f"--root-dir={settings.STATE / 'kubelet'}",
        f"--cert-dir={settings.STATE / 'kubelet-certificates'}",
        f"--hostname-override={settings.NODE}",
        f"--node-ip={settings.NODE_ADDRESS}",
    ])


def remove():
    """Ends what runs on the node, and removes what the kernel keeps of it."""
    for name in ("kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager"):
        Daemon(name).stop()
    if Daemon("containerd").id():
        for task in ctr("-n", "k8s.io", "tasks", "list", "-q").stdout.split():
            ctr("-n", "k8s.io", "tasks", "delete", "--force", task)
    Daemon("containerd").stop()
    for shim in shims():
        daemons.end(shim, lambda: daemons.started(shim) is None)
    for process in processes():
        daemons.end(process, lambda: daemons.started(process) is None)
    for mount in sorted(mounts(), reverse=True):
        run("umount", "--lazy", mount)
    if (pathlib.Path("/run/netns") / settings.NAMESPACE).exists():
        # The host's end of the cable, and the route that leads there, go with it.
        run("ip", "netns", "delete", settings.NAMESPACE)
    for group in control_groups():
        for folder, _, _ in os.walk(group, topdown=False):
            wait_for(lambda: removed(folder), f"{folder} to be empty", 30)
    for link in LINKS.glob("*") if LINKS.is_dir() else ():
        if link.is_symlink() and str(link.readlink()).startswith(f"{settings.STATE}/"):
            link.unlink()


def shims():
    """Those who watch over containers of this cluster, by the address of its containerd among their arguments."""
    ours = {str(settings.CONTAINERD_SOCKET), f"{settings.CONTAINERD_SOCKET}.ttrpc"}
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = line.read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "containerd-shim" in arguments[0] and ours & set(arguments):
            yield int(line.parent.name)


def processes():
    """What still runs in containers: whoever is in the control group of the cluster."""
    found = set()
    for group in control_groups():
        for listed in group.rglob("cgroup.procs") if group.exists() else ():
            found.update(map(int, listed.read_text().split()))
    return found


def control_groups():
    """The cluster's own of each hierarchy of version 1, or the one of version 2."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / settings.NAMESPACE]
    return [folder / settings.NAMESPACE for folder in CGROUPS.iterdir() if (folder / "cgroup.procs").exists()]


def removed(folder):
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def mounts():
    places = (line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines())
    return [place for place in places if place.startswith(f"{settings.STATE}/")]


def ctr(*arguments):
    command = [settings.PROGRAMS / "ctr", "--address", settings.CONTAINERD_SOCKET, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def run(*command):
    subprocess.run(command, check=True)


def which(program):
    """Where a program is, also where root's are that are not on the path."""
    for folder in (*os.environ["PATH"].split(":"), "/usr/sbin", "/sbin"):
        if (path := pathlib.Path(folder) / program).is_file():
            return path
    raise Trouble(f"{program} is missing; tests/cluster/README.md says what a node needs")
