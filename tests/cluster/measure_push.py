#!/usr/bin/env python3
"""How soon a pushed module is live, and what the data that flows meanwhile feels of it.

  measure_push.py --tidegate BIN --rig BIN [--rounds 7] [--rate 300] [--quiet 4]

It has an etcd and an API server of its own. A host takes requests at a rate while modules are pushed to it, of several kinds in turn. Each
request is timed from when it was due to its answer, which comes when the sink has it.
"""

import argparse
import bisect
import concurrent.futures
import contextlib
import datetime
import json
import operator
import os
import pathlib
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import typing
import urllib.request

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from api_server import ApiServer, free_ports
from host import LOGS, MAIL, OPENER, SSN, Host
from objects import wait_for
from pushing import Namespace, manifest_of, with_section
from sender import Sender

# What is promised: live so many seconds after the event, and on top of that what compiling takes where that is more than half a CPU
# second; and so many milliseconds that the p99 may rise by.
MOST_SECONDS, FREE_SECONDS, MOST_RISE = 2, 0.5, 5
# What a swap does to requests may show for so long after it.
AFTER = 0.25
RECORDS = 20
# What leaves a mark in each record that a module has. The second of the two is larger, and takes longer to compile.
RULES = {
    "pii-scrub": """
detectors:
  us_ssn: {{ action: replace, placeholder: "{}" }}
  email: {{ action: replace, placeholder: "[mail]" }}
fields: [log.body, log.attributes]
""",
    "transform": """
log_statements: ['replace_pattern(log.body, "was paid", "{}")']
""",
}
SMALL, LARGE = RULES
HEADER = """
| pushed | times | live after s (most) | seen in the output after s (most) | CPU s of compiling | bar s | | requests | p50 ms quiet | meanwhile \
| p99 ms quiet | meanwhile | rise of p99 | bar ms | | most ms quiet | meanwhile |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


class Kind(typing.NamedTuple):
    """What a push brings."""

    what: str
    module: str

    def __str__(self):
        return f"{self.what} (`{self.module}`)"


CONFIGURATION = Kind("a configuration", SMALL)
FORMER = Kind("a component that was there before", SMALL)
NEW, NEW_AND_LARGE = (Kind("a component that nobody has seen", module) for module in (SMALL, LARGE))
KINDS = (CONFIGURATION, FORMER, NEW, NEW_AND_LARGE)


class Push(typing.NamedTuple):
    """A push by its moments: since when nothing had happened, when it was begun, when the API server had it, when the host said that it is
    live, and when the sink had something that it has masked."""

    kind: Kind
    quiet: float
    begun: float
    event: float
    live: float
    seen: float
    compiling: float

    def most(self):
        """By when it has to be live."""
        return MOST_SECONDS + (self.compiling if self.compiling > FREE_SECONDS else 0)

    def delays(self):
        return self.live - self.event, self.seen - self.event

    def end(self):
        return max(self.live, self.seen) + AFTER


class Felt(typing.NamedTuple):
    """What requests of a while took, in milliseconds."""

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, sent, since, until):
        first, last = (bisect.bisect_left(sent, at, key=operator.attrgetter("due")) for at in (since, until))
        taken = sorted(one.ms for one in sent[first:last])
        at = lambda share: taken[int((len(taken) - 1) * share)]
        return cls(len(taken), at(0.5), at(0.99), at(1))


class Sink:
    """The rig's, which looks for the marks of all revisions in what it gets."""

    def __init__(self, rig, marks):
        self._http, self._stats, *others = (f"127.0.0.1:{free_ports(4) + more}" for more in range(4))
        command = [rig, "sink", "--http", self._http, "--stats", self._stats, "--grpc", others[0], "--remote-write", others[1]]
        self._process = subprocess.Popen([*command, *(f"--needle={mark}" for mark in marks)])
        self.url = f"http://{self._http}"

    def __enter__(self):
        try:
            wait_for(self._answers, "the sink to answer")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def _ask(self, what, method="GET"):
        with OPENER.open(urllib.request.Request(f"http://{self._stats}/{what}", method=method), timeout=60) as answer:
            return json.loads(answer.read())

    def _answers(self):
        assert self._process.poll() is None, "the sink has ended"
        with contextlib.suppress(OSError):
            return self._ask("search", "POST")

    def has(self, mark):
        return self._ask("stats")["needles"][mark] > 0


