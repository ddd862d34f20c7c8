"""Logs that a node has, read by the Collector and by Tidegate: syslog over TCP and UDP, and a journal. The records are equal,
but for what is listed here."""

import contextlib
import json
import os
import shutil
import socket
import subprocess

import collectors
import pytest
import shape
from ports import free_port

pytestmark = pytest.mark.skipif("OTELCOL" not in os.environ, reason="otelcol is not built; `cargo xtask test --all` builds it")

JOURNAL_REMOTE = "/usr/lib/systemd/systemd-journal-remote"

OLD = """\
<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8
<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed
<34>Oct 11 22:14:15 su[12]: no host
<34>Oct 11 22:14:15 hello
<34>Oct 11 22:14:15 hello world
<34>Oct 11 22:14:15   host   tag: x
<34>Oct 11 22:14:15 host foo:bar baz
<34>Oct 11 22:14:15 host tag:
<34>Oct  1 22:14:15 host tag: x
<34>Oct 01 22:14:15 host tag: x
<34>Oct 11 22:14:15 host tag: x ünï	tab
<0>Oct 11 22:14:15 host tag: x
<191>Feb  3 01:02:03 host tag: x
<34>Oct 11 22:14:15 fe80::1 tag: x
<34>Oct 11 22:14:15 host %ASA-4-106023: Deny tcp
<34>Oct 11 22:14:15 host : x
<34>Oct 11 22:14:15 host [x]: y
<34>Oct 11 22:14:15 host a b c: d
<34>Oct 11 22:14:15 host aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: d""".split("\n")

NEW = """\
<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed
<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.
<165>1 2003-10-11T22:14:15.003Z h a p m [e@32473 iut="3" src="App" id="1011"][p@32473 class="high"] An entry
<165>1 2003-10-11T22:14:15.003Z h a p m [x a="b\\"c\\\\d\\]e"] z
<165>1 2003-10-11T22:14:15.003Z h a p m [x a="1" a="2"] z
<165>1 2003-10-11T22:14:15.003Z h a p m [x a=""] z
<165>1 2003-10-11T22:14:15Z h a p m - ünï
<165>1 2003-10-11T22:14:15Z h a p m -""".split("\n")

# What neither reads goes on as it came.
NEITHER = {
    "rfc3164": ["<192>Oct 11 22:14:15 host tag: x", "<034>Oct 11 22:14:15 host tag: x", "Oct 11 22:14:15 host tag: x", "nonsense"],
    "rfc5424": [
        "<165>1 2003-10-11T22:14:15.003Z h a p m [x][x] z",
        "<165>1 2003-10-11T22:14:15.003Z h a p m [] z",
        "<165>1 2003-10-11T22:14:15.003Z h a p m [x]z",
        "<165>0 2003-10-11T22:14:15.003Z h a p m - z",
        "<165>1 2003-10-11T22:14:15.003 h a p m - z",
    ],
}


def outcomes(path):
    """Records without the time at which they were observed."""
    rows = [row["item"] for row in shape.from_file(path)] if path.exists() and path.read_bytes().endswith(b"\n") else []
    for row in rows:
        row.pop("observedTimeUnixNano", None)
    return sorted((unordered(row) for row in rows), key=str)


def unordered(node):
    """The same with the fields of maps by name: neither of the two keeps their order. JSON that is a text is what it says."""
    if isinstance(node, list):
        return [unordered(entry) for entry in node]
    if not isinstance(node, dict):
        return unordered(json.loads(node)) if isinstance(node, str) and node.startswith('{"') else node
    fields = {key: unordered(node[key]) for key in sorted(node)}
    return {key: sorted(value, key=str) if key == "values" and is_map(value) else value for key, value in fields.items()}


def is_map(values):
    return all("key" in value for value in values)


