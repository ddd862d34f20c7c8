"""The Collector's processors, in the Collector and in Tidegate: the same configuration makes the same of the same data."""

import json
import os
import random

import collectors
import grpc
import pytest
import shape
from emit import common, logs_grpc, logs_service, metrics_grpc, metrics_service, trace_grpc, trace_service

pytestmark = pytest.mark.skipif("OTELCOL" not in os.environ, reason="otelcol is not built; `cargo xtask test --all` builds it")

EMAIL = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
CARD = r"\b(?:\d{4}[- ]?){3}\d{4}\b"
SSN = r"\b\d{3}-\d{2}-\d{4}\b"
IPV4 = r"\b(?:\d{1,3}\.){3}\d{1,3}\b"
BENCH = [EMAIL, CARD, SSN, IPV4]

# Pieces that make texts in which patterns overlap, touch, and are nearly met.
PIECES = [
    "ada@example.com", "a@b.io", "4111 1111 1111 1111", "4111-1111-1111-1111", "41111111", "11111111", "123-45-6789",
    "10.0.0.1", "255.1.2.3.4", " ", " ", "-", ".", ",", "é", "ß", "İ", "٤١١١", "１２３-４５-６７８９", "K", "ſecret", "SECRET",
    "secret", "user ", "x", "_", "*", "****", "token=", "\n", "\t", "日本", "1", "22", "",
]
KEYS = ["user", "user.email", "http.url", "card", "token", "api_token", "safe", "note", "n", "Key", "k.é", "service.name"]

