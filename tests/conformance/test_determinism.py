"""The same module, context and batch give the same script, edit by edit and byte by byte, whatever an instance did before."""

from types import SimpleNamespace

import pytest
from test_samples import LANGUAGES, module

wasmtime = pytest.importorskip("wasmtime", reason="the runtime by itself, without the host")

from wasmtime import component as wasm  # noqa: E402


def record(**fields):
    return SimpleNamespace(**{name.replace("_", "-"): value for name, value in fields.items()})


def packed(*parts):
    ends, at = [], 0
    for part in parts:
        at += len(part.encode())
        ends.append(at)
    return record(bytes="".join(parts).encode(), ends=ends)


def column(read, texts, first_cell=0, matches=(), keys=()):
    return record(
        read=read, part="value", first_cell=first_cell, rows=list(range(len(texts))), keys=list(keys), within=[],
        values=wasm.Variant("text", packed(*texts)),
        matches=[record(index=index, pattern=pattern, start=start, end=end) for index, pattern, start, end in matches],
    )


def batch():
    bodies = [f"é {n}: <user{n}@example.com>" for n in range(50)]
    matches = []
    for index, text in enumerate(bodies):
        start, end = len(text[: text.index("<")].encode()), len(text.encode())
        matches += [(index, 1, start, end), (index, 0, start + 1, end - 1)]
    # The reads of the samples: resources, attributes, bodies, and what is marked to be dropped.
    return record(
        signal="logs",
        levels=[
            record(level="origin", count=1, parents=[]), record(level="scope", count=1, parents=[0]),
            record(level="item", count=50, parents=[0] * 50),
        ],
        dictionary=packed("drop"),
        columns=[column(2, bodies, matches=matches), column(3, ["yes"] * 3, 50, [(n, 0, 0, 3) for n in range(3)], [0] * 3)],
    )


def plain(value):
    """Whatever the runtime lifted, as what compares and prints."""
    if isinstance(value, wasm.Variant):
        return (value.tag, plain(value.payload))
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return {name: plain(entry) for name, entry in vars(value).items()} if hasattr(value, "__dict__") else value


class Instance:
    def __init__(self, engine, compiled):
        linker = wasm.Linker(engine)
        with linker.root() as root:
            with root.add_instance("tidegate:processor/log@0.2.0") as log:
                log.add_func("write", lambda *_: None)
            with root.add_instance("tidegate:processor/counters@0.2.0") as counters:
                counters.add_func("add", lambda *_: None)
        self.store = wasmtime.Store(engine)
        self.instance = linker.instantiate(self.store, compiled)
        self.call("configure", "logs", '{"mask":"é"}')

    def call(self, name, *arguments):
        function = self.instance.get_func(self.store, name)
        answer = plain(function(self.store, *arguments))
        function.post_return(self.store)
        return answer

    def process(self, now=1_700_000_000_000_000_000):
        context = record(now=now, seed=7, cluster="eu-1", metadata=[("tenant", "a")])
        return self.call("process", context, batch())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_script_comes_of_the_same_batch_in_two_instances(language):
    engine = wasmtime.Engine()
    with open(module(language), "rb") as file:
        compiled = wasm.Component(engine, file.read())
    one, other = Instance(engine, compiled), Instance(engine, compiled)
    first = one.process()
    kinds = [kind for kind, _ in first["edits"]]
    assert (kinds.count("splice"), kinds.count("upsert"), kinds.count("drop")) == (47, 47, 1)
    assert first["text"] == "é".encode()
    assert one.process() == first
    assert other.process(now=1) == first
