"""Programs that outlive the command that starts them: remembered by id and start, so that no other is ended for one of them."""

import json
import os
import pathlib
import signal
import subprocess
import time

import settings

PATIENCE = 120


class Trouble(Exception):
    """What keeps a cluster from coming up or going down."""


def wait_for(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (answer := condition()):
        if time.monotonic() > end:
            raise Trouble(f"waited {patience} s for {what}")
        time.sleep(0.1)
    return answer


def stat(process):
    """What follows the name in /proc/ID/stat; nothing where there is no such process."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def started(process):
    """When a process was started, which tells it from a later one of the same id; nothing where it has ended."""
    fields = stat(process)
    return fields[19] if fields and fields[0] != "Z" else None


class Daemon:
    def __init__(self, name):
        self.name = name
        self.log = settings.LOGS / f"{name}.log"
        self._note = settings.STATE / f"daemons/{name}.json"

    def start(self, arguments, network=True):
        """Starts it, in the network of the node or in the host's."""
        command = [str(settings.PROGRAMS / self.name), *map(str, arguments)]
        self._note.parent.mkdir(parents=True, exist_ok=True)
        self._run(command, network)

    def start_again(self):
        """Starts it as it was started before."""
        note = json.loads(self._note.read_text())
        self._run(note["command"], note["network"])

    def _run(self, command, network):
        enter = ["nsenter", f"--net=/run/netns/{settings.NAMESPACE}"] if network else []
        path = f"{settings.PROGRAMS}:/usr/lib/cni:{os.environ['PATH']}:/usr/sbin:/sbin"
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*enter, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=settings.STATE,
                start_new_session=True, env={**os.environ, "PATH": path},
            ).pid
        self._note.write_text(json.dumps({"id": process, "started": started(process), "command": command, "network": network}))

    def id(self):
        """Its id, while it runs."""
        if not self._note.exists():
            return None
        note = json.loads(self._note.read_text())
        return note["id"] if note["started"] and started(note["id"]) == note["started"] else None

    def check(self):
        if not self.id():
            raise Trouble(f"{self.name} has ended:\n{self.log.read_text()[-3000:]}")
        return True

    def stop(self):
        if process := self.id():
            end(process, lambda: self.id() is None)


def end(process, is_over):
    """Asks a process to end, and where it does not, ends it."""
    for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 30)):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if is_over():
                return
            time.sleep(0.05)
    raise Trouble(f"process {process} does not end")
