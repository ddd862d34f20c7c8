"""Makes the corpora that the tests of `prometheus_remote_write` are held against: what the Collector makes of odd names,
and the series that it makes of whole requests.

    OTELCOL=path/to/otelcol python3 tests/backends/prometheus_corpus.py

They lie beside the tests of the exporter and are committed; this is run anew when the Collector changes its rules.
"""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

from remote_write import RemoteWrite, sorted_series

FOLDER = pathlib.Path(__file__).parents[2] / "host/exporters/src/prometheus_remote_write/tests"
STRATEGIES = ("UnderscoreEscapingWithSuffixes", "UnderscoreEscapingWithoutSuffixes", "NoUTF8EscapingWithSuffixes", "NoTranslation")
GATE = "exporter.prometheusremotewritexporter.enableSendingRW2"
AT = 1_700_000_000_000_000_000

NAMES = """
http.server.request.duration|http.server.active_requests|system.cpu.time|system.cpu.utilization|process.runtime.jvm.memory.usage
k8s.pod.memory.page_faults|container.memory.working_set|a|A|1|42|9lives|2nd.place|_hidden|__dunder__|___|_|-|--|.|..|:|a:b|a::b|:a:
ns:sub:rate5m|my-metric|my--metric|my.metric.|.my.metric|my..metric|my__metric|my_metric_|_my_metric|my metric|my  metric| padded |tab\tbed
line\nbreak|total|total.total|requests.total|total.requests|requests_total|requests_total_total|ratio|hit.ratio|ratio.hit|cache_ratio
seconds|duration.seconds|seconds.duration|duration_seconds|seconds_total|bytes|bytes.bytes|size_bytes|bytes_total|io.bytes.total
memory.bytes.used|per|per_second|rate.per.second|requests_per_second|percent|cpu.percent|percent_used|celsius|temp.celsius
température|größe.bytes|названия.метрик|指标|指标.bytes|メトリック.total|emoji.😀.count|😀|mixé-总.x|ÀÉÎ|ß|1é|é1|a\u0300b|İstanbul|K|x\u200by
foo/bar|foo\\bar|foo"bar|foo'bar|foo{bar}|foo[0]|foo(bar)|foo=bar|foo,bar|foo;bar|foo@bar|foo#bar|foo$bar|foo%bar|foo&bar|foo*bar|foo+bar|foo?bar|foo!bar|foo~bar|foo`bar|foo^bar|foo<bar>|foo|bar
count|sum|bucket|my_count|my_sum|my_bucket|requests_count_total|info|build_info|target_info|UPPER.CASE.NAME|camelCaseName|PascalCase.Total|mixed_Case-Name
a.b.c.d.e.f.g.h.i.j|x.1.y.2|1.2.3|v2.api|http2|go.gc.pause.ns|jvm_gc_pause_seconds_max|le|quantile|__name__|job|instance|node.hertz|volts.out|w|W.watts
grams.of.grams|meters_per_second|bytes_per_second|kibibytes.free|days.since|days|a_days_b|hours_hours|minute.per.minute|per.per_minute
""".strip("\n")

UNITS = """
|1|%|s|ms|us|ns|min|h|d|w|mo|y|By|KiBy|MiBy|GiBy|TiBy|KBy|MBy|GBy|TBy|kBy|by|B|bit|m|V|A|J|W|g|kg|Cel|Hz|K|mm|cm|nm
{request}|{requests}|{packets}/s|By/s|By/min|1/s|1/m|1/{op}|{op}/s|s/{op}|m/s|m/h|km/h|KiBy/d|MiBy/w|g/mo|J/y|W/h|%/s|/s|s/|/|//|s//m|s/m/h|By/By
 s | By / s |bytes|seconds|Seconds|SECONDS|percent|ratio|total|per|per_second|{a}b|a{b}|{|}|{}|{}/s|s/{}|a b|a-b|a.b|a_b|_a|a_|_a_|__|_|-|!|m^2|m²|µs|°C|€|単位|1 1|01|10|100|1.5|2/3|s_|-s|s-/-m|a:b|:|10*3/uL|[degF]|mm[Hg]|mol|lx
""".strip("\n")