def collector(kind, folder, receiver, more=None):
    """A collector with one receiver of logs besides OTLP, which tells that it is up."""
    it = kind(folder, signals=["logs"])
    it.config["receivers"].update({receiver[0]: receiver[1]})
    it.config["service"]["pipelines"]["logs"]["receivers"] = ["otlp", receiver[0]]
    for key, value in (more or {}).items():
        it.config.setdefault(key, {}).update(value)
    return it


@contextlib.contextmanager
def both(folder, receiver):
    """The two of them with the receiver that `receiver` gives for each; afterwards their records."""
    sides = [collector(kind, folder, receiver(at)) for at, kind in enumerate((collectors.Otelcol, collectors.Tidegate))]
    with sides[0].run(), sides[1].run():
        yield sides


def arrive(sides, count):
    def whole(side):
        return lambda: (rows := outcomes(side.file)) and len(rows) >= count and rows

    return [collectors.wait_for(whole(side), f"{count} records of {side.file.name}") for side in sides]


def send(transport, port, messages, counted):
    if transport == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for message in messages:
                s.sendto(message.encode(), ("127.0.0.1", port))
        return
    with socket.create_connection(("127.0.0.1", port)) as s:
        for message in messages:
            octets = message.encode()
            s.sendall(b"%d %s" % (len(octets), octets) if counted else octets + b"\n")


def syslog_both(tmp_path, protocol, transport, messages, **more):
    ports = [free_port(), free_port()]
    settings = {"listen_address": "", "add_attributes": False, **more.pop("listening", {})}

    def receiver(at):
        return "syslog", {"protocol": protocol, transport: {**settings, "listen_address": f"127.0.0.1:{ports[at]}"}, **more}

    with both(tmp_path, receiver) as sides:
        for port in ports:
            send(transport, port, messages, more.get("enable_octet_counting"))
        return arrive(sides, len(messages))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("protocol, messages", [("rfc3164", OLD), ("rfc5424", NEW)])
def test_messages_become_equal_records(tmp_path, protocol, messages, transport):
    theirs, ours = syslog_both(tmp_path, protocol, transport, messages + NEITHER[protocol])
    assert ours == theirs
    assert sum("severityNumber" in row for row in ours) == len(messages)


@pytest.mark.parametrize("protocol, messages", [("rfc3164", OLD), ("rfc5424", NEW), ("none", OLD + NEW + ["nothing of the kind"])])
def test_messages_with_their_number_of_octets_become_equal_records(tmp_path, protocol, messages):
    theirs, ours = syslog_both(tmp_path, protocol, "tcp", messages, enable_octet_counting=True)
    assert ours == theirs


def test_messages_without_a_priority_become_equal_records(tmp_path):
    messages = ["Oct 11 22:14:15 host tag: x", "<34>Oct 11 22:14:15 host tag: x"]
    theirs, ours = syslog_both(tmp_path, "rfc3164", "tcp", messages, allow_skip_pri_header=True, location="America/New_York")
    assert ours == theirs


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_records_say_where_they_came_from_alike(tmp_path, transport):
    theirs, ours = syslog_both(tmp_path, "none", transport, ["x"], listening={"add_attributes": True})

    def said(row):
        return {a["key"]: a["value"] for a in row["attributes"]}

    theirs, ours = said(theirs[0]), said(ours[0])
    assert theirs.keys() == ours.keys()
    # A name server is not asked, and each connection and each collector has a port of its own.
    unequal = {key for key in theirs if theirs[key] != ours[key]}
    assert unequal <= {"net.peer.port", "net.host.port", "net.peer.name", "net.host.name"}


