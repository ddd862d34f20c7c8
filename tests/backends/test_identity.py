"""With the certificate of one cluster nothing gets into Prometheus as another: whatever the form in which it claims to be of it."""

import contextlib
import json
import os
import random
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from ports import free_port
from programs import get, program, wait_for
from test_prometheus import YOUNG, Prometheus, V2

OWN, OTHER = "edge-a", "edge-b"
# As it is meant, and as Prometheus would make the same label of it.
KEYS = ["cluster.id", "cluster_id", "Cluster.ID", "cluster-id", "cluster/id", "__cluster__id__", "CLUSTER_ID"]
REQUESTS = 400
AT = time.time_ns()


def openssl(folder, line):
    subprocess.run(["openssl", *line.split(" ")], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """An authority, a server, and a client that is cluster A."""
    openssl(folder, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=authority -days 2")
    for name, alternative in [("hub", "IP:127.0.0.1"), ("edge", f"URI:spiffe://example.org/edge/{OWN}")]:
        openssl(folder, f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}")
        (folder / "extensions").write_text(f"subjectAltName={alternative}\n")
        openssl(folder, f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile extensions")


class Hub:
    """Takes from a certificate which cluster speaks, and writes to Prometheus with the resources' attributes as labels."""

    def __init__(self, folder, prometheus):
        self.folder, self.otlp, self.own = folder, free_port(), free_port()
        tls = {"cert_file": "hub.pem", "key_file": "hub.key", "client_ca_file": "ca.pem"}
        rule = {"match": f"spiffe://example.org/edge/{OWN}", "clusters": [OWN]}
        settings = {"endpoint": f"{prometheus.url}/api/v1/write", "protobuf_message": V2, "resource_to_telemetry_conversion": {"enabled": True}}
        config = {
            "receivers": {
                "otlp": {
                    "protocols": {"http": {"endpoint": f"127.0.0.1:{self.otlp}", "tls": tls}},
                    "identity": {"from": ["spiffe"], "rules": [rule]},
                },
            },
            "exporters": {"prometheus_remote_write": settings},
            "service": {
                "telemetry": {"metrics": {"address": f"127.0.0.1:{self.own}"}},
                "pipelines": {"metrics": {"receivers": ["otlp"], "exporters": ["prometheus_remote_write"]}},
            },
        }
        (folder / "tidegate.yaml").write_text(json.dumps(config))
        self.trust = None

    @contextlib.contextmanager
    def run(self):
        self.trust = ssl.create_default_context(cafile=self.folder / "ca.pem")
        self.trust.load_cert_chain(self.folder / "edge.pem", self.folder / "edge.key")
        with program([os.environ["TIDEGATE"], "--config", "tidegate.yaml"], self.folder, "hub"):
            wait_for(lambda: get(f"http://127.0.0.1:{self.own}/metrics"), "the hub")
            yield

    def send(self, body, kind):
        request = urllib.request.Request(f"https://127.0.0.1:{self.otlp}/v1/metrics", body, {"content-type": kind})
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.trust) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


def text(value):
    return AnyValue(string_value=value)


def value(rng, cluster):
    """The name of a cluster, as a text, in a list or deep in a map, or as something that only looks like it."""
    kind = rng.randrange(6)
    held = AnyValue()
    if kind == 0:
        held.array_value.values.append(text(cluster))
    elif kind == 1:
        held.kvlist_value.values.append(KeyValue(key=rng.choice(KEYS), value=text(cluster)))
    elif kind == 2:
        held.bytes_value = cluster.encode()
    else:
        held.string_value = cluster
    return held


def attributes(rng, cluster):
    """Some attributes, of which some say which cluster this is, also twice."""
    made = [KeyValue(key="pod", value=text(f"pod-{rng.randrange(5)}"))]
    for _ in range(rng.choice([0, 1, 1, 2])):
        if rng.randrange(4) == 0:
            nested = AnyValue()
            nested.kvlist_value.values.append(KeyValue(key="id", value=text(cluster())))
            made.append(KeyValue(key="cluster", value=nested))
        else:
            made.append(KeyValue(key=rng.choice(KEYS), value=value(rng, cluster())))
    rng.shuffle(made)
    return made


def request(rng, number):
    """A request of which any part may claim to be of another cluster, at any level; half of them claim nothing wrong."""
    is_honest = rng.randrange(2) == 0
    whole = ExportMetricsServiceRequest()
    for _ in range(rng.randrange(1, 4)):

        def cluster():
            return OWN if is_honest or rng.randrange(2) else OTHER

        resource = whole.resource_metrics.add()
        resource.resource.attributes.extend(attributes(rng, cluster))
        scope = resource.scope_metrics.add()
        scope.scope.attributes.extend(attributes(rng, cluster))
        metric = scope.metrics.add(name=f"tried_{number}")
        metric.metadata.extend(attributes(rng, cluster))
        point = metric.gauge.data_points.add(time_unix_nano=AT, as_double=1)
        point.attributes.extend(attributes(rng, cluster))
        point.exemplars.add(time_unix_nano=AT, as_double=1).filtered_attributes.extend(attributes(rng, cluster))
    return whole


def encoded(rng, whole):
    """The request in one of the forms that there are: JSON, protobuf, or protobuf with a resource's field given twice."""
    kind = rng.randrange(3)
    if kind == 0:
        return json.dumps(MessageToDict(whole)).encode(), "application/json"
    body = whole.SerializeToString()
    if kind == 2:
        claim = ExportMetricsServiceRequest()
        claim.resource_metrics.add().resource.attributes.append(KeyValue(key="cluster.id", value=text(OTHER)))
        inner = claim.resource_metrics[0].SerializeToString()
        first = whole.resource_metrics[0].SerializeToString()
        # Of two singular fields the last one holds, or both are merged, as the reader has it.
        joined = inner + first if rng.randrange(2) else first + inner
        body = b"\x0a" + varint(len(joined)) + joined
    return body, "application/x-protobuf"


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.backend("prometheus")
def test_no_label_in_prometheus_names_a_cluster_that_the_certificate_does_not_speak_for(tmp_path, row):
    certificates(tmp_path)
    prometheus = Prometheus((YOUNG, V2), tmp_path)
    seed = random.randrange(1 << 32)
    rng, answers = random.Random(seed), {}
    with prometheus.run():
        hub = Hub(tmp_path, prometheus)
        with hub.run():
            for number in range(REQUESTS):
                status = hub.send(*encoded(rng, request(rng, number)))
                answers[status] = answers.get(status, 0) + 1
        held = prometheus.ask("series", **{"match[]": '{__name__=~".+"}', "start": AT // 10**9 - 60, "end": AT // 10**9 + 60})
    wrong = [one for one in held if any(OTHER in label for label in one.values())]
    assert not wrong, f"seed {seed}: {wrong[:5]}"
    own = [one for one in held if one.get("cluster_id") == OWN]
    assert len(own) > 10, f"seed {seed}: {answers}, and of {len(held)} series {len(own)} say whose they are"
    assert set(answers) <= {200, 400, 403} and answers.get(403, 0) > 0, f"seed {seed}: {answers}"
    what = "metrics that claim another cluster than the sender's certificate"
    row(prometheus.name, "prometheus_remote_write", what, f"{REQUESTS} requests of random form", "series of its own cluster, and none of another")