KEYS = """
a|A|1|0key|9.9|_|__|___|_a|__a|_a_|__a__|__name__|__reserved__|____|_____|a.b|a..b|a__b|a-b|a_-_b|a b| a |a.|.a|.|..|-|a:b|:|::|a/b|é|éa|aé|ключ|键|😀|😀a|a😀
http.status_code|http.request.method|k8s.pod.name|service.name|service.instance.id|job|instance|le|quantile|otel_scope_name|otel.scope.name|UPPER|camelCase|123abc|abc123|key_1|key.1|_1|1_|__1|a%b|a{b}|a"b|a\\b|a=b|a,b
__a.b__|__.__|__-a__|___a___|__é__|_é|.1|-1|1.1.1|x_|x__|x.y_z-w
""".strip("\n")


def listed(text):
    # The bar is among the names, too, and stands there last on its line.
    return [part for line in text.split("\n") for part in line.split("|")]


def metric(kind, name, unit, attributes, value=1.5):
    point = {"timeUnixNano": str(AT), "startTimeUnixNano": str(AT - 10**9), "attributes": attributes}
    if kind in ("gauge", "counter", "updown"):
        point |= {"asDouble": value}
        data = {"dataPoints": [point]}
        if kind == "gauge":
            return {"name": name, "unit": unit, "gauge": data}
        return {"name": name, "unit": unit, "sum": data | {"aggregationTemporality": 2, "isMonotonic": kind == "counter"}}
    if kind == "histogram":
        point |= {"count": "3", "sum": 4.5, "explicitBounds": [1, 2.5], "bucketCounts": ["1", "1", "1"]}
        return {"name": name, "unit": unit, "histogram": {"dataPoints": [point], "aggregationTemporality": 2}}
    if kind == "exponential":
        point |= {"count": "3", "sum": 4.5, "scale": 1, "positive": {"offset": 0, "bucketCounts": ["1", "2"]}}
        return {"name": name, "unit": unit, "exponentialHistogram": {"dataPoints": [point], "aggregationTemporality": 2}}
    point |= {"count": "3", "sum": 4.5, "quantileValues": [{"quantile": 0.5, "value": 1}]}
    return {"name": name, "unit": unit, "summary": {"dataPoints": [point]}}


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def request(metrics, resource=(), scope=None):
    scoped = {"metrics": metrics} | ({"scope": scope} if scope else {})
    return {"resourceMetrics": [{"resource": {"attributes": list(resource)}, "scopeMetrics": [scoped]}]}


def series_of(requests, settings):
    """What the Collector sends for these requests."""
    with RemoteWrite() as sink, tempfile.TemporaryDirectory() as folder:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        exporter = {"endpoint": sink.url, "tls": {"insecure": True}, "remote_write_queue": {"enabled": False}} | settings
        config = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
            "exporters": {"prometheus_remote_write": exporter},
            "service": {
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
                "pipelines": {"metrics": {"receivers": ["otlp"], "exporters": ["prometheus_remote_write"]}},
            },
        }
        path = pathlib.Path(folder) / "otelcol.yaml"
        path.write_text(json.dumps(config))
        process = subprocess.Popen([os.environ["OTELCOL"], "--config", str(path), f"--feature-gates={GATE}"])
        try:
            for one in requests:
                post(port, one, process)
        finally:
            process.terminate()
            process.wait()
        return sorted_series(sink.series)


def post(port, body, process):
    for _ in range(600):
        assert process.poll() is None, "otelcol ended"
        headers = {"content-type": "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/v1/metrics", json.dumps(body).encode(), headers)) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            # Of a request of which nothing can be said it says so.
            return error.read()
        except urllib.error.URLError:
            time.sleep(0.05)
    raise TimeoutError("otelcol does not listen")


def cases():
    names, units = listed(NAMES), listed(UNITS)
    kinds = ("gauge", "counter", "updown", "histogram", "exponential", "summary")
    for at, name in enumerate(names):
        yield kinds[at % 2], name, units[at % 7]
        yield kinds[2 + at % 4], name, units[(at * 5 + 3) % len(units)]
    for at, unit in enumerate(units):
        yield "gauge", "some.thing", unit
        yield "counter", "some.thing", unit
        yield kinds[2 + at % 4], "some.seconds.thing.bytes.total", unit


