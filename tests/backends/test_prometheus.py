"""What is in Prometheus is what was sent: through the binary, over remote write, and read back with Prometheus' own API.

`TIDEGATE` names the binary, `PROMETHEUS` one of Prometheus that knows both versions of the protocol, and `PROMETHEUS_V1` one
that knows the first. What is not named is not run against.
"""

import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from ports import free_port

PATIENCE = 60
V1, V2 = "prometheus.WriteRequest", "io.prometheus.write.v2.Request"
YOUNG, OLD = os.environ.get("PROMETHEUS"), os.environ.get("PROMETHEUS_V1")
RUNS = [(YOUNG, V1), (YOUNG, V2)] * bool(YOUNG) + [(OLD, V1)] * bool(OLD)

REMOTE_WRITE = "prometheus_remote_write"


def named(run):
    """How a row of the table calls a Prometheus and the version of the protocol that it is written to in."""
    binary, message = run
    version = os.path.basename(binary).removeprefix("prometheus-")
    return f"Prometheus {version}, remote write {'1.0' if message == V1 else '2.0'}"


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, f"waited {PATIENCE} s for {what}"
        time.sleep(0.02)
    return answer


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return answer.read().decode()


def answers(url):
    try:
        get(url)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def process(command, folder, name):
    with (folder / f"{name}.log").open("ab") as log:
        running = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(PATIENCE)