class Pushes:
    """Modules that are pushed one after the other, each with rules that leave a mark of their own."""

    def __init__(self, namespace, host, sink, quiet):
        self._namespace, self._host, self._sink, self._quiet = namespace, host, sink, quiet
        self._count = 0

    def begin(self):
        """Pushes all modules: before they are there, requests are refused, which is no part of what is measured. Their components."""
        for module, rules in RULES.items():
            self._namespace.push(rules.format(mark_of(0)), module)
            self._host.lives(1, module)
        digests = {module: manifest_of(self._namespace.head(module))["component"]["digest"] for module in RULES}
        return {module: self._host.component(digest) for module, digest in digests.items()}

    def measure(self, kind, source):
        """Pushes what is of this kind, a bundled module or a file, when nothing has happened for a while."""
        quiet = time.time()
        time.sleep(self._quiet)
        said, heard, compiled = self._host.seen(), self._namespace.api_server.heard(), self._host.cpu_of_children()
        begun = time.time()
        seen = self._push(kind.module, source)
        live, = (moment(line.split()[0]) for line in self._host.said(said).splitlines() if "module loaded" in line)
        event, compiling = self._written(kind.module, heard), self._host.cpu_of_children() - compiled
        done = Push(kind, quiet, begun, event, live, seen, compiling)
        time.sleep(max(0.0, done.end() - time.time()))
        print(f"{kind}: live after {live - event:.3f} s, seen after {seen - event:.3f} s, {compiling:.2f} CPU s of compiling", flush=True)
        return done

    def _push(self, module, source):
        """When the sink has what it has marked."""
        self._count += 1
        mark = mark_of(self._count)
        with concurrent.futures.ThreadPoolExecutor(1) as author:
            pushed = author.submit(self._namespace.push, RULES[module].format(mark), source)
            wait_for(lambda: self._has(mark, pushed), f"{mark} to come", trouble=self._host.trouble, pause=0.02)
            return time.time()

    def _has(self, mark, pushed):
        if pushed.done():
            # Who has failed to push says so here.
            pushed.result()
        return self._sink.has(mark)

    def _written(self, module, since):
        """When the API server was asked to write the head, as it has written that down."""
        asked = self._namespace.api_server.asked("admin", "configmaps", since)
        heads = [one for one in asked if one["objectRef"].get("name") == module and one["verb"] in ("create", "update", "patch")]
        written = [one for one in heads if one["responseStatus"]["code"] < 300 and "dryRun" not in one["requestURI"]]
        return moment(written[-1]["requestReceivedTimestamp"])


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for program in ("--tidegate", "--rig"):
        asked.add_argument(program, required=True, type=pathlib.Path)
    asked.add_argument("--rounds", type=int, default=7)
    asked.add_argument("--rate", type=float, default=300, help="requests a second")
    asked.add_argument("--quiet", type=float, default=4, help="seconds before each push")
    asked = asked.parse_args()
    os.environ["TIDEGATE"] = str(asked.tidegate.resolve())
    marks = [mark_of(number) for number in range(1 + len(KINDS) * asked.rounds)]
    with (
        tempfile.TemporaryDirectory() as folder,
        ApiServer(pathlib.Path(folder)) as server,
        Sink(asked.rig.resolve(), marks) as sink,
    ):
        namespace = Namespace(server, f"of-{secrets.token_hex(4)}", server.folder).make()
        host = Host(server.folder / "host", namespace.kubeconfig(server.port), server.folder / "native", sink.url, tuple(RULES), "proto")
        try:
            host.start()
            host.follows()
            pushes, sent = measured(Pushes(namespace, host, sink, asked.quiet), host, server.folder, asked)
        finally:
            host.stop()
    print(f"load average at the end: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
    return judged(pushes, sent)


def measured(pushes, host, folder, asked):
    """The pushes, and the requests that were sent meanwhile."""
    request = folder / "request"
    request.write_bytes(request_of(RECORDS))
    with Sender(host.address, LOGS, asked.rate, request) as sender:
        components, done = pushes.begin(), []
        for number in range(asked.rounds):
            small, large = (variant(folder / f"{number}-{module}", component) for module, component in components.items())
            sources = {NEW: small, CONFIGURATION: small, FORMER: SMALL, NEW_AND_LARGE: large}
            done += [pushes.measure(kind, source) for kind, source in sources.items()]
        return done, sender.end()


def variant(place, component):
    """A file by the name of the module, with a component that nobody has seen."""
    place.mkdir()
    file = place / f"{place.name.partition('-')[2]}.wasm"
    file.write_bytes(with_section(component, os.urandom(16)))
    return file


def request_of(records):
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for number in range(records):
        record = scope.log_records.add(time_unix_nano=1, severity_text="INFO")
        record.body.string_value = f"order {number} of {MAIL}, SSN {SSN}, was paid and goes to the warehouse in the north of the town"
        record.attributes.add(key="http.route").value.string_value = "/orders/{id}/payment"
    return request.SerializeToString()


def mark_of(number):
    return f"[mark-{number:03}]"


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def judged(pushes, sent):
    """Prints the table; 0 where all that is promised holds."""
    print(HEADER)
    verdicts = [row([push for push in pushes if push.kind == kind], sent) for kind in KINDS]
    first = pushes[0].quiet
    failed = [one for one in sent if one.due > first and one.status != 200]
    print(f"\n{len(sent)} requests, {len(failed)} of which were not taken while there was a module")
    return 0 if all(verdicts) and not failed else 1


def row(pushes, sent):
    quiet = [Felt.of(sent, push.quiet, push.begun) for push in pushes]
    meanwhile = [Felt.of(sent, push.event, push.end()) for push in pushes]
    rise = statistics.median(after.p99 - before.p99 for before, after in zip(quiet, meanwhile))
    is_soon = all(max(push.delays()) <= push.most() for push in pushes)
    is_calm = rise <= MOST_RISE
    lives, seens = zip(*(push.delays() for push in pushes))
    cells = [
        pushes[0].kind, len(pushes), middle_and_most(lives), middle_and_most(seens), middle(push.compiling for push in pushes),
        middle(push.most() for push in pushes), told(is_soon), sum(one.count for one in meanwhile),
        middle(one.p50 for one in quiet), middle(one.p50 for one in meanwhile),
        middle(one.p99 for one in quiet), middle(one.p99 for one in meanwhile), f"{rise:+.2f}", MOST_RISE, told(is_calm),
        f"{max(one.most for one in quiet):.1f}", f"{max(one.most for one in meanwhile):.1f}",
    ]
    print(f"| {' | '.join(map(str, cells))} |")
    return is_soon and is_calm


def middle(values):
    return f"{statistics.median(values):.2f}"


def middle_and_most(values):
    return f"{middle(values)} ({max(values):.2f})"


def told(holds):
    return "pass" if holds else "FAIL"


if __name__ == "__main__":
    sys.exit(main())
