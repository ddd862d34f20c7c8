"""A page of the documentation, followed word for word: its files are written, its commands run, and what they print is held to it."""

import os
import pathlib
import re
import shlex
import subprocess
import time

DOCS = pathlib.Path(__file__).parents[1] / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w.-]+)\n")
BACKGROUND = "tidegate --config "
# Commands that may be asked again, until they see what is to be seen.
LOOKS = ("cat ", "curl ", "kubectl annotate ", "kubectl get ", "tidegate module status")
PATIENCE_S = 60
# What is another each time that it is printed.
VARYING = [
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    # What `localhost` is where that has two addresses.
    (re.compile(r"\[::1\]"), "127.0.0.1"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b"), "SHORT"),
    (re.compile(r"\bM[EI][A-Za-z0-9+/]{80,}={0,2}"), "SIGNATURE"),
    (re.compile(r"\d[\d,]* bytes"), "SIZE"),
    (re.compile(r"after [\d.]+s"), "after TIME"),
    (re.compile(r"^\d+m?\d*s "), "AGE "),
    (re.compile(r"\s+"), " "),
]


def masked(line):
    for pattern, what in VARYING:
        line = pattern.sub(what, line)
    return line.strip()


def lines_of(text):
    return [line for line in map(masked, text.splitlines()) if line]


def sections(page):
    """The sections of a page, by their titles, in its order."""
    parts = re.split(r"^#{2,5} (.+)$", (DOCS / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(block):
    """The commands of a block, each with what it prints."""
    found, lines = [], block.splitlines()
    while lines:
        line = lines.pop(0)
        assert line.startswith("$ "), f"no command: {line}"
        command = line[2:]
        while command.endswith("\\"):
            command += "\n" + lines.pop(0)
        printed = []
        while lines and not lines[0].startswith("$ "):
            printed.append(lines.pop(0))
        found.append((command, "\n".join(printed)))
    return found


class Walk:
    """Who follows pages in a folder, from one section to the next; `instead` has what stands there for something of the page."""

    def __init__(self, folder, environment=None, instead=None):
        self.folder, self._instead = folder, instead or {}
        programs = folder / "bin"
        programs.mkdir()
        (programs / "tidegate").symlink_to(os.path.realpath(os.environ["TIDEGATE"]))
        # Times and texts as they are where nobody has a language of their own, and no proxy on the way to this machine.
        self._environment = {
            **os.environ, **(environment or {}), "PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C", "NO_PROXY": "*", "no_proxy": "*",
            "NO_COLOR": "1"}
        self._running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process, *_ in self._running:
            process.terminate()
        for process, *_ in self._running:
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def follow(self, page, *titles):
        """Follows these sections of a page."""
        there = sections(page)
        for title in titles:
            assert title in there, f"{page} has no section {title!r}"
            blocks = [self._written(kind, text) for kind, text in FENCE.findall(there[title])]
            assert any(blocks), f"{page} has no commands in {title!r}"
            for command, printed in (pair for block in blocks for pair in block):
                self._do(command, printed)

    def _written(self, kind, text):
        """Writes a block that is a file; the commands of one that has some."""
        if self._instead:
            text = re.sub("|".join(map(re.escape, self._instead)), lambda found: self._instead[found.group()], text)
        named = FILE.match(text)
        if kind == "yaml" and named:
            (self.folder / named.group(1)).write_text(text)
        return commands(text) if kind == "console" else []

    def _do(self, command, printed):
        expected = lines_of(printed)
        if command.startswith("export "):
            self._environment |= dict(one.split("=", 1) for one in shlex.split(command)[1:])
        elif command.startswith(BACKGROUND):
            self.begin(command, expected)
        else:
            self._run(command, expected)

    def begin(self, command, expected=(), **environment):
        """Starts what runs until the end of the walk, and waits until it says what it is to say."""
        log = self.folder / f"{len(self._running)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                shlex.split(command), cwd=self.folder, env={**self._environment, **environment}, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self._running.append((process, command, log))
        # Tasks that start beside each other say so in any order.
        said = lambda: lines_of(log.read_text())
        until(lambda: set(expected) <= set(said()), lambda: f"$ {command}\nis to say {expected}\nand says {said()}")

    def _run(self, command, expected):
        def agrees():
            nonlocal done
            # Where it takes too long, what it has started ends with it.
            done = subprocess.run(
                ["timeout", "300", "bash", "-c", command], cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            return lines_of(done.stdout) == expected

        done = None
        patience = PATIENCE_S if command.startswith(LOOKS) else 0
        until(agrees, lambda: f"$ {command}\nis to print {expected}\nand prints {lines_of(done.stdout)}\n{self._logs()}", patience)
        is_to_fail = expected == ["no"] or any(line.lower().startswith("error") for line in expected)
        assert is_to_fail == (done.returncode != 0), f"$ {command}\nends with {done.returncode}\n{self._logs()}"

    def _logs(self):
        return "".join(f"$ {command}\n{log.read_text()[-4000:]}" for _, command, log in self._running)


def until(holds, trouble, patience=PATIENCE_S):
    """Waits for something; it is tried once at least."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, trouble()
        time.sleep(0.1)
