"""The Collector before Tidegate and behind it: what passes both is equal, in all that OTLP can say."""

import os

import collectors
import emit
import pytest
import shape
from sink import Sink

pytestmark = pytest.mark.skipif("OTELCOL" not in os.environ, reason="otelcol is not built; `cargo xtask test --all` builds it")


def feed(port):
    """Sends telemetry of every kind there, and returns what a sink got of the same."""
    with Sink() as straight:
        emit.by_sdk(emit.Exporters("grpc", port), emit.Exporters("grpc", straight.grpc))
        emit.by_hand(port)
        emit.by_hand(straight.grpc)
        return shape.items(straight.requests)


def arrived(file, sent):
    """The items in the file, once it has as many as were sent."""

    def whole():
        rows = shape.from_file(file) if file.exists() and file.read_bytes().endswith(b"\n") else []
        return rows if len(rows) >= len(sent) else None

    return collectors.wait_for(whole, f"{len(sent)} items in {file.name}")


def test_what_otelcol_sends_arrives_equal(tmp_path):
    with Sink() as sink:
        tidegate = collectors.Tidegate(tmp_path, sink.grpc)
        otelcol = collectors.Otelcol(tmp_path, tidegate.grpc)
        with tidegate.run(), otelcol.run():
            sent = feed(otelcol.grpc)
            filed = arrived(tidegate.file, sent)
        assert shape.items(sink.requests) == filed
    # Equal to what the Collector itself has made of it, and that to what it was given.
    assert filed == shape.from_file(otelcol.file)
    assert filed == sent


def test_otelcol_as_the_next_hop_receives_it_equal(tmp_path):
    otelcol = collectors.Otelcol(tmp_path)
    tidegate = collectors.Tidegate(tmp_path, otelcol.grpc)
    with otelcol.run(), tidegate.run():
        sent = feed(tidegate.grpc)
        received = arrived(otelcol.file, sent)
    assert received == sent
    assert shape.from_file(tidegate.file) == sent


WIRES = [("otlphttp", {"encoding": "proto", "compression": c}) for c in ("none", "gzip", "zstd", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4")]
WIRES += [("otlphttp", {"encoding": "json", "compression": c}) for c in ("none", "zstd")]
WIRES += [("otlp", {"compression": c, "tls": {"insecure": True}}) for c in ("gzip", "zstd", "snappy")]


def exporter(wire, to):
    kind, settings = wire
    endpoint = f"http://127.0.0.1:{to.http}" if kind == "otlphttp" else f"127.0.0.1:{to.grpc}"
    return {kind: {"endpoint": endpoint, **settings}}


def named(wire):
    return "-".join([wire[0], *(v for v in wire[1].values() if isinstance(v, str))])


@pytest.mark.parametrize("wire", WIRES, ids=named)
def test_every_way_over_the_wire_from_otelcol_arrives_equal(tmp_path, wire):
    tidegate = collectors.Tidegate(tmp_path)
    otelcol = collectors.Otelcol(tmp_path, more=exporter(wire, tidegate))
    with tidegate.run(), otelcol.run():
        sent = feed(otelcol.grpc)
        filed = arrived(tidegate.file, sent)
    assert filed == sent


@pytest.mark.parametrize("wire", WIRES, ids=named)
def test_every_way_over_the_wire_to_otelcol_arrives_equal(tmp_path, wire):
    otelcol = collectors.Otelcol(tmp_path)
    tidegate = collectors.Tidegate(tmp_path, more=exporter(wire, otelcol))
    with otelcol.run(), tidegate.run():
        sent = feed(tidegate.grpc)
        received = arrived(otelcol.file, sent)
    assert received == sent