REDACTIONS = {
    "bench": {"allow_all_keys": True, "summary": "silent", "blocked_values": BENCH},
    "debug": {"allow_all_keys": True, "summary": "debug", "blocked_values": BENCH, "allowed_values": [r".+@b\.io"]},
    "keys": {
        "allowed_keys": ["user", "card", "note", "n", "k.é", "token"], "ignored_keys": ["safe"],
        "ignored_key_patterns": ["^http"], "blocked_key_patterns": ["(?i)token$", "^k"], "blocked_values": [r"\d{4}", r"[1\*]+x"],
        "summary": "debug",
    },
    "all types": {"allow_all_keys": True, "redact_all_types": True, "blocked_values": [r"1+", "true", r"\*\*"], "summary": "info"},
    "all types, silent": {"allow_all_keys": True, "redact_all_types": True, "blocked_values": [r"1+", "true", r"\*\*", "(?i)[à-ÿ]"]},
    "sequence": {"allow_all_keys": True, "blocked_values": ["a+@?", r"\*+b", r"\b\w\b", "(?i)secret", r"[^\x00-\x7f]"], "summary": "info"},
    "hashes": {"allow_all_keys": True, "blocked_values": [EMAIL, "[0-9a-f]{6}"], "hash_function": "md5"},
    "keyed": {"allow_all_keys": True, "blocked_key_patterns": ["user"], "hash_function": "hmac-sha512", "hmac_key": "k" * 64},
    "sha": {"allow_all_keys": True, "blocked_values": [CARD], "hash_function": "sha3", "summary": "debug"},
    "nothing is allowed": {"summary": "debug"},
}
ACTIONS = [
    {"key": "user", "action": "hash"},
    {"key": "copy", "from_attribute": "note", "action": "upsert"},
    {"key": "n", "action": "convert", "converted_type": "string"},
    {"key": "card", "action": "convert", "converted_type": "int"},
    {"key": "note", "pattern": r"(?P<first>\S+)\s(?P<rest>.*)", "action": "extract"},
    {"key": "first", "value": "none", "action": "insert"},
    {"key": "safe", "value": ["a", 1, {"b": None}], "action": "update"},
    {"key": "env", "from_attribute": "no such", "default_value": 1.5, "action": "upsert"},
    {"key": "http.url", "action": "delete"},
    {"pattern": "token", "action": "delete"},
    {"pattern": "^k", "action": "hash"},
]
# Statements on a map of attributes, of whatever is in it.
MAP_STATEMENTS = [
    'set(@M["env"], "prod")', 'set(@M["copy"], @M["user"])', 'set(@M["copy"], 1) where @M["n"] == nil', 'delete_key(@M, "safe")',
    'delete_matching_keys(@M, "token")', 'keep_matching_keys(@M, "^[a-z]")', 'replace_all_patterns(@M, "value", "1+", "<$0>")',
    'replace_all_patterns(@M, "key", "^user\\\\.(.*)", "who.$$1")', 'replace_pattern(@M["note"], "(?i)secret|[é-ÿ]", "")',
    'replace_all_matches(@M, "*@*.com*", "mail")', 'replace_match(@M["card"], "{4111*,1*}", "card")', 'truncate_all(@M, 7)',
    'merge_maps(@M, {"a": 1, "user": "merged"}, "insert")', 'set(@M["len"], Len(@M))', 'set(@M["kind"], IsString(@M["user"]))',
    'set(@M["text"], String(@M["n"]))', 'set(@M["num"], Int(@M["card"]))', 'set(@M["dbl"], Double(@M["card"]))',
    'set(@M["joined"], Concat([@M["user"], @M["n"], "end"], "-"))', 'set(@M["sum"], @M["n"] * 2 + 1)', 'set(@M["parts"], Split(@M["note"], " "))',
    'set(@M["first"], Split(@M["note"], " ")[0])', 'set(@M["deep"]["er"], @M["Key"])', 'set(@M["low"], ToLowerCase(@M["note"]))',
    'set(@M["hash"], SHA256(@M["user"]))', 'set(@M["fnv"], FNV(@M["user"]))', 'set(@M["hex"], Hex(@M["n"]))', 'append(@M["list"], "x")',
    'set(@M["sub"], Substring(@M["card"], 0, 4, true))', 'set(@M["has"], HasPrefix(@M["user"], "ada"))', 'set(@M["at"], Index(@M["note"], "@"))',
    'set(@M["groups"], ExtractPatterns(@M["note"], "(?P<a>\\\\d)(?P<b>.)"))', 'replace_pattern(@M["user"], "\\\\d{4}", "$0", SHA256)',
    'set(@M["seen"], true) where IsMatch(@M["note"], "^$|1") or @M["n"] > 1 and not IsMatch(@M["user"], "@")',
]
# What is cut down goes last, and alone.
CUTS = ['keep_keys(@M, ["user", "n", "card", "env"])']
CONDITIONS = {
    "logs": [
        'IsMatch(log.body, "(?i)secret|11")', 'log.severity_number == SEVERITY_NUMBER_INFO and log.attributes["n"] != nil',
        'resource.attributes["user"] == "ada@example.com"', 'log.body == "" or log.body == nil', 'IsMap(log.body)',
        'scope.name == "other" and Len(log.attributes) > 2', 'log.attributes["n"] >= 1.5', 'log.trace_id == TraceID(0x00000000000000000000000000000000)',
        'IsMatch(log.attributes["note"], "^$")', 'log.body["user"] != nil', 'not (IsString(log.body) or IsInt(log.body))',
        'log.attributes["safe"] == false', 'IsMatch(resource.attributes["note"], "1")', 'log.attributes["user"] < "b"',
    ],
    "traces": [
        'IsMatch(span.name, "^$")', 'span.name == "1"', 'spanevent.attributes["user"] != nil', 'span.attributes["n"] == 1 or scope.version == "1"',
        'span.trace_state == "a=b"', 'IsRootSpan() and IsMatch(span.name, "@")', 'resource.attributes["safe"] == true',
    ],
    "metrics": [
        'metric.name == "m3"', 'metric.type == METRIC_DATA_TYPE_HISTOGRAM', 'metric.type != METRIC_DATA_TYPE_SUM and metric.is_monotonic == false', 'IsMatch(metric.name, "^m1")', 'datapoint.attributes["user"] == nil', 'IsMatch(datapoint.attributes["note"], "1")',
        'metric.name == "m4" and datapoint.attributes["n"] != nil', 'resource.attributes["no"] != nil',
    ],
}
MAPS = {
    "logs": ["resource", "scope", "log"],
    "traces": ["resource", "scope", "span", "spanevent"],
    "metrics": ["resource", "scope", "datapoint"],
}


def statements(signal, texts):
    """A group for each map of a signal."""
    key = {"logs": "log", "traces": "trace", "metrics": "metric"}[signal] + "_statements"
    return {key: [{"context": context, "statements": [text.replace("@M", f"{context}.attributes") for text in texts]} for context in MAPS[signal]]}


