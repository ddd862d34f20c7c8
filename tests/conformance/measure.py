"""What a module costs in each language: `python tests/conformance/measure.py` prints the table of docs/sdk.md.

`TIDEGATE` names the binary, and `MODULE_RUST` and its like the modules, as for the tests.

- size: of the component, and of the native code that the host makes of it
- compile: CPU time of a start with an empty cache less that of one with a full one
- start: CPU time to instantiate a module and to configure it, in wasmtime by itself; the host uses the same
- memory: the smallest `limits.memory_mib` under which the module starts and takes the batches below
- a batch: CPU time by `tidegate_processor_cpu_seconds_total`, projection, patterns and edits included, of 100 log records of
  which 10 or all have an address in them
"""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import tempfile
import time

import conformance
from test_samples import LANGUAGES

REQUESTS = 300


def request(matching):
    text = "GET /api/cart/7 took 12 ms and answered 200; the next one is for "
    records = [
        {
            "timeUnixNano": "1", "severityNumber": 9,
            "body": {"stringValue": text + (f"user{n}@example.com" if n % (100 // matching) == 0 else "nobody")},
            "attributes": [{"key": f"key{k}", "value": {"stringValue": "a value like others"}} for k in range(5)],
        }
        for n in range(100)
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


@contextlib.contextmanager
def host(module, cache, memory=64):
    """A collector with the module, and the CPU time that it took until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        one = conformance.Host(module, pathlib.Path(folder), [{}], limits={"memory_mib": memory})
        one.config["modules"]["cache"] = str(cache)
        one.spent = 0.0
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with one.run(os.environ["TIDEGATE"]):
            yield one
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        one.spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cost(one, matching):
    """Microseconds of CPU time for a batch."""
    def spent():
        return float(re.search(r"tidegate_processor_cpu_seconds_total\{[^}]*\} (\S+)", one.page("/metrics"))[1])

    for _ in range(20):
        one.send("logs", {}, request(matching))
    before = spent()
    for _ in range(REQUESTS):
        one.send("logs", {}, request(matching))
    return (spent() - before) / REQUESTS * 1e6


def takes(module, cache, memory):
    try:
        with host(module, cache, memory) as one:
            for _ in range(50):
                one.send("logs", {}, request(100))
            return True
    except Exception:
        return False


def smallest(module, cache):
    """MiB of memory, by halving."""
    low, high = 0, 64
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if takes(module, cache, middle) else (middle, high)
    return high


def start(module):
    """Milliseconds of CPU time to instantiate and configure."""
    import wasmtime
    from test_determinism import Instance

    engine = wasmtime.Engine()
    compiled = wasmtime.component.Component(engine, pathlib.Path(module).read_bytes())
    Instance(engine, compiled)
    times = []
    for _ in range(5):
        before = time.process_time()
        Instance(engine, compiled)
        times.append(time.process_time() - before)
    return min(times) * 1e3


def measure(module):
    cache = pathlib.Path(tempfile.mkdtemp())
    cache.chmod(0o700)
    with host(module, cache) as cold:
        pass
    with host(module, cache) as warm:
        pass
    native = sum(file.stat().st_size for file in cache.rglob("*.cwasm"))
    with host(module, cache) as one:
        few, all_ = cost(one, 10), cost(one, 100)
    memory = smallest(module, cache)
    shutil.rmtree(cache)
    size = pathlib.Path(module).stat().st_size
    return [
        f"{size / 1e6:.2f} MB", f"{native / 1e6:.1f} MB", f"{cold.spent - warm.spent:.1f} s", f"{start(module):.1f} ms",
        f"{memory} MiB", f"{few:.0f} µs", f"{all_:.0f} µs",
    ]


def main():
    head = ["Language", "Component", "Native code", "Compile", "Start", "Memory", "A batch, 10 of 100", "A batch, all of 100"]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for language in LANGUAGES:
        module = os.environ.get(f"MODULE_{language.upper()}")
        if module:
            print(f"| {language} | " + " | ".join(measure(module)) + " |", flush=True)


if __name__ == "__main__":
    main()
