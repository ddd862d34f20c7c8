"""Backends on the host, by default within reach of pods: what Loki and Prometheus are sent is kept, unpacked and otherwise as it came."""

import http.server
import json
import os
import re
import socket
import subprocess
import threading

import settings
from objects import wait_for


class Backends:
    """While it is down, it answers that it is not available; `unpack` is how a body is read."""

    def __init__(self, address=settings.HOST_ADDRESS, unpack=None):
        self.is_down = False
        self.refused = 0
        self._unpack = unpack or unpacked
        self._bodies = {}
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer((address, 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def url(self, path=""):
        return f"http://{self._server.server_address[0]}:{self._server.server_port}{path}"

    def received(self, path):
        """All that came to a path so far."""
        return b"\n".join(self.bodies(path))

    def bodies(self, path, since=0):
        """The bodies that came to a path, but for so many that came first."""
        with self._lock:
            return self._bodies.get(path, [])[since:]

    def _take(self, path, body):
        with self._lock:
            if self.is_down:
                self.refused += 1
                return False
            self._bodies.setdefault(path, []).append(self._unpack(body))
            return True

    def _handler(backends):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204 if backends._take(self.path, body) else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        return Handler


class Otlp:
    """A collector of the host in place of Tempo, which writes what it is sent to a file."""

    def __init__(self, folder):
        self.folder = folder
        with socket.create_server((settings.HOST_ADDRESS, 0)) as free:
            self.address = f"{settings.HOST_ADDRESS}:{free.getsockname()[1]}"

    def __enter__(self):
        document = {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": self.address}}}},
            "exporters": {"file": {"path": "spans.jsonl"}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
            },
        }
        config, log = self.folder / "tidegate.yaml", self.folder / "log"
        config.write_text(json.dumps(document))
        with log.open("w") as out:
            self._process = subprocess.Popen([os.environ["TIDEGATE"], "--config", config], stdout=out, stderr=out)
        wait_for(lambda: "listening" in log.read_text() and self._process.poll() is None, "the collector of the host", trouble=log.read_text)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def ids(self):
        """The ids of the spans that came so far."""
        out = self.folder / "spans.jsonl"
        return set(re.findall(r'"spanId":"(\w+)"', out.read_text())) if out.exists() else set()


def unpacked(packed):
    """A block of Snappy, unpacked: its length, then texts and copies of what stands before."""
    at, out = 0, bytearray()
    while packed[at] & 0x80:
        at += 1
    at += 1
    while at < len(packed):
        tag = packed[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                more = length - 59
                length = int.from_bytes(packed[at:at + more], "little")
                at += more
            out += packed[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | packed[at]
            at += 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(packed[at:at + wide], "little")
            at += wide
        # What is copied may reach into what the copy itself adds.
        while length > 0:
            part = out[-offset:][:length]
            out += part
            length -= len(part)
    return bytes(out)
