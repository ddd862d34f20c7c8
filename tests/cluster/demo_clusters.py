#!/usr/bin/env python3
"""Two clusters send logs to one gateway, and a scrubber is pushed to one of them: what the gateway hands on of each is shown.

  demo_clusters.py [--keep]

`cargo xtask demo clusters` runs it with all that it needs; TIDEGATE names the binary. The cluster `edge-a` is a Kubernetes of one
node, with the agent and the gateway of deploy/ as pods; one that is up already is used, and left up. The cluster `edge-b` is an
API server with the same objects of the agent in it, which runs as a process. --keep leaves both up at the end.

The last line is the verdict; the exit code is 0 where it is `ok`.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import cluster
import control_plane
import deployment
import edges
import keys
import node
import objects
import settings
from arrivals import Arrivals, look
from backends import Backends
from daemons import Trouble
from hub import Hub

# How long anything may take. Nothing is judged by it.
PATIENCE = 180
# How many orders are looked at in each part of the demo.
ORDERS = 10
ALL, NO_SSN, NOTHING = frozenset({"mail", "SSN"}), frozenset({"mail"}), frozenset()
RULES = {"ssn": "detectors: { us_ssn: {} }\nfields: [log.body]\n", "both": "detectors: { us_ssn: {}, email: {} }\nfields: [log.body]\n"}


class Demo:
    def __init__(self, folder, backends):
        self.folder, self.began, self.problems = folder, time.monotonic(), []
        self.arrivals = Arrivals(backends)
        self.a, self.b = edges.Node("edge-a", folder), edges.Process("edge-b", folder)
        self.edges = (self.a, self.b)
        self.hub = Hub(folder, backends)
        self._shown = 0
        self._took = []

    def say(self, text=""):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}" if text else "", flush=True)

    def set_up(self):
        authority = keys.Authority(self.folder / "keys", "telemetry")
        self.say("edge-b: an API server")
        self.b.ask("up", "api")
        self.say("edge-a: the image, from this binary")
        node.load("localhost/tidegate:1", ["/bin/tidegate"], [f"{os.path.realpath(os.environ['TIDEGATE'])}:/bin/tidegate"])
        self.say("edge-a: the gateway of deploy/, which takes from each cluster what its certificate speaks for")
        self.hub.start(authority, [edge.name for edge in self.edges])
        self.say("edge-a: the agent of deploy/, with modules")
        self.a.start(self.hub.documents_of(self.a, UNSCRUBBED="pass"), authority)
        self.say("edge-b: the same, as a process, to the port of the gateway on its node")
        self.b.start(self.hub.documents_of(self.b, UNSCRUBBED="pass"), authority, self.hub.address("otlp-grpc"))

    def show(self, pause=1):
        """A line a second of what the gateway has handed on last."""
        if time.monotonic() - self._shown < pause:
            return
        self._shown = time.monotonic()
        latest = [(edge.name, self.arrivals.latest(edge.name)) for edge in self.edges]
        self.say("   ".join(f"{name} {f'[{one[0]}] {one[1]}' if one else 'nothing yet':44}" for name, one in latest).rstrip())

    def watch(self, condition, what):
        """Shows what arrives until this holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"waited {PATIENCE} s for {what}\n{self.trouble()}"
            self.arrivals.read()
            self.show()
            time.sleep(0.1)

    def trouble(self):
        return "\n".join([*(edge.trouble() for edge in self.edges), deployment.told("gateway")])

    def see(self, wanted, since):
        """Shows orders of both clusters, and holds those of edge-a that were said from `since` on to what may be seen of them."""
        first = {edge: edge.said() for edge in self.edges}
        arrived = lambda edge: sum(number >= first[edge] for number in self.arrivals.of(edge.name))
        self.watch(lambda: all(arrived(edge) >= ORDERS for edge in self.edges), "orders to arrive")
        self.show(pause=0)
        odd = [number for number, text in self.arrivals.of("edge-a").items() if number >= since and look(text) != wanted]
        if odd:
            self.problems.append(f"{len(odd)} orders of edge-a do not look as they should, such as {min(odd)}")

    def change(self, wanted, *arguments):
        """Runs a command of `tidegate module` on edge-a while orders arrive, and looks at what becomes of them."""
        command = Command(self, self.a, *arguments)
        begun = max(self.arrivals.of("edge-a"))
        is_changed = lambda: any(number > begun and look(text) == wanted for number, text in self.arrivals.of("edge-a").items())
        self.watch(lambda: is_changed() or command.has_failed(), "orders of edge-a to change")
        if is_changed():
            self._took.append(time.monotonic() - command.written)
            self.say(f"edge-a has changed, {self._took[-1]:.1f} s after the head was written")
        self.watch(command.has_ended, "the command")
        if command.has_failed():
            raise AssertionError(f"`{command.shown}` has failed")
        self.see(wanted, self.a.said())

    def run(self):
        for edge in self.edges:
            edge.talk()
        self.say("orders with a mail address and an SSN, each numbered, five a second in each cluster; what the gateway hands on:")
        self.see(ALL, 0)
        for name, text in RULES.items():
            (self.folder / f"{name}.yaml").write_text(text)
        self.change(NO_SSN, "push", "pii-scrub", "--config", self.folder / "ssn.yaml", "--wait")
        self.change(NOTHING, "push", "pii-scrub", "--config", self.folder / "both.yaml", "--wait")
        for edge in self.edges:
            Command(self, edge, "status").finish()
        self.change(NO_SSN, "undo", "pii-scrub", "--wait")
        self.claim()

    def claim(self):
        """edge-b says that it is edge-a."""
        status, said = self.hub.claim(self.b, self.a.name)
        self.say(f"an order with edge-b's certificate that says it is of edge-a: HTTP {status}, {said}")
        if status != 403:
            self.problems.append(f"edge-b may speak for edge-a: {status}")

    def judge(self):
        """Ends the talk, waits for what is under way, and says what came of all."""
        counts = {edge: edge.end_talk() for edge in self.edges}
        missing = lambda edge: set(range(counts[edge])) - set(self.arrivals.of(edge.name))
        self.say("the last order is said, and what is under way arrives")
        try:
            self.watch(lambda: not any(map(missing, self.edges)), "each order")
        except AssertionError as trouble:
            print(trouble)
        lost = {edge: len(missing(edge)) for edge in self.edges}
        self.problems += [f"{count} orders of {edge.name} are lost" for edge, count in lost.items() if count]
        if changed := [text for text in self.arrivals.of(self.b.name).values() if look(text) != ALL]:
            self.problems.append(f"{len(changed)} orders of edge-b have changed, such as {changed[0]!r}")
        if others := self.arrivals.clusters() - {edge.name for edge in self.edges}:
            self.problems.append(f"orders of other clusters came: {others}")
        told = [f"{edge.name} {count} orders, {lost[edge]} lost, {self.arrivals.twice(edge.name)} twice" for edge, count in counts.items()]
        if self.problems:
            return "; ".join([f"failed: {', '.join(self.problems)}", *told])
        took = ", ".join(f"{seconds:.1f}" for seconds in self._took)
        return "; ".join(["ok", *told, f"edge-a changed {took} s after a head was written, and edge-b never"])

    def remove(self):
        """Removes what was put into a cluster that stays up."""
        deployment.take_away([*self.hub.documents, *self.a.objects])

    def say_what_is_kept(self):
        print("Both clusters are up, with nobody to take what the gateway hands on, and without the agent of edge-b:")
        for edge in self.edges:
            print(f"  {edge.name}: export KUBECONFIG={edge.kubeconfig}; at the end {edge.shown('down')}")


