"""Collectors under test: written a configuration, started on free ports, and ended."""

import contextlib
import json
import os
import socket
import subprocess
import time

from ports import free_port

PATIENCE = 60
SIGNALS = ("logs", "traces", "metrics")


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s for {what}"
        time.sleep(0.02)
    return answer


@contextlib.contextmanager
def running(binary, config, folder, ports, says=""):
    """A collector with this configuration (JSON is YAML), until the end of the block; then it is asked to drain. It is there when it
    listens, and has said so where it says something."""
    path = folder / f"{os.path.basename(binary)}.yaml"
    path.write_text(json.dumps(config, indent=1, ensure_ascii=False), encoding="utf-8")
    log = path.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen([binary, "--config", str(path)], stdout=out, stderr=subprocess.STDOUT, cwd=folder)

    def listens(port):
        assert process.poll() is None, f"{binary} ended with {process.returncode}:\n{log.read_text()}"
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    try:
        for port in ports:
            wait_for(lambda: listens(port), f"{binary} to listen on {port}")
        wait_for(lambda: says in log.read_text(), f"{binary} to say {says!r}")
        yield
        process.terminate()
        assert process.wait(PATIENCE) == 0, f"{binary} ended with {process.returncode}:\n{log.read_text()}"
    finally:
        process.kill()
        process.wait()


class Tidegate:
    """OTLP in, the given processors, and out to a file and, where one is given, to a next hop: the gRPC port of one, or
    the settings of exporters by their ids."""

    def __init__(self, folder, next_port=None, processors=None, more=None, signals=SIGNALS):
        self.folder, self.grpc, self.http = folder, free_port(), free_port()
        self.file = folder / "tidegate.jsonl"
        processors = {"batch": {}, **(processors or {})}
        exporters = {"file": {"path": str(self.file)}}
        if next_port:
            exporters["otlp_grpc"] = {"endpoint": f"127.0.0.1:{next_port}", "tls": {"insecure": True}}
        exporters.update(more or {})
        pipeline = {"receivers": ["otlp"], "processors": list(processors), "exporters": list(exporters)}
        protocols = {p: {"endpoint": f"127.0.0.1:{port}"} for p, port in (("grpc", self.grpc), ("http", self.http))}
        self.config = {
            "receivers": {"otlp": {"protocols": protocols}},
            "processors": processors,
            "exporters": exporters,
            "service": {
                "telemetry": {"metrics": {"address": f"127.0.0.1:{free_port()}"}},
                "pipelines": {signal: pipeline for signal in signals},
            },
        }

    def run(self):
        return running(os.environ["TIDEGATE"], self.config, self.folder, (self.grpc, self.http))


class Otelcol:
    """The Collector: OTLP in, out to a file and, where one is given, to a next hop, as above."""

    def __init__(self, folder, next_port=None, processors=None, more=None, signals=SIGNALS):
        self.folder, self.grpc, self.http = folder, free_port(), free_port()
        self.file = folder / "otelcol.jsonl"
        processors = processors or {}
        exporters = {"file": {"path": str(self.file)}}
        if next_port:
            exporters["otlp"] = {"endpoint": f"127.0.0.1:{next_port}", "tls": {"insecure": True}, "compression": "none"}
        exporters.update(more or {})
        pipeline = {"receivers": ["otlp"], "processors": list(processors), "exporters": list(exporters)}
        protocols = {p: {"endpoint": f"127.0.0.1:{port}"} for p, port in (("grpc", self.grpc), ("http", self.http))}
        self.config = {
            "processors": processors,
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": exporters,
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {signal: pipeline for signal in signals},
            },
        }

    def run(self):
        # It listens before it can be asked to drain: a signal that comes in between ends it as it is.
        return running(os.environ["OTELCOL"], self.config, self.folder, (self.grpc, self.http), says="Everything is ready")