class Prometheus:
    def __init__(self, run, folder):
        self.name, self.binary, self.folder, self.port = named(run), run[0], folder, free_port()
        (folder / "prometheus.yml").write_text("storage: { exemplars: { max_exemplars: 1000 } }\n")
        self.url = f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def run(self):
        # Those that a younger one has switched on it takes all the same, and says so in its log.
        features = "exemplar-storage,native-histograms"
        command = [
            self.binary,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-remote-write-receiver",
            f"--enable-feature={features}",
        ]
        with process(command, self.folder, "prometheus"):
            wait_for(lambda: answers(f"{self.url}/-/ready"), "Prometheus")
            yield

    def ask(self, path, **parameters):
        answer = json.loads(get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def at(self, query, seconds):
        """The series of a query at a time: by what their labels are, what they hold."""
        found = self.ask("query", query=query, time=seconds)["result"]
        return {frozenset(one["metric"].items()): one for one in found}

    def value(self, query, seconds):
        [one] = self.at(query, seconds).values()
        return float(one["value"][1])


class Tidegate:
    def __init__(self, folder, settings):
        self.folder, self.otlp, self.own = folder, free_port(), free_port()
        config = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.otlp}"}}}},
            "exporters": {"prometheus_remote_write": {"retry_on_failure": {"max_interval": "100ms"}} | settings},
            "service": {
                "telemetry": {"metrics": {"address": f"127.0.0.1:{self.own}"}},
                "pipelines": {"metrics": {"receivers": ["otlp"], "exporters": ["prometheus_remote_write"]}},
            },
        }
        (folder / "tidegate.yaml").write_text(json.dumps(config))

    @contextlib.contextmanager
    def run(self):
        with process([os.environ["TIDEGATE"], "--config", "tidegate.yaml"], self.folder, "tidegate"):
            wait_for(lambda: answers(f"http://127.0.0.1:{self.own}/metrics"), "Tidegate")
            yield

    def send(self, *metrics, resource=()):
        """Sends metrics, and returns when they are where they belong."""
        scope = {"scope": {"name": "lib"}, "metrics": list(metrics)}
        body = {"resourceMetrics": [{"resource": {"attributes": attributes(dict(resource))}, "scopeMetrics": [scope]}]}
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.otlp}/v1/metrics", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def counted(self, name, *labels):
        lines = get(f"http://127.0.0.1:{self.own}/metrics").splitlines()
        found = [line for line in lines if line.startswith(name + "{") and all(label in line for label in labels)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    def rejected(self, reason):
        return self.counted("tidegate_exporter_rejected_metric_points", f'reason="{reason}"')


def attributes(pairs):
    return [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]


@contextlib.contextmanager
def pair(run, folder, **settings):
    """A Tidegate that sends to a Prometheus."""
    prometheus = Prometheus(run, folder)
    settings |= {"endpoint": f"{prometheus.url}/api/v1/write", "protobuf_message": run[1]}
    tidegate = Tidegate(folder, settings)
    with prometheus.run(), tidegate.run():
        yield tidegate, prometheus


@pytest.fixture(params=RUNS, ids=lambda run: f"{os.path.basename(run[0])}-v{1 if run[1] == V1 else 2}")
def both(request, tmp_path):
    with pair(request.param, tmp_path) as found:
        yield found


# A minute ago: what is older than an hour or newer than now Prometheus does not take.
NOW = int(time.time()) - 60
LIB = {"otel_scope_name": "lib"}


def point(second, **more):
    return {"timeUnixNano": str((NOW + second) * 10**9), "startTimeUnixNano": str((NOW - 600) * 10**9)} | more


def gauge(name, *points, unit=""):
    return {"name": name, "unit": unit, "gauge": {"dataPoints": list(points)}}


def counter(name, *points, temporality=2):
    return {"name": name, "sum": {"dataPoints": list(points), "aggregationTemporality": temporality, "isMonotonic": True}}


def test_numbers_come_with_their_labels_their_resource_and_their_times(both, row):
    tidegate, prometheus = both
    resource = {"service.namespace": "shop", "service.name": "cart", "service.instance.id": "i", "k8s.pod.name": "p"}
    points = [point(0, asDouble=1.25, attributes=attributes({"http.route": "/a"})), point(0, asInt="-7")]
    tidegate.send(gauge("queue.depth", *points, unit="By"), counter("requests", point(5, asInt="9007199254740993")), resource=resource)
    identity = {"job": "shop/cart", "instance": "i"}
    found = prometheus.at("queue_depth_bytes", NOW)
    labels = lambda more: frozenset({"__name__": "queue_depth_bytes", **identity, **LIB, **more}.items())
    assert {key: one["value"] for key, one in found.items()} == {
        labels({"http_route": "/a"}): [NOW, "1.25"],
        labels({}): [NOW, "-7"],
    }
    assert prometheus.value("requests_total", NOW + 5) == 9007199254740992
    [sample] = prometheus.ask("query", query="requests_total[1h]", time=NOW + 30)["result"]
    assert [at for at, _ in sample["values"]] == [NOW + 5]
    [info] = prometheus.at("target_info", NOW + 5)
    assert dict(info) == {"__name__": "target_info", "k8s_pod_name": "p", **identity}
    row(prometheus.name, REMOTE_WRITE, "a gauge and a counter of one resource", "3 points", "3 samples with their labels, times and `job`; 1 `target_info`; 2⁵³+1 as the float 2⁵³")


def test_histograms_and_summaries_are_there_bucket_by_bucket(both, row):
    tidegate, prometheus = both
    histogram = {
        "name": "took",
        "unit": "s",
        "histogram": {
            "aggregationTemporality": 2,
            "dataPoints": [point(0, count="6", sum=12.25, explicitBounds=[0.005, 1, 250], bucketCounts=["1", "2", "0", "3"])],
        },
    }
    quantiles = [{"quantile": 0.5, "value": 3.5}, {"quantile": 0.99, "value": 9}]
    summary = {"name": "sizes", "summary": {"dataPoints": [point(0, count="4", sum=20, quantileValues=quantiles)]}}
    tidegate.send(histogram, summary)
    by = lambda name, label: {dict(k)[label]: one["value"][1] for k, one in prometheus.at(name, NOW).items()}
    buckets = by("took_seconds_bucket", "le")
    # A young one writes whole numbers with a point.
    assert {float(le): count for le, count in buckets.items()} == {0.005: "1", 1: "3", 250: "3", float("inf"): "6"}
    assert prometheus.value("took_seconds_sum", NOW) == 12.25 and prometheus.value("took_seconds_count", NOW) == 6
    assert by("sizes", "quantile") == {"0.5": "3.5", "0.99": "9"}
    assert prometheus.value("sizes_sum", NOW) == 20 and prometheus.value("sizes_count", NOW) == 4
    row(prometheus.name, REMOTE_WRITE, "a histogram and a summary", "2 points: 4 buckets, 2 quantiles", "4 buckets, 2 quantiles, both sums and counts, equal")


def exponential(name, **more):
    buckets = {"offset": 0, "bucketCounts": ["1", "0", "4"]}
    point_ = point(0, count="8", sum=33.5, scale=0, zeroCount="1", positive=buckets, negative={"offset": 1, "bucketCounts": ["2"]})
    data = {"aggregationTemporality": 2, "dataPoints": [point_ | more]}
    return {"name": name, "exponentialHistogram": data}


def test_exponential_histograms_are_native_ones_with_the_same_buckets(both, row):
    tidegate, prometheus = both
    tidegate.send(exponential("spread"))
    [one] = prometheus.at("spread", NOW).values()
    found = one["histogram"][1]
    assert (float(found["count"]), float(found["sum"])) == (8, 33.5)
    buckets = {(float(low), float(high)): float(count) for _, low, high, count in found["buckets"]}
    assert {key: count for key, count in buckets.items() if abs(key[0]) >= 1} == {(1, 2): 1, (4, 8): 4, (-4, -2): 2}
    assert sum(buckets.values()) == 8
    row(prometheus.name, REMOTE_WRITE, "an exponential histogram", "1 point of 8 values", "1 native histogram: count, sum and buckets equal")


@pytest.mark.parametrize("message", [V1, V2])
@pytest.mark.skipif(not YOUNG, reason="an older one has no native histograms with bounds of their own")
def test_histograms_become_native_ones_where_that_is_asked_for(tmp_path, message, row):
    data = {
        "aggregationTemporality": 2,
        "dataPoints": [point(0, count="6", sum=12.25, explicitBounds=[1, 2, 5], bucketCounts=["1", "2", "0", "3"])],
    }
    with pair((YOUNG, message), tmp_path, convert_explicit_histograms_to_nhcb=True) as (tidegate, prometheus):
        tidegate.send({"name": "took", "histogram": data})
        [one] = prometheus.at("took", NOW).values()
    found = one["histogram"][1]
    assert (float(found["count"]), float(found["sum"])) == (6, 12.25)
    assert [[float(low), float(high), float(count)] for _, low, high, count in found["buckets"]][1:] == [[1, 2, 2], [5, float("inf"), 3]]
    row(prometheus.name, REMOTE_WRITE, "`convert_explicit_histograms_to_nhcb`", "1 point of 6 values", "1 native histogram with the same bounds")


def test_exemplars_are_found_by_their_series(both, row):
    tidegate, prometheus = both
    exemplar = {
        "timeUnixNano": str(NOW * 10**9),
        "asDouble": 0.7,
        "traceId": "0102030405060708090a0b0c0d0e0f10",
        "spanId": "0102030405060708",
        "filteredAttributes": attributes({"user": "u"}),
    }
    data = {"aggregationTemporality": 2, "dataPoints": [point(0, count="1", sum=0.7, explicitBounds=[1], bucketCounts=["1", "0"], exemplars=[exemplar])]}
    tidegate.send({"name": "took", "histogram": data}, counter("hits", point(0, asInt="1", exemplars=[exemplar])))
    for query in ('took_bucket{le=~"1|1.0"}', "hits_total"):
        [found] = prometheus.ask("query_exemplars", query=query, start=NOW - 10, end=NOW + 10)
        [one] = found["exemplars"]
        assert one["labels"] == {"trace_id": exemplar["traceId"], "span_id": exemplar["spanId"], "user": "u"}
        assert (float(one["value"]), one["timestamp"]) == (0.7, NOW)
    row(prometheus.name, REMOTE_WRITE, "exemplars of a histogram and of a counter", "2 exemplars", "2, each at its series, with value, time and trace")


def test_a_series_without_a_recorded_value_ends_there_and_then(both, row):
    tidegate, prometheus = both
    tidegate.send(gauge("up.now", point(0, asInt="1")), exponential("spread"))
    tidegate.send(gauge("up.now", point(10, flags=1)), exponential("spread", **point(10), flags=1))
    for query in ("up_now", "spread"):
        assert len(prometheus.at(query, NOW + 9)) == 1, query
        assert prometheus.at(query, NOW + 10) == {}, query
    row(prometheus.name, REMOTE_WRITE, "points without a recorded value", "2 series, then their ends", "2 series that end at that time")


def test_what_comes_too_late_is_rejected_alone_and_counted(both, row):
    tidegate, prometheus = both
    tidegate.send(gauge("g", *(point(10, asInt="1", attributes=attributes({"n": str(n)})) for n in range(3))))
    late = [point(5, asInt="2", attributes=attributes({"n": "0"})), point(10, asInt="2", attributes=attributes({"n": "1"}))]
    assert tidegate.send(gauge("g", *late, point(20, asInt="2", attributes=attributes({"n": "2"})))) == 200
    assert prometheus.value('g{n="2"}', NOW + 20) == 2
    assert [prometheus.value(f'g{{n="{n}"}}', NOW + 20) for n in "01"] == [1, 1]
    assert tidegate.rejected("out_of_order") + tidegate.rejected("duplicate") == 2
    assert tidegate.counted("otelcol_exporter_sent_metric_points") == 4
    row(prometheus.name, REMOTE_WRITE, "samples that come too late among others", "6 samples, 2 of them too late", "4 samples; 2 counted as `out_of_order` or `duplicate`, never sent again")


def test_deltas_are_totals_that_begin_anew_after_a_restart(both, row):
    tidegate, prometheus = both
    delta = lambda start, value: counter(
        "d", point(start + 5, asInt=str(value)) | {"startTimeUnixNano": str((NOW + start) * 10**9)}, temporality=1
    )
    for start, value in ((0, 50), (5, 30), (5, 30)):
        assert tidegate.send(delta(start, value)) == 200
    assert prometheus.value("d_total", NOW + 10) == 80
    other = Tidegate(tidegate.folder, json.loads((tidegate.folder / "tidegate.yaml").read_text())["exporters"]["prometheus_remote_write"])
    with other.run():
        assert other.send(delta(10, 7)) == 200
    assert prometheus.value("d_total", NOW + 15) == 7
    assert prometheus.value("resets(d_total[1m])", NOW + 15) == 1
    row(prometheus.name, REMOTE_WRITE, "deltas, and a restart", "50, 30, 30, then 7", "totals 80 and 7 at the times asked for, with 1 reset")


@pytest.mark.skipif(not RUNS, reason="no Prometheus is named")
def test_nothing_is_lost_or_out_of_order_while_prometheus_is_away(tmp_path, row):
    prometheus = Prometheus((RUNS[-1][0], V1), tmp_path)
    tidegate = Tidegate(tmp_path, {"endpoint": f"{prometheus.url}/api/v1/write"})
    said = []
    with tidegate.run():
        with prometheus.run():
            assert tidegate.send(gauge("g", point(0, asInt="0"))) == 200
        # Each waits for its answer, and they come in their order.
        def send():
            for second in range(1, 6):
                said.append(tidegate.send(gauge("g", point(second, asInt=str(second)))))

        sending = threading.Thread(target=send)
        sending.start()
        wait_for(lambda: "will be tried again" in (tmp_path / "tidegate.log").read_text(), "an attempt that fails")
        with prometheus.run():
            sending.join(PATIENCE)
            assert said == [200] * 5
            [series] = prometheus.ask("query", query="g[1m]", time=NOW + 10)["result"]
            assert [(at - NOW, float(value)) for at, value in series["values"]] == [(n, n) for n in range(6)]
        assert tidegate.counted("tidegate_exporter_rejected_metric_points") == 0
    row(prometheus.name, REMOTE_WRITE, "5 requests while Prometheus is away", "6 samples", "6 samples in their order; none rejected")