BODIES = [
    'replace_pattern(log.body, "\\\\d{4}", "****")', 'replace_pattern(log.body, "(?i)(s)ecret", "$${1}ilent")',
    'set(log.attributes["body"], log.body.string)', 'set(log.body["new"], 1) where IsMap(log.body)', 'delete_key(log.body, "user") where IsMap(log.body)',
    'set(log.severity_text, "high") where log.severity_number > SEVERITY_NUMBER_INFO2', 'set(log.severity_number, 21) where log.severity_number == 5',
    'set(log.body, log.attributes["note"]) where log.body == nil', 'set(log.event_name, "e")', 'set(log.time_unix_nano, 7)',
    'set(log.trace_id, TraceID(0x0102030405060708090a0b0c0d0e0f10)) where log.trace_id.string == "00000000000000000000000000000000"',
]
SPANS = [
    'set(span.name, "none") where span.name == ""', 'replace_pattern(span.name, "\\\\d+", "{id}")', 'set(span.status.code, STATUS_CODE_ERROR) where span.attributes["n"] != nil',
    'set(span.status.message, span.name)', 'set(span.kind, SPAN_KIND_SERVER)', 'set(span.attributes["kind"], span.kind.string)',
    'set(span.attributes["trace"], span.trace_id.string)', 'set(span.attributes["root"], IsRootSpan())', 'set(span.end_time_unix_nano, span.start_time_unix_nano + 5)',
]
METRICS = [
    'set(metric.description, Concat(["of", metric.name], " "))', 'set(metric.unit, "By") where metric.name == "m1"', 'set(metric.name, "renamed") where metric.name == "m2"',
]
PROCESSORS = {
    **{f"transform {signal}": ({"transform": statements(signal, MAP_STATEMENTS)}, (signal,)) for signal in MAPS},
    **{
        f"transform {signal} by {text.split('(')[0]} {number}": ({"transform": statements(signal, [text])}, (signal,))
        for signal in ("logs",)
        for number, text in enumerate(CUTS + MAP_STATEMENTS)
    },
    "transform bodies": ({"transform": {"log_statements": BODIES}}, ("logs",)),
    "transform spans": ({"transform": {"trace_statements": SPANS}}, ("traces",)),
    "transform names of metrics": ({"transform": {"metric_statements": METRICS}}, ("metrics",)),
    **{
        f"filter {signal} {number}": ({"filter": {f"{'log' if signal == 'logs' else signal[:-1]}_conditions": [condition]}}, (signal,))
        for signal, conditions in CONDITIONS.items()
        for number, condition in enumerate(conditions)
    },
    **{f"redaction {name}": ({"redaction": config}, collectors.SIGNALS) for name, config in REDACTIONS.items()},
    "resource": ({"resource": {"attributes": ACTIONS}}, collectors.SIGNALS),
    "attributes": ({"attributes": {"actions": ACTIONS}}, collectors.SIGNALS),
    "attributes of some": (
        {
            "attributes/a": {
                "include": {"match_type": "regexp", "attributes": [{"key": "note", "value": r"\s|@"}]},
                "exclude": {"match_type": "strict", "resources": [{"key": "card"}]},
                "actions": [{"key": "seen", "value": "a", "action": "upsert"}],
            },
            "attributes/b": {
                "include": {"match_type": "strict", "libraries": [{"name": "lib", "version": ""}]},
                "actions": [{"key": "seen", "value": "b", "action": "upsert"}],
            },
        },
        ("logs", "traces"),
    ),
    "attributes of bodies": (
        {
            "attributes": {
                "include": {"match_type": "regexp", "log_bodies": ["1", "^$"], "log_severity_number": {"min": 9, "match_undefined": True}},
                "actions": [{"key": "seen", "value": 1, "action": "insert"}],
            }
        },
        ("logs",),
    ),
    **{
        f"sampler {mode} {percentage} {'closed' if closed else 'open'}": (
            {"probabilistic_sampler": {
                "sampling_percentage": percentage, "mode": mode, "hash_seed": 22, "fail_closed": closed,
                "from_attribute": "note", "sampling_priority": "n",
            }},
            ("logs", "traces"),
        )
        for mode in ("hash_seed", "equalizing", "proportional")
        for percentage in (0, 12.5, 40, 100)
        for closed in (True, False)
    },
}


