"""Encrypted between the Collector and Tidegate, with and without a certificate of the client: all arrives, but of nobody
who does not show who they are, and at nobody who is not who they should be."""

import os

import collectors
import emit
import grpc
import pytest
from certificates import Authority
from test_otelcol import arrived, feed

pytestmark = pytest.mark.skipif("OTELCOL" not in os.environ, reason="otelcol is not built; `cargo xtask test --all` builds it")

PAIRS = [(collectors.Otelcol, collectors.Tidegate), (collectors.Tidegate, collectors.Otelcol)]
KINDS = ["otlp", "otlphttp"]

pairs = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "-to-".join(side.__name__ for side in pair))
kinds = pytest.mark.parametrize("kind", KINDS)


def chain(folder, pair, kind, server, client):
    """The first of the pair, which takes plain text and sends it on encrypted, and the second."""
    first, second = pair
    for name in ("first", "second"):
        (folder / name).mkdir()
    behind = second(folder / "second")
    for protocol in behind.config["receivers"]["otlp"]["protocols"].values():
        protocol["tls"] = server
    endpoint = f"https://127.0.0.1:{behind.http}" if kind == "otlphttp" else f"127.0.0.1:{behind.grpc}"
    # The sender is told at once how it went.
    once = {"retry_on_failure": {"enabled": False}, "sending_queue": {"enabled": False}}
    ahead = first(folder / "first", more={kind: {"endpoint": endpoint, "tls": client, **once}})
    del ahead.config["exporters"]["file"]
    for pipeline in ahead.config["service"]["pipelines"].values():
        pipeline["exporters"] = [kind]
    return ahead, behind


@pairs
@kinds
@pytest.mark.parametrize("is_mutual", [False, True], ids=["tls", "mtls"])
def test_what_goes_encrypted_arrives_equal(tmp_path, pair, kind, is_mutual):
    servers, clients = Authority(tmp_path, "servers"), Authority(tmp_path, "clients")
    server, client = servers.issue("hub"), {"ca_file": servers.file}
    if is_mutual:
        server["client_ca_file"] = clients.file
        client.update(clients.issue("edge"))
    ahead, behind = chain(tmp_path, pair, kind, server, client)
    with behind.run(), ahead.run():
        sent = feed(ahead.grpc)
        received = arrived(behind.file, sent)
    assert received == sent


@pairs
@kinds
@pytest.mark.parametrize("who", ["nobody", "stranger", "impostor"])
def test_nothing_goes_to_or_comes_from_who_does_not_show_who_they_are(tmp_path, pair, kind, who):
    servers, clients, others = (Authority(tmp_path, name) for name in ("servers", "clients", "others"))
    server = {**(others if who == "impostor" else servers).issue("hub"), "client_ca_file": clients.file}
    shown = {"nobody": {}, "stranger": others.issue("edge"), "impostor": clients.issue("edge")}[who]
    ahead, behind = chain(tmp_path, pair, kind, server, {"ca_file": servers.file, **shown})
    with behind.run(), ahead.run():
        with pytest.raises(grpc.RpcError):
            emit.by_hand(ahead.grpc)
    assert not behind.file.exists() or behind.file.read_bytes() == b""
