"""etcd and the API server, and what their clients need to know."""

import base64
import json
import secrets
import ssl
import urllib.error
import urllib.request

import keys
import settings
from daemons import Daemon, wait_for


def start(address, port, in_node):
    """Starts both; `in_node` is whether they stand in the network of a node."""
    authority = keys.Authority(settings.KEYS, "authority")
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    server = authority.sign("api-server", "/CN=kube-apiserver", [address, "127.0.0.1", settings.API_SERVICE, *names])
    client = authority.sign("kubelet-client", "/O=system:masters/CN=apiserver-kubelet-client")
    private, public = keys.pair(settings.KEYS, "service-accounts")
    token = secrets.token_hex(16)
    tokens = settings.KEYS / "tokens.csv"
    tokens.write_text(f"{token},admin,admin,system:masters\n")
    settings.KUBECONFIG.write_text(kubeconfig(f"https://{address}:{port}", token, authority))

    etcd_client, etcd_peer = (f"http://127.0.0.1:{settings.ETCD_PORT + more}" for more in (0, 1))
    etcd = Daemon("etcd")
    etcd.start([
        f"--data-dir={settings.STATE / 'etcd'}",
        f"--listen-client-urls={etcd_client}",
        f"--advertise-client-urls={etcd_client}",
        f"--listen-peer-urls={etcd_peer}",
        f"--initial-advertise-peer-urls={etcd_peer}",
        f"--initial-cluster=default={etcd_peer}",
        # What it holds need not outlive the machine.
        "--unsafe-no-fsync",
        "--log-level=error",
    ], in_node)
    api = Daemon("kube-apiserver")
    api.start([
        f"--etcd-servers={etcd_client}",
        f"--bind-address={address}",
        f"--secure-port={port}",
        # The host's own address may not be that of a service, and without a node there is nobody to use it.
        *([f"--advertise-address={address}"] if in_node else ["--endpoint-reconciler-type=none"]),
        f"--tls-cert-file={server[0]}",
        f"--tls-private-key-file={server[1]}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=Node,RBAC",
        f"--service-cluster-ip-range={settings.SERVICES}",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-certificate-authority={authority.file}",
        f"--kubelet-client-certificate={client[0]}",
        f"--kubelet-client-key={client[1]}",
        *settings.API_ARGUMENTS,
    ], in_node)
    wait_for(lambda: etcd.check() and api.check() and get("/readyz") == "ok", "the API server")


def kubeconfig(server, token, authority):
    """JSON is YAML. The authority lies in it, so that it may be carried elsewhere."""
    data = base64.b64encode(authority.file.read_bytes()).decode()
    return json.dumps({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": {"server": server, "certificate-authority-data": data}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
        "current-context": "tests",
    }, indent=1)


def request(path, method="GET", body=None, kind="application/json", token=None, kubeconfig=settings.KUBECONFIG):
    """The answer of the API server to the administrator, or to whose token this is; what it refuses raises."""
    config = json.loads(kubeconfig.read_text())
    cluster, token = config["clusters"][0]["cluster"], token or config["users"][0]["user"]["token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    asked = urllib.request.Request(cluster["server"] + path, json.dumps(body).encode() if body else None, headers, method=method)
    trusted = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    # Nobody's proxy is to be asked for what lies on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
    with opener.open(asked, timeout=60) as answer:
        return answer.read().decode(errors="replace")


def get(path, kubeconfig=settings.KUBECONFIG):
    """The same as text; nothing where there is no such thing, or no answer yet."""
    try:
        return request(path, kubeconfig=kubeconfig)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None
