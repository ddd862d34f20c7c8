"""The gateway of deploy/ as a hub: it takes from each cluster what its certificate speaks for, and hands logs on to a backend of the host."""

import json
import ssl
import types
import urllib.error
import urllib.request

import control_plane
import deployment
import edges
import kustomize
import settings

NAMESPACE = deployment.namespace_of("gateway")
# Which certificate may speak for which cluster.
RULE = "        - {{ match: '{spiffe}', clusters: [{name}] }}\n"
IDENTITY = """\
receivers:
  otlp:
    identity:
      from: [spiffe]
      rules:
{rules}"""


class Hub:
    def __init__(self, folder, backends):
        self.folder, self._backends = folder, backends
        # Nobody sends a span.
        self._tempo = types.SimpleNamespace(address=backends.url().removeprefix("http://"))
        self.documents = []

    def start(self, authority, clusters):
        self._authority = authority
        rules = "".join(RULE.format(spiffe=edges.spiffe(name), name=name) for name in clusters)
        place = self.folder / "gateway"
        identity = deployment.part_of("gateway", place, "clusters.yaml", IDENTITY.format(rules=rules))
        documents = deployment.adapted(
            "gateway", place, "", self._backends, self._tempo, bases=["modules/gateway"], components=["gateway/modules"],
            parts=[identity], steps=[("replace", "/spec/replicas", 1)], values={"UNSCRUBBED": "pass"},
        )
        self.documents = [*deployment.volumes_for("gateway", documents), *documents]
        kustomize.apply([one for one in documents if one["kind"] in ("Namespace", "ServiceAccount")])
        certificate = deployment.certificate(authority, "gateway", [deployment.GATEWAY, settings.NODE_ADDRESS])
        kustomize.apply([certificate, *self.documents])
        deployment.rolled_out("gateway")

    def _service(self):
        return json.loads(control_plane.get(f"/api/v1/namespaces/{NAMESPACE}/services/tidegate-gateway"))["spec"]

    def address(self, port):
        """Where it is reached from elsewhere: by the node, as a balancer would."""
        number = next(one["nodePort"] for one in self._service()["ports"] if one["name"] == port)
        return f"{settings.NODE_ADDRESS}:{number}"

    def documents_of(self, edge, **values):
        """The agent of a cluster that sends here; `values` are settings."""
        return edge.documents(self._service()["clusterIP"], self._backends, self._tempo, **values)

    def claim(self, edge, cluster):
        """Sends a record with the certificate of an edge that says that it is of a cluster: the status, and what was said to it."""
        attribute = {"key": "cluster.id", "value": {"stringValue": cluster}}
        record = {"body": {"stringValue": "a forged order"}}
        body = {"resourceLogs": [{"resource": {"attributes": [attribute]}, "scopeLogs": [{"logRecords": [record]}]}]}
        trusted = ssl.create_default_context(cafile=self._authority.file)
        trusted.load_cert_chain(edge.folder / "tls/tls.crt", edge.folder / "tls/tls.key")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
        url, headers = f"https://{self.address('otlp-http')}/v1/logs", {"Content-Type": "application/json"}
        try:
            with opener.open(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read()).get("message", "")