class Maker:
    """Telemetry that is random, and the same each time."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        return "".join(self.random.choice(PIECES) for _ in range(self.random.randrange(6)))

    def value(self, depth=0):
        kind = self.random.randrange(12 if depth < 3 else 9)
        if kind < 5:
            return common.AnyValue(string_value=self.text())
        if kind == 5:
            return common.AnyValue(int_value=self.random.choice([0, 1, -1, 4111111111111111, 2**62, 37]))
        if kind == 6:
            return common.AnyValue(double_value=self.random.choice([0.0, 1.5, 10.125, 1e21, 1e-7, 111.25]))
        if kind == 7:
            return common.AnyValue(bool_value=self.random.random() < 0.5)
        if kind == 8:
            return common.AnyValue(bytes_value=self.text().encode())
        if kind == 9:
            return common.AnyValue(array_value=common.ArrayValue(values=[self.value(depth + 1) for _ in range(self.random.randrange(3))]))
        return common.AnyValue(kvlist_value=common.KeyValueList(values=self.attributes(depth + 1)))

    def attributes(self, depth=0):
        keys = self.random.sample(KEYS, self.random.randrange(6))
        return [common.KeyValue(key=key, value=self.value(depth)) for key in keys]

    def trace(self):
        return self.random.choice([b"", bytes(16), self.random.randbytes(16), self.random.randbytes(16), self.random.randbytes(16)])

    def state(self):
        number = f"{self.random.getrandbits(56):014x}"
        return self.random.choice(["", "", "a=b", f"ot=rv:{number}", "ot=th:8", f"ot=th:c;rv:{number};x:y,a=b", "ot=th:xyz", "not a state"])

    def logs(self):
        request = logs_service.ExportLogsServiceRequest()
        for _ in range(4):
            group = request.resource_logs.add()
            group.resource.attributes.extend(self.attributes())
            scope = group.scope_logs.add()
            scope.scope.name = self.random.choice(["lib", "", "other"])
            scope.scope.attributes.extend(self.attributes())
            for _ in range(40):
                record = scope.log_records.add(time_unix_nano=1, severity_number=self.random.choice([0, 5, 9, 17]), trace_id=self.trace())
                record.body.CopyFrom(self.value())
                record.attributes.extend(self.attributes())
        return request

    def traces(self):
        request = trace_service.ExportTraceServiceRequest()
        for _ in range(4):
            group = request.resource_spans.add()
            group.resource.attributes.extend(self.attributes())
            scope = group.scope_spans.add()
            scope.scope.name, scope.scope.version = self.random.choice([("lib", ""), ("lib", "1"), ("", "")])
            for _ in range(40):
                span = scope.spans.add(name=self.text(), trace_id=self.trace(), span_id=self.random.randbytes(8), trace_state=self.state())
                span.attributes.extend(self.attributes())
                span.events.add(name="e", time_unix_nano=1).attributes.extend(self.attributes())
                if self.random.random() < 0.2:
                    span.attributes.add(key="sampling.priority", value=common.AnyValue(int_value=self.random.choice([0, 1])))
        return request

    def metrics(self):
        request = metrics_service.ExportMetricsServiceRequest()
        group = request.resource_metrics.add()
        group.resource.attributes.extend(self.attributes())
        scope = group.scope_metrics.add()
        for number in range(20):
            metric = scope.metrics.add(name=f"m{number}")
            points = self.random.choice([metric.gauge, metric.sum, metric.histogram]).data_points
            points.add(time_unix_nano=1).attributes.extend(self.attributes())
        return request


def feed(port, signals):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stubs = {
            "logs": logs_grpc.LogsServiceStub(channel).Export,
            "traces": trace_grpc.TraceServiceStub(channel).Export,
            "metrics": metrics_grpc.MetricsServiceStub(channel).Export,
        }
        for signal in signals:
            stubs[signal](getattr(Maker(signal), signal)(), timeout=collectors.PATIENCE, wait_for_ready=True)


def left(file):
    """What is in the file, in one order: the Collector moves the keys of maps, and writes an id of zeros as none."""
    rows = [ordered(row) for row in shape.from_file(file)] if file.exists() else []
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def ordered(node):
    if isinstance(node, list):
        return [ordered(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    node = {key: ordered(value) for key, value in node.items() if key not in shape.IDS or value.strip("0")}
    if "doubleValue" in node:
        # The same number may be written with other digits.
        node["doubleValue"] = float(node["doubleValue"])
    if "stringValue" in node:
        # OTTL prints a double in a list or map with another number of digits in its exponent.
        node["stringValue"] = node["stringValue"].replace("e-07", "e-7")
    if "kvlistValue" in node and node["kvlistValue"].get("values"):
        node["kvlistValue"]["values"].sort(key=lambda pair: pair.get("key", ""))
    return node


@pytest.mark.parametrize("name", PROCESSORS)
def test_both_make_the_same_of_the_same(tmp_path, name):
    processors, signals = PROCESSORS[name]
    made = []
    for kind in (collectors.Tidegate, collectors.Otelcol):
        collector = kind(tmp_path, processors=processors, signals=signals)
        with collector.run():
            feed(collector.grpc, signals)
        made.append(left(collector.file))
    ours, theirs = made
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs):
        assert our == their
