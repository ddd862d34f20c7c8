"""What a machine tells of itself, read by the Collector and by Tidegate: the same metrics, with the same units, kinds, attributes
and series."""

import os

import collectors
import pytest
import shape

pytestmark = pytest.mark.skipif("OTELCOL" not in os.environ, reason="otelcol is not built; `cargo xtask test --all` builds it")

SCRAPERS = ["cpu", "memory", "load", "disk", "filesystem", "network", "paging", "processes", "system"]

# What is off unless it is asked for.
OPTIONAL = {
    "cpu": ["system.cpu.utilization", "system.cpu.physical.count", "system.cpu.logical.count", "system.cpu.frequency"],
    "memory": ["system.memory.utilization", "system.memory.limit", "system.linux.memory.available", "system.memory.page_size"],
    "filesystem": ["system.filesystem.utilization"],
    "network": ["system.network.conntrack.count", "system.network.conntrack.max"],
    "paging": ["system.paging.utilization"],
}


def receiver(everything):
    scrapers = {name: {} for name in SCRAPERS}
    for name, metrics in OPTIONAL.items() if everything else ():
        scrapers[name] = {"metrics": {metric: {"enabled": True} for metric in metrics}}
    return {"collection_interval": "1s", "initial_delay": "0s", "scrapers": scrapers}


def described(path):
    """What each metric is, and which series it has: those of what comes and goes by their attributes' names alone."""
    metrics = {}
    for row in shape.from_file(path):
        item = row["item"]
        (kind,) = {"gauge", "sum", "histogram"} & item.keys()
        data = item[kind]
        points = [point.get("attributes", []) for point in data["dataPoints"]]
        series = {tuple((a["key"], *a["value"].items()) for a in attributes) for attributes in points}
        values = {key for point in data["dataPoints"] for key in point if key.startswith("as")}
        entry = metrics.setdefault(item["name"], {"series": set(), "values": set()})
        entry.update(
            unit=item.get("unit"),
            kind=kind,
            monotonic=data.get("isMonotonic", False),
            temporality=data.get("aggregationTemporality"),
            # The Collector gives gauges one, too.
            started=kind == "gauge" or all("startTimeUnixNano" in point for point in data["dataPoints"]),
        )
        entry["series"] |= series
        entry["values"] |= values
    return metrics


def collected(kind, folder, everything):
    it = kind(folder, signals=["metrics"])
    it.config["receivers"]["host_metrics"] = receiver(everything)
    it.config["service"]["pipelines"]["metrics"]["receivers"] = ["otlp", "host_metrics"]
    with it.run():
        # Rates are there from the second time on.
        collectors.wait_for(lambda: it.file.exists() and it.file.read_bytes().count(b"system.uptime") >= 3, "three collections")
    return described(it.file)


@pytest.mark.parametrize("everything", [False, True], ids=["default", "everything"])
def test_the_same_metrics_are_told(tmp_path, everything):
    theirs = collected(collectors.Otelcol, tmp_path, everything)
    ours = collected(collectors.Tidegate, tmp_path, everything)
    assert ours.keys() == theirs.keys()
    # States that the Collector adds, always with 0, beside those that the kernel has, which it tells of where there is one.
    extra = {"FIN_WAIT_1", "FIN_WAIT_2", "DELETE", "FIN_WAIT1", "FIN_WAIT2"}
    # Statuses that there may be a process of while one of the two looks, and none while the other does.
    fleeting = {"blocked", "stopped", "zombies"}
    for side in (theirs, ours):
        for name, left_out in (("system.network.connections", extra), ("system.processes.count", fleeting)):
            series = side[name]["series"]
            side[name]["series"] = {s for s in series if not left_out & {value for _, *typed in s for _, value in typed}}
    for name, metric in theirs.items():
        # A point of 0 has no number in the file: a disk that has nothing to do at the moment says nothing of its type.
        if not metric["values"] or not ours[name]["values"]:
            metric["values"] = ours[name]["values"] = set()
        assert ours[name] == metric, name
