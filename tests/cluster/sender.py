"""Requests that a process of its own sends at a rate, whatever becomes of those before; each is timed from when it was due.

  sender.py ADDRESS PATH RATE BODY   until its standard input ends; then a line for each request: when it was due, ms, status
"""

import gc
import http.client
import itertools
import pathlib
import subprocess
import sys
import threading
import time
import typing

# So many may be under way; where one is waited for that long, those behind it are late, which is what is counted.
WORKERS = 48
KIND = {"Content-Type": "application/x-protobuf"}


class Sent(typing.NamedTuple):
    due: float
    ms: float
    status: int


class Sender:
    """The process, as who starts it sees it."""

    def __init__(self, address, path, rate, body):
        command = [sys.executable, __file__, address, path, str(rate), str(body)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def end(self):
        """Has it end, and gives what it has sent in the order in which that was due."""
        told, _ = self._process.communicate()
        assert self._process.returncode == 0, "the sender has failed"
        rows = (line.split() for line in told.splitlines())
        return sorted(Sent(float(due), float(ms), int(status)) for due, ms, status in rows)


def main(address, path, rate, body):
    # Nothing that it makes is thrown away while it runs.
    gc.disable()
    body, pause = pathlib.Path(body).read_bytes(), 1 / float(rate)
    start, serials, end = time.time() + 0.1, itertools.count(), threading.Event()
    sent, failed = [[] for _ in range(WORKERS)], []

    def work(mine):
        try:
            send(mine)
        except Exception as error:
            failed.append(error)

    def send(mine):
        connection = http.client.HTTPConnection(address, timeout=60)
        while not end.is_set():
            due = start + next(serials) * pause
            time.sleep(max(0.0, due - time.time()))
            status = ask(connection, path, body)
            mine.append(Sent(due, (time.time() - due) * 1e3, status))

    workers = [threading.Thread(target=work, args=(mine,)) for mine in sent]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    end.set()
    for worker in workers:
        worker.join()
    if failed:
        sys.exit(f"of {WORKERS} workers, {len(failed)} have failed: {failed[0]}")
    sys.stdout.writelines(f"{one.due:.6f} {one.ms:.3f} {one.status}\n" for mine in sent for one in mine)


def ask(connection, path, body):
    """The status of the answer; 0 where there is none."""
    try:
        connection.request("POST", path, body, KIND)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
