"""Programs under test: started on free ports with a log of their own, waited for, and ended."""

import contextlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

from ports import free_port

PATIENCE = 90


def wait_for(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {patience} s for {what}"
        time.sleep(0.05)
    return answer


def get(url, headers=None):
    """The body of an answer; nothing where there is none yet."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


@contextlib.contextmanager
def program(command, folder, name, environment=None):
    """A program, until the end of the block; then it is asked to end."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env={**os.environ, **(environment or {})})

    def alive():
        assert process.poll() is None, f"{name} ended with {process.returncode}:\n{log.read_text()[-4000:]}"
        return True

    try:
        yield alive
        process.terminate()
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()


class Tidegate:
    """OTLP in, and out through one exporter."""

    def __init__(self, folder, exporter, settings, signals=("logs",), processors=None):
        self.folder, self.grpc, self.metrics = folder, free_port(), free_port()
        self.exporter = exporter
        pipeline = {"receivers": ["otlp"], "processors": list(processors or {}), "exporters": [exporter]}
        self.config = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{self.grpc}", "max_recv_msg_size_mib": 64}}}},
            "processors": processors or {},
            "exporters": {exporter: settings},
            "service": {
                "limits": {"in_flight_mib": 256, "ack_timeout": "0s"},
                "telemetry": {"metrics": {"address": f"127.0.0.1:{self.metrics}"}},
                "pipelines": {signal: pipeline for signal in signals},
            },
        }

    @contextlib.contextmanager
    def run(self):
        path = self.folder / "tidegate.yaml"
        path.write_text(json.dumps(self.config, indent=1, ensure_ascii=False), encoding="utf-8")
        with program([os.environ["TIDEGATE"], "--config", str(path)], self.folder, "tidegate") as alive:

            def listens():
                with socket.socket() as s:
                    return alive() and s.connect_ex(("127.0.0.1", self.grpc)) == 0

            wait_for(listens, "tidegate to listen")
            yield self

    def log(self):
        return (self.folder / "tidegate.log").read_text()

    def counted(self, name):
        """The samples of a metric of the exporter's, by their other labels, and their sum."""
        text = get(f"http://127.0.0.1:{self.metrics}/metrics") or ""
        found = {}
        for line in text.splitlines():
            if match := re.match(rf'{name}(?:_total)?{{(.*)}} (\S+)$', line):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
                if labels.pop("exporter", None) == self.exporter:
                    found[labels.get("reason", "")] = int(float(match[2]))
        return found
