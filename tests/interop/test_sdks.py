"""What the SDKs for JavaScript, Go and Java send arrives equal, over gRPC and over HTTP, compressed and not."""

import os
import shlex
import subprocess

import collectors
import pytest
import shape
from sink import Sink

LANGUAGES = {"node": "JavaScript", "go": "Go", "java": "Java"}


def emitter(language):
    """The command that sends by this language's SDK."""
    command = os.environ.get(f"EMIT_{language.upper()}")
    if not command:
        pytest.skip(f"there is no {LANGUAGES[language]} here")
    return shlex.split(command)


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_sdk_sends_arrives_equal(tmp_path, language, protocol, compression):
    command = emitter(language)
    with Sink() as straight, Sink() as sink:
        tidegate = collectors.Tidegate(tmp_path, sink.grpc)
        with tidegate.run():
            ports = {"grpc": (tidegate.grpc, straight.grpc), "http": (tidegate.http, straight.http)}[protocol]
            subprocess.run([*command, protocol, compression, *map(str, ports)], check=True, timeout=collectors.PATIENCE)
        sent, got = shape.items(straight.requests), shape.items(sink.requests)
    assert {row["signal"] for row in sent} == {"logRecords", "spans", "metrics"}
    assert got == sent
    assert shape.from_file(tidegate.file) == sent
