"""A module in each language that makes each kind of edit, of each type of value: what becomes of them is the same."""

import json
import os

import conformance
import pytest
from test_samples import LANGUAGES


def attributes(**values):
    return [{"key": key, "value": value} for key, value in values.items()]


def text(value):
    return {"stringValue": value}


MAP = {"kvlistValue": {"values": [{"key": "é", "value": {"arrayValue": {"values": [{"intValue": "1"}, {}]}}}]}}
BEFORE = [
    attributes(replaced=text("é"), removed=text("x"), number={"intValue": "41"}, printed={"doubleValue": 0.5}, copied=MAP),
    attributes(removed={"intValue": "1"}, number={"doubleValue": 5.0}, printed={"boolValue": True}, copied=text("a"), erased=MAP),
    attributes(number={"boolValue": True}, printed={"intValue": "-7"}, inserted=text("mine"), updated=text("old"), erased=text("x")),
    attributes(routed=text("yes")),
]
ADDED = {"bytes": {"bytesValue": "AP8="}, "clock": {"boolValue": True}, "time": text("1700000000000000001")}
AFTER = [
    {"replaced": text("in place of é"), "number": {"intValue": "42"}, "printed": text("<0.5>"), "copied": MAP, "copy": MAP},
    {"number": {"doubleValue": 2.5}, "printed": text("<true>"), "copied": text("a"), "copy": text("a")},
    {"number": {"boolValue": False}, "printed": text("<-7>"), "inserted": text("mine"), "updated": {"boolValue": True}},
]


def read(file):
    (line,) = file.read_text().splitlines()
    (scope,) = json.loads(line)["resourceLogs"][0]["scopeLogs"]
    return [({pair["key"]: pair["value"] for pair in record["attributes"]}, record) for record in scope["logRecords"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_kind_of_edit_does_the_same(tmp_path, language):
    path = os.environ.get(f"PROBE_{language.upper()}")
    if path is None:
        pytest.skip(f"PROBE_{language.upper()} names no module")
    host = conformance.Host(path, tmp_path, [{}])
    host.config["exporters"]["file/side"] = {"path": str(tmp_path / "side.jsonl")}
    for pipeline in host.config["service"]["pipelines"].values():
        pipeline["routes"] = {"side": ["file/side"]}
    # JavaScript's numbers are exact to 2^53, and such a time is more.
    time = "1700000000000000000" if language == "javascript" else "1700000000000000001"
    records = [{"timeUnixNano": time, "body": text("b"), "attributes": before} for before in BEFORE]
    with host.run(os.environ["TIDEGATE"]):
        host.send("logs", {}, {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
    stayed, (routed,) = read(tmp_path / "c0.jsonl"), read(tmp_path / "side.jsonl")
    added = {**ADDED, "time": text(time)}
    for (found, record), expected in zip(stayed, AFTER, strict=True):
        assert found == {"inserted": {"doubleValue": 1.5}, **added, **expected}
        assert (record["severityText"], record["timeUnixNano"]) == ("PROBED", time)
    assert routed[0] == {"inserted": {"doubleValue": 1.5}, "routed": text("yes"), **added}