class Command:
    """A command of `tidegate module` that runs: what it says is shown as it comes."""

    def __init__(self, demo, edge, *arguments):
        command, environment = edge.module(*arguments)
        self.shown = " ".join(["tidegate module", *(pathlib.Path(argument).name for argument in command[2:])])
        self.written = time.monotonic()
        demo.say(f"{edge.name} $ {self.shown}")
        self._demo = demo
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for text in self._process.stdout:
            if "Written head" in text:
                self.written = time.monotonic()
            self._demo.say(f"{'':9}{text.rstrip()}")

    def has_ended(self):
        return not self._reader.is_alive() and self._process.poll() is not None

    def has_failed(self):
        return self.has_ended() and self._process.returncode != 0

    def finish(self):
        self._reader.join()
        self._process.wait()


def is_up():
    return settings.KUBECONFIG.exists() and control_plane.get("/readyz") == "ok"


def missing():
    """What has to be there and is not, with the way out."""
    if "TIDEGATE" not in os.environ:
        return "TIDEGATE has to name the binary: `cargo xtask demo clusters` builds it"
    if os.geteuid() != 0:
        return "a node of Kubernetes needs root: run it as root, in a machine or a container that may be disturbed"
    if not (settings.PROGRAMS / "kubelet").exists():
        return "the programs of Kubernetes are not built: tests/cluster/build builds them, which takes 17 minutes of CPU once"
    lacking = [program for program in ("kubectl", "openssl", "ip", "nsenter") if not shutil.which(program)]
    return f"{', '.join(lacking)} is missing: tests/cluster/README.md says what a node needs" if lacking else None


def main(arguments):
    if arguments not in ([], ["--keep"]):
        sys.exit(__doc__)
    if lacking := missing():
        print(lacking, file=sys.stderr)
        return 2
    # Whoever asks for the end waits for what was brought up to be taken down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as cleanup:
        try:
            verdict = shown(cleanup, "--keep" in arguments)
        except (AssertionError, Trouble, OSError) as trouble:
            verdict = f"failed: {str(trouble).splitlines()[0]}"
            print(trouble)
    print(f"verdict: {verdict}")
    return 0 if verdict.startswith("ok") else 1


def shown(cleanup, is_kept):
    """Brings up what is not up, and shows it all: the verdict. What was brought up is taken down by `cleanup`."""
    folder = pathlib.Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-demo-")))
    was_up = is_up()
    if not was_up:
        print("edge-a comes up: a Kubernetes of one node", flush=True)
        if not is_kept:
            cleanup.callback(cluster.down)
        cluster.up()
    elif objects.read("Namespace", edges.NAMESPACE) or objects.read("Namespace", "shop"):
        raise Trouble("there are agents in the cluster that is up already: take it down by tests/cluster/cluster.py down")
    demo = Demo(folder, cleanup.enter_context(Backends()))
    if is_kept:
        cleanup.callback(demo.say_what_is_kept)
    else:
        cleanup.callback(demo.b.ask, "down")
        if was_up:
            cleanup.callback(demo.remove)
    cleanup.callback(demo.b.end)
    demo.set_up()
    demo.run()
    return demo.judge()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