def write_names():
    known = list(dict.fromkeys(cases()))
    rows = [{"type": kind, "name": name, "unit": unit, "made": {}} for kind, name, unit in known]
    for namespace in ("", "acme", "9-odd ns"):
        some = rows if not namespace else rows[:60]
        for strategy in STRATEGIES:
            settings = {
                "translation_strategy": strategy,
                "namespace": namespace,
                "target_info": {"enabled": False},
                "protobuf_message": "io.prometheus.write.v2.Request",
            }
            metrics = [metric(r["type"], r["name"], r["unit"], [text("case", str(at))]) for at, r in enumerate(some)]
            made = {}
            for one in series_of([request(metrics)], settings):
                labels = dict(one["labels"])
                made.setdefault(int(labels["case"]), set()).add((labels.get("__name__", ""), one["metadata"][2]))
            for at, row in enumerate(some):
                found = sorted(made.get(at, ()))
                row["made"][f"{strategy}|{namespace}"] = [sorted({n for n, _ in found}), found[0][1] if found else None]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (FOLDER / "names.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(len(rows), "metrics")


def write_labels():
    keys = list(dict.fromkeys(listed(KEYS)))
    rows = [{"key": key, "made": {}} for key in keys]
    for strategy in STRATEGIES[1::2]:
        settings = {"translation_strategy": strategy, "target_info": {"enabled": False}, "protobuf_message": "io.prometheus.write.v2.Request"}
        metrics = [metric("gauge", f"m{at}", "", [text(key, "v")]) for at, key in enumerate(keys)]
        made = {dict(one["labels"])["__name__"]: one["labels"] for one in series_of([request(metrics)], settings)}
        for at, row in enumerate(rows):
            labels = made.get(f"m{at}")
            row["made"][strategy] = None if labels is None else [n for n, v in labels if n != "__name__" or v == "v"]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (FOLDER / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(len(rows), "keys")


def number(key, value):
    return {"key": key, "value": value}


def whole_requests():
    """What is told of each: how the exporter is set, and the request."""
    service = [text("service.namespace", "shop"), text("service.name", "cart"), text("service.instance.id", "i-1"), text("host.name", "h1"), text("Zone", "z")]
    scope = {"name": "lib", "version": "1.2", "attributes": [text("team.name", "t"), text("version", "x"), text("schema_url", "y")]}
    point = lambda **more: {"timeUnixNano": str(AT + 1_999_999), "startTimeUnixNano": str(AT - 10**9)} | more
    gauge = lambda *points: {"name": "g", "gauge": {"dataPoints": list(points)}}
    values = [
        number("int", {"intValue": "-7"}), number("big", {"intValue": "9223372036854775807"}), number("yes", {"boolValue": True}),
        number("double", {"doubleValue": 1e21}), number("small", {"doubleValue": 1e-7}), number("tiny", {"doubleValue": 0.000001}), number("half", {"doubleValue": 0.5}), number("whole", {"doubleValue": 3.0}),
        number("bytes", {"bytesValue": "AQID"}), number("empty", {"stringValue": ""}), {"key": "none", "value": {}},
        number("list", {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "a<b>&\"\\\n\u2028\u0001"}, {"doubleValue": 1e-7}, {}]}}),
        number("map", {"kvlistValue": {"values": [number("z", {"intValue": "1"}), number("a", {"boolValue": False})]}}),
    ]
    colliding = [text("a.b", "2"), text("a_b", "3"), text("a-b", "1"), text("x.y", "same"), text("x_y", "same")]
    exemplar = {"timeUnixNano": str(AT), "asDouble": 1.5, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "filteredAttributes": [text("user", "u")]}
    long = dict(exemplar, filteredAttributes=[text("user", "u" * 100)], asDouble=9.0)
    stale = {"flags": 1}
    histogram = lambda *points: {"name": "h", "unit": "s", "histogram": {"dataPoints": list(points), "aggregationTemporality": 2}}
    exponential = lambda *points: {"name": "e", "unit": "s", "exponentialHistogram": {"dataPoints": list(points), "aggregationTemporality": 2}}
    distribution = point(count="6", sum=12.25, explicitBounds=[0.005, 1, 2.5, 1000000], bucketCounts=["1", "2", "0", "2", "1"])
    buckets = lambda offset, *counts: {"offset": offset, "bucketCounts": [str(c) for c in counts]}
    yield {}, request([gauge(point(asDouble=1.25, attributes=[text("k", "v")]), point(asInt="-3"))], service, scope)
    yield {}, request([gauge(point(asDouble=1, attributes=values))], [text("service.name", "only")])
    yield {}, request([gauge(point(asDouble=1, attributes=colliding))], [text("service.instance.id", "only"), text("x", "y")])
    yield {}, request([gauge(point(asDouble=1, attributes=[text("job", "mine"), text("instance", "mine"), text("otel_scope_name", "mine")]))], service, scope)
    yield {}, request([gauge(point(asDouble=1))], service[:3])
    yield {}, request([gauge(point(asDouble=1))], service[3:])
    yield {"disable_scope_info": True}, request([gauge(point(asDouble=1))], service, scope)
    yield {"target_info": {"enabled": False}}, request([gauge(point(asDouble=1))], service)
    yield {"external_labels": {"region": "eu", "k": "external", "host.name": "ext", "job": "ext"}}, request([gauge(point(asDouble=1, attributes=[text("k", "v")]))], service)
    yield {"namespace": "ns"}, request([gauge(point(asDouble=1))], service)
    for conversion in ({"enabled": True}, {"enabled": True, "exclude_service_attributes": True}):
        joined = [text("host.name", "point"), text("host_name", "other"), text("k", "v")]
        yield {"resource_to_telemetry_conversion": conversion}, request([gauge(point(asDouble=1, attributes=joined), point(asDouble=2))], service + [text("empty", "")], scope)
    yield {"resource_constant_labels": {"included": ["host.*", "Z?ne"], "excluded": ["*.id"]}}, request([gauge(point(asDouble=1, attributes=[text("k", "v")]))], service)
    yield {"resource_constant_labels": {"excluded": ["service.*"]}}, request([gauge(point(asDouble=1))], service)
    yield {}, request([{"name": "c", "sum": {"dataPoints": [point(asInt="5", exemplars=[exemplar, long]), point(asDouble=6, attributes=[text("k", "v")])], "aggregationTemporality": 2, "isMonotonic": True}}], service)
    yield {}, request([{"name": "d", "sum": {"dataPoints": [point(asInt="5")], "aggregationTemporality": 0, "isMonotonic": True}}, gauge(point(asDouble=1))], service)
    yield {}, request([gauge(point(**stale)), {"name": "c", "sum": {"dataPoints": [point(**stale)], "aggregationTemporality": 2, "isMonotonic": True}}], service)
    yield {}, request([histogram(distribution, dict(distribution, attributes=[text("k", "v")], exemplars=[exemplar, long]))], service)
    yield {}, request([histogram(point(count="4", explicitBounds=[], bucketCounts=["4"]), point(count="2", sum=1, attributes=[text("k", "v")]))], service)
    yield {}, request([histogram(dict(distribution, **stale))], service)
    yield {"convert_explicit_histograms_to_nhcb": True}, request([histogram(dict(distribution, exemplars=[exemplar]))], service)
    yield {"convert_explicit_histograms_to_nhcb": True, "keep_classic_histograms": True}, request([histogram(distribution, dict(distribution, attributes=[text("k", "v")], **stale))], service)
    for scale in (-4, 0, 3, 8, 9, 11):
        yield {}, request([exponential(point(count="20", sum=7.5, scale=scale, zeroCount="2", zeroThreshold=0.001 if scale else 0, positive=buckets(-3, 1, 0, 2, 0, 0, 0, 0, 5, 1, 1), negative=buckets(4, 3, 0, 5), exemplars=[exemplar]))], service)
    yield {}, request([exponential(point(count="1", scale=-5, positive=buckets(0, 1))), gauge(point(asDouble=1))], service)
    yield {}, request([exponential(point(count="0", scale=2, **stale))], service)
    quantiles = [{"quantile": q, "value": v} for q, v in ((0, 1), (0.5, 2), (0.999, 3), (1, 4))]
    yield {}, request([{"name": "s", "unit": "By", "summary": {"dataPoints": [point(count="9", sum=4.5, quantileValues=quantiles, attributes=[text("k", "v")]), point(count="1", quantileValues=quantiles[:1], **stale)]}}], service)


def write_requests():
    rows = []
    for settings, body in whole_requests():
        for version, message in ((1, "prometheus.WriteRequest"), (2, "io.prometheus.write.v2.Request")):
            series = series_of([body], settings | {"protobuf_message": message})
            rows.append({"settings": settings, "version": version, "request": body, "series": series})
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (FOLDER / "requests.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(len(rows), "requests")


if __name__ == "__main__":
    write_names()
    write_labels()
    write_requests()
