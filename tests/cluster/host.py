"""A collector as a process that follows what is pushed, and logs that flow through it for as long as they are to."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import daemons
from api_server import free_ports
from objects import wait_for
from pushing import MODULE, POD

LOGS = "/v1/logs"
TICKS = os.sysconf("SC_CLK_TCK")
SSN, MAIL = "123-45-6789", "ada@example.com"
FIELDS = ["log.body", "log.attributes[**]"]
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Host:
    def __init__(self, folder, kubeconfig, cache, backend, modules=(MODULE,), encoding="json"):
        folder.mkdir(exist_ok=True)
        self.folder, self.log = folder, folder / "log"
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self._process = None
        self.address, self._metrics = f"127.0.0.1:{free_ports(1)}", free_ports(1)
        exporter = {"endpoint": backend, "encoding": encoding, "compression": "none"}
        (folder / "tidegate.yaml").write_text(json.dumps(self._document(cache, exporter, modules), indent=1))

    def _document(self, cache, exporter, modules):
        processors = {f"wasm/{name}": {"module": name, "source": "kubernetes", "limits": {"timeout": "5s"}} for name in modules}
        pipeline = {"receivers": ["otlp"], "processors": list(processors), "exporters": ["otlp_http"]}
        return {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": self.address}}}},
            "processors": processors,
            "exporters": {"otlp_http": exporter},
            "modules": {
                "cache": str(cache),
                "grants": {name: {"reads": FIELDS, "writes": [*FIELDS, "log", "counters"]} for name in modules},
                "kubernetes": {"auth_type": "kubeConfig", "storage": "state", "pod": POD},
            },
            "service": {
                "telemetry": {"metrics": {"address": f"127.0.0.1:{self._metrics}"}},
                "pipelines": {"logs": pipeline},
            },
        }

    def start(self):
        seen = self.seen()
        with self.log.open("ab") as log:
            command = [os.environ["TIDEGATE"], "--config", "tidegate.yaml"]
            self._process = subprocess.Popen(command, cwd=self.folder, env=self._environment, stdout=log, stderr=log)
        self.says("listening", since=seen)
        return self

    def stop(self):
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait()

    def restart(self):
        """Ends it without a warning, and starts it anew."""
        self._process.kill()
        self._process.wait()
        return self.start()

    @property
    def id(self):
        return self._process.pid

    def cpu(self):
        """The seconds of CPU that it has taken so far."""
        return self._seconds(11, 12)

    def cpu_of_children(self):
        """The seconds of CPU that those have taken which it has started and which have ended: what compiles."""
        return self._seconds(13, 14)

    def _seconds(self, *fields):
        """Time in user mode and in the kernel for it."""
        told = daemons.stat(self.id)
        return sum(int(told[field]) for field in fields) / TICKS

    def component(self, digest="*"):
        """The component of this digest that it has taken; where it has taken one, that."""
        file, = (self.folder / "state/components").glob(f"{digest.removeprefix('sha256:')}.wasm")
        return file.read_bytes()

    @contextlib.contextmanager
    def frozen(self):
        """It runs no further for so long."""
        self._process.send_signal(signal.SIGSTOP)
        yield
        self._process.send_signal(signal.SIGCONT)

    def seen(self):
        """How much it has said."""
        return self.log.stat().st_size if self.log.exists() else 0

    def said(self, since=0):
        with self.log.open("rb") as log:
            log.seek(since)
            return re.sub(r"\x1b\[[0-9;]*m", "", log.read().decode(errors="replace"))

    def says(self, *texts, since=0):
        """Waits until it says all of this in one line."""
        told = lambda: self.runs() and any(all(text in line for text in texts) for line in self.said(since).splitlines())
        wait_for(told, f"it to say {texts}", trouble=self.trouble)

    def runs(self):
        assert self._process.poll() is None, f"it has ended\n{self.trouble()}"
        return True

    def trouble(self):
        return self.said()[-6000:]

    def metric(self, name, **labels):
        """The sum of a metric over all series that have these labels."""
        with OPENER.open(f"http://127.0.0.1:{self._metrics}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        quoted = [f'{key}="{value}"' for key, value in labels.items()]
        mine = (line for line in lines if re.match(rf"{name}(_total)?[{{ ]", line) and all(one in line for one in quoted))
        return sum(float(line.rpartition(" ")[2]) for line in mine)

    def counts(self, name, least, **labels):
        """Waits until a metric is that high."""
        wait_for(lambda: self.metric(name, **labels) >= least, f"{name} to be {least} {labels}", trouble=self.trouble)

    def lives(self, revision, module=MODULE):
        """Waits until this revision of a module is what runs."""
        name = "tidegate_pushed_module_revision"
        wait_for(lambda: self.metric(name, module=module) == revision, f"revision {revision} of {module} to run", trouble=self.trouble)

    def follows(self):
        self.counts("tidegate_pushed_modules_followed", 1)

    def send(self, body):
        """What a record is answered by; nothing where nobody answers."""
        record = {"timeUnixNano": "1", "body": {"stringValue": body}}
        document = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
        asked = urllib.request.Request(
            f"http://{self.address}{LOGS}", json.dumps(document).encode(), {"Content-Type": "application/json"})
        try:
            with OPENER.open(asked, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None


class Flow:
    """Records that are sent one after the other until it is left; each of them until it is taken, whoever is there to take it."""

    def __init__(self, host, backend):
        self._host, self._backend = host, backend
        self._sent = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _run(self):
        # A pause between two of them leaves the machine to those who are tested.
        while not self._end.wait(0.02):
            if self._host.send(f"line {self._sent + 1} of {SSN} and {MAIL}") == 200:
                self._sent += 1

    def arrived(self):
        """What came, by the numbers of the records."""
        bodies = re.findall(r'"stringValue":"(line (\d+) [^"]*)"', self._backend.received(LOGS).decode())
        return {int(number): body for body, number in bodies}

    def goes_on(self, count=20):
        """Waits until so many have come that were not sent before; what they have become."""
        before = self._sent + 1
        new = lambda: [body for number, body in self.arrived().items() if number > before]
        wait_for(lambda: len(new()) >= count, f"{count} more records to come", trouble=self._host.trouble)
        return new()

    def is_whole(self):
        """Waits until all that was taken has come, and looks whether any of it had what is masked at all times."""
        wait_for(lambda: set(range(1, self._sent + 1)) <= set(self.arrived()), "all records to come", trouble=self._host.trouble)
        leaked = [body for body in self.arrived().values() if SSN in body]
        assert leaked == [], f"{len(leaked)} records were not masked"
