"""What the Python SDK sends arrives equal, over gRPC and over HTTP, at a next hop and in a file."""

import collectors
import emit
import pytest
import shape
from sink import Sink

LABELS = {"cluster.id": "eu-1", "cluster.role": "edge"}


def through(tmp_path, protocol, processors=None):
    """What a sink gets from the SDK, what it gets from Tidegate, and what Tidegate has written into its file."""
    with Sink() as straight, Sink() as sink:
        tidegate = collectors.Tidegate(tmp_path, sink.grpc, processors)
        with tidegate.run():
            sources = {"grpc": (tidegate.grpc, straight.grpc), "http": (tidegate.http, straight.http)}[protocol]
            emit.by_sdk(*(emit.Exporters(protocol, port) for port in sources))
        sent, got = shape.items(straight.requests), shape.items(sink.requests)
    assert {row["signal"] for row in sent} == {"logRecords", "spans", "metrics"}
    return sent, got, shape.from_file(tidegate.file)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_what_the_sdk_sends_arrives_equal(tmp_path, protocol):
    sent, got, filed = through(tmp_path, protocol)
    assert got == sent
    assert filed == sent


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_what_the_sdk_sends_arrives_equal_but_for_the_labels(tmp_path, protocol):
    labels = {"wasm/labels": {"module": "cluster-labels", "config": {"attributes": LABELS, "received_at": "hub.received_at"}}}
    sent, got, filed = through(tmp_path, protocol, labels)
    for rows in (got, filed):
        for row in rows:
            labeled = row["resource"]["attributes"]
            added = {a["key"]: a["value"] for a in labeled if a["key"] in {*LABELS, "hub.received_at"}}
            assert added.pop("hub.received_at")["stringValue"].endswith("Z")
            assert added == {k: {"stringValue": v} for k, v in LABELS.items()}
            row["resource"]["attributes"] = [a for a in labeled if a["key"] not in {*LABELS, "hub.received_at"}]
    order = lambda rows: sorted(rows, key=repr)
    assert order(got) == order(sent)
    assert order(filed) == order(sent)


@pytest.mark.parametrize("protocol, compression", [("grpc", "gzip"), ("http", "gzip"), ("http", "deflate")])
def test_what_the_sdk_compresses_arrives_equal(tmp_path, protocol, compression):
    with Sink() as straight:
        tidegate = collectors.Tidegate(tmp_path)
        with tidegate.run():
            ports = {"grpc": (tidegate.grpc, straight.grpc), "http": (tidegate.http, straight.http)}[protocol]
            emit.by_sdk(emit.Exporters(protocol, ports[0], compression), emit.Exporters(protocol, ports[1]))
        sent = shape.items(straight.requests)
    assert sent and shape.from_file(tidegate.file) == sent


@pytest.mark.parametrize("encoding", ["proto", "json"])
@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_what_is_sent_on_over_http_arrives_equal(tmp_path, encoding, compression):
    with Sink() as straight, Sink() as sink:
        over_http = {"endpoint": f"http://127.0.0.1:{sink.http}", "encoding": encoding, "compression": compression}
        tidegate = collectors.Tidegate(tmp_path, more={"otlp_http": over_http})
        with tidegate.run():
            emit.by_sdk(emit.Exporters("grpc", tidegate.grpc), emit.Exporters("grpc", straight.grpc))
            emit.by_hand(tidegate.grpc)
            emit.by_hand(straight.grpc)
        sent, got = shape.items(straight.requests), shape.items(sink.requests)
    assert got == sent
    assert shape.from_file(tidegate.file) == sent


def test_json_that_protobuf_for_python_makes_arrives_equal(tmp_path):
    with Sink() as straight:
        tidegate = collectors.Tidegate(tmp_path)
        with tidegate.run():
            emit.by_sdk(emit.Exporters("grpc", straight.grpc))
            emit.by_hand(straight.grpc)
            emit.as_json(tidegate.http, straight.requests)
        sent = shape.items(straight.requests)
    assert sent and shape.from_file(tidegate.file) == sent