@pytest.mark.skipif(
    not (shutil.which("journalctl") and os.path.exists(JOURNAL_REMOTE)),
    reason="there is no journal: apt-get install systemd systemd-journal-remote",
)
class TestJournal:
    """What systemd's own programs write and read."""

    @staticmethod
    def write(folder, numbers):
        export = folder / "export"
        entries = b""
        for number in numbers:
            fields = {
                "__REALTIME_TIMESTAMP": 1795799128000000 + number,
                "__MONOTONIC_TIMESTAMP": 1000 + number,
                "_BOOT_ID": "0123456789abcdef0123456789abcdef",
                "PRIORITY": 7 if number % 5 == 4 else 6,
                "_SYSTEMD_UNIT": "kubelet.service" if number % 2 else "ssh.service",
                "SYSLOG_IDENTIFIER": "kubelet" if number % 2 else "sshd",
                "TWICE": "one",
            }
            lines = [f"{key}={value}\n".encode() for key, value in fields.items()] + [b"TWICE=two\n"]
            message = f"message {number}".encode() if number % 3 else b"bytes \xff\x00 %d" % number
            binary = b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n"
            entries += b"".join(lines) + (b"MESSAGE=" + message + b"\n" if number % 3 else binary) + b"\n"
        export.write_bytes(entries)
        journal = folder / "journal"
        journal.mkdir(exist_ok=True)
        subprocess.run([JOURNAL_REMOTE, "-o", journal / "system.journal", export], check=True, capture_output=True)
        return journal

    @pytest.mark.parametrize(
        "settings, numbers",
        [
            ({}, [n for n in range(20) if n % 5 != 4]),
            ({"priority": "debug"}, range(20)),
            ({"units": ["kubelet"]}, [n for n in range(20) if n % 2 and n % 5 != 4]),
            ({"matches": [{"SYSLOG_IDENTIFIER": "sshd"}, {"_SYSTEMD_UNIT": "kubelet.service"}]}, [n for n in range(20) if n % 5 != 4]),
            ({"convert_message_bytes": True, "include_log_record_original": True}, [n for n in range(20) if n % 3 and n % 5 != 4]),
        ],
        ids=["as-is", "priority", "units", "matches", "converted"],
    )
    def test_entries_become_equal_records(self, tmp_path, settings, numbers):
        # Bytes that are no text are replaced here, and are not there.
        journal = self.write(tmp_path, range(20) if "convert_message_bytes" not in settings else [n for n in range(20) if n % 3])
        with both(tmp_path, lambda _: ("journald", {"directory": str(journal), "start_at": "beginning", **settings})) as sides:
            theirs, ours = arrive(sides, len(list(numbers)))
        assert len(ours) == len(list(numbers))
        assert ours == theirs

    def test_what_comes_while_nobody_runs_is_read_at_the_next_start(self, tmp_path):
        journal = self.write(tmp_path, range(5))
        settings = {"directory": str(journal), "start_at": "end", "storage": "file_storage", "priority": "debug"}
        positions = tmp_path / "positions"
        positions.mkdir()
        extensions = {"extensions": {"file_storage": {"directory": str(positions)}}}
        side = collector(collectors.Tidegate, tmp_path, ("journald", settings), extensions)
        side.config["service"]["extensions"] = ["file_storage"]
        with side.run():
            collectors.wait_for(lambda: list(positions.rglob("cursor.json")), "the journal's end to be noted")
        self.write(tmp_path, range(5, 8))
        with side.run():
            collectors.wait_for(lambda: len(outcomes(side.file)) >= 3, "three records")
            self.write(tmp_path, range(8, 10))
            collectors.wait_for(lambda: len(outcomes(side.file)) >= 5, "five records")
        assert sorted(int(row["timeUnixNano"]) // 1000 % 1000 for row in outcomes(side.file)) == list(range(5, 10))

    def test_a_root_of_its_own_is_where_journalctl_is_run(self, tmp_path):
        if os.geteuid() != 0:
            pytest.skip("another root needs CAP_SYS_CHROOT")
        journal = self.write(tmp_path, range(3))
        settings = {"directory": str(journal), "start_at": "beginning", "root_path": "/", "journalctl_path": shutil.which("journalctl")}
        side = collector(collectors.Tidegate, tmp_path, ("journald", settings))
        with side.run():
            (rows,) = arrive([side], 3)
        assert len(rows) == 3
