"""The modules of the SDKs in a host: each is given the same requests, and what becomes of them is looked at."""

import contextlib
import json
import pathlib
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "interop"), str(HERE.parent)]

import collectors  # noqa: E402
from ports import free_port  # noqa: E402

CASES = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "cases").glob("*.json"))}
ERRORS = json.loads((HERE / "errors.json").read_text())


class Host:
    """A collector with a pipeline for each configuration, and the module in each of them."""

    def __init__(self, module, folder, configs, limits=None):
        self.folder, self.module = folder, pathlib.Path(module).resolve()
        self.names = {json.dumps(config, sort_keys=True): f"c{number}" for number, config in enumerate(configs)}
        self.ports = {name: free_port() for name in self.names.values()}
        self.admin = free_port()
        by_name = [(name, json.loads(config)) for config, name in self.names.items()]
        wasm = {"module": str(self.module), **({"limits": limits} if limits else {})}
        self.config = {
            "receivers": {
                f"otlp/{name}": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}} for name, port in self.ports.items()
            },
            "processors": {f"wasm/{name}": {**wasm, "config": config} for name, config in by_name},
            "exporters": {f"file/{name}": {"path": str(folder / f"{name}.jsonl")} for name, _ in by_name},
            "modules": {"grants": {self.module.stem: {"reads": ["*"], "writes": ["*"]}}, "cache": str(cache())},
            "service": {
                "telemetry": {"metrics": {"address": f"127.0.0.1:{self.admin}"}},
                "pipelines": {
                    f"{signal}/{name}": {
                        "receivers": [f"otlp/{name}"], "processors": [f"wasm/{name}"], "exporters": [f"file/{name}"],
                    }
                    for name, _ in by_name
                    for signal in collectors.SIGNALS
                },
            },
        }

    @contextlib.contextmanager
    def run(self, binary):
        with collectors.running(binary, self.config, self.folder, list(self.ports.values())):
            self.wait()
            yield self

    def wait(self):
        """Until the modules are loaded: on a busy machine Python's compiles for a minute and more."""
        end = time.monotonic() + 300
        while " ready " not in (said := self.log()):
            assert "cannot load" not in said and time.monotonic() < end, said
            time.sleep(0.05)

    def send(self, signal, config, request):
        """Sends a request and answers what was delivered of it, as text: None where nothing was."""
        name = self.names[json.dumps(config, sort_keys=True)]
        file = self.folder / f"{name}.jsonl"
        before = file.stat().st_size if file.exists() else 0
        post = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[name]}/v1/{signal}", json.dumps(request).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(post, timeout=collectors.PATIENCE) as answer:
            assert answer.status == 200
        # It was acknowledged, and so it lies in the file.
        lines = []
        if file.exists():
            with file.open(encoding="utf-8") as delivered:
                delivered.seek(before)
                lines = delivered.read().splitlines()
        assert len(lines) < 2, f"one request was delivered as {len(lines)}"
        return lines[0] if lines else None

    def log(self):
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))

    def page(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=collectors.PATIENCE) as answer:
            return answer.read().decode()


def cache():
    """Native code is kept between the tests, and between runs: a module of Python's takes long to compile."""
    folder = pathlib.Path.home() / ".cache/tidegate-conformance"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def refusals(binary, host):
    """What a collector says that does not start with such a configuration."""
    path = host.folder / "wrong.yaml"
    path.write_text(json.dumps(host.config, ensure_ascii=False), encoding="utf-8")
    run = subprocess.run([binary, "--config", str(path)], capture_output=True, text=True, timeout=300, cwd=host.folder)
    assert run.returncode != 0
    return run.stdout + run.stderr
