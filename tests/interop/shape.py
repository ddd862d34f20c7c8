"""One form for telemetry that compares: a sorted list of items, each with its resource and scope, in OTLP/JSON's terms."""

import base64
import json

from google.protobuf.json_format import MessageToDict

GROUPS = (
    ("resourceLogs", "scopeLogs", "logRecords"),
    ("resourceSpans", "scopeSpans", "spans"),
    ("resourceMetrics", "scopeMetrics", "metrics"),
)
IDS = ("traceId", "spanId", "parentSpanId")


def items(messages):
    """The items of export requests, be they protobuf messages or parsed OTLP/JSON."""
    rows = []
    for message in messages:
        document = message if isinstance(message, dict) else from_proto(message)
        for outer, inner, leaf in GROUPS:
            for group in document.get(outer, []):
                for part in group.get(inner, []):
                    for item in part.get(leaf, []):
                        rows.append({
                            "signal": leaf,
                            "resource": normal(group.get("resource", {})),
                            "resourceSchema": group.get("schemaUrl", ""),
                            "scope": normal(part.get("scope", {})),
                            "scopeSchema": part.get("schemaUrl", ""),
                            "item": normal(item),
                        })
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def from_file(path):
    """The items of a file of OTLP/JSON lines."""
    return items(json.loads(line) for line in path.read_text().splitlines() if line)


def from_proto(message):
    return hex_ids(MessageToDict(message, use_integers_for_enums=True))


def hex_ids(node):
    """Protobuf's JSON has ids in base64 and OTLP's in hexadecimal digits."""
    if isinstance(node, list):
        return [hex_ids(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {k: base64.b64decode(v).hex() if k in IDS and isinstance(v, str) else hex_ids(v) for k, v in node.items()}


def normal(node, key=""):
    """Numbers as text, which is how JSON has 64-bit ones, and no fields that hold the default; attributes by name."""
    if isinstance(node, dict):
        fields = {k: normal(v, k) for k, v in node.items()}
        return {k: v for k, v in fields.items() if k.endswith("Value") or v not in ("", "0", False, None, {}, [])}
    if isinstance(node, list):
        entries = [normal(entry) for entry in node]
        return sorted(entries, key=lambda e: e.get("key", "")) if key == "attributes" else entries
    if isinstance(node, bool):
        return node
    if isinstance(node, (int, float)):
        return str(int(node)) if node == int(node) else repr(float(node))
    return node
