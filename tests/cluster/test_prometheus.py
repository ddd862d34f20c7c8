"""Pods that the `prometheus` receiver finds by asking a real API server, and scrapes."""

import json

import collector_pods
import documentation
from pods import Pod, busybox

EXPOSED = """
# HELP requests_total Requests that came.
# TYPE requests_total counter
requests_total{code="200"} 7
requests_total{code="500"} 1
# HELP temperature_celsius How warm it is.
# TYPE temperature_celsius gauge
temperature_celsius 21.5
# HELP duration_seconds How long it took.
# TYPE duration_seconds histogram
duration_seconds_bucket{le="0.1"} 3
duration_seconds_bucket{le="+Inf"} 4
duration_seconds_sum 0.9
duration_seconds_count 4
"""
SERVE = f"""
busybox mkdir -p /tmp/www
echo '{EXPOSED}' >/tmp/www/page.txt
exec busybox httpd -f -p 8080 -h /tmp/www
"""
ANNOTATIONS = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/page.txt"}
# Of each scrape, and not the same from one to the next.
CHANGING = {"scrape_duration_seconds", "scrape_series_added"}


def scraped(namespace):
    """The rules by which annotations of pods are read in most charts."""
    annotation = lambda name: f"__meta_kubernetes_pod_annotation_prometheus_io_{name}"
    return {"prometheus": {"config": {"scrape_configs": [{
        "job_name": "pods",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [namespace]}}],
        "relabel_configs": [
            {"source_labels": [annotation("scrape")], "regex": "true", "action": "keep"},
            {"source_labels": [annotation("path")], "regex": "(.+)", "target_label": "__metrics_path__"},
            {
                "source_labels": ["__address__", annotation("port")],
                "regex": r"([^:]+)(?::\d+)?;(\d+)",
                "replacement": "$$1:$$2",
                "target_label": "__address__",
            },
            {"regex": "__meta_kubernetes_pod_label_(.+)", "action": "labelmap"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
            {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "node"},
        ],
    }]}}}


def serving(namespace, name):
    return Pod.create(namespace, name, [busybox(SERVE)], labels={"app": "shop"}, annotations=ANNOTATIONS).run()


def without_times(node):
    """The same without when it was."""
    if isinstance(node, dict):
        return {key: without_times(at) for key, at in node.items() if not key.endswith("imeUnixNano")}
    return [without_times(at) for at in node] if isinstance(node, list) else node


def told(collector):
    """What was scraped, a text for each point with its metric and resource; what is told once more is told once."""
    texts = set()
    for row in collector.items():
        item = row["item"]
        if item["name"] in CHANGING:
            continue
        kind = next(kind for kind in ("gauge", "sum", "histogram") if kind in item)
        for point in item[kind]["dataPoints"]:
            alone = {**row, "item": {**item, kind: {**item[kind], "dataPoints": [point]}}}
            texts.add(json.dumps({"resource": alone["resource"], "item": without_times(alone["item"])}, sort_keys=True))
    return texts


def is_stale(items, pod):
    """Whether a series of the pod was told to have ended."""
    points = (
        point for row in items if row["item"]["name"] == "temperature_celsius"
        for point in row["item"]["gauge"]["dataPoints"] if {"key": "pod", "value": {"stringValue": pod}} in point["attributes"]
    )
    return any(point.get("flags") == "1" for point in points)


def has(pod):
    return lambda items: any(
        {"key": "pod", "value": {"stringValue": pod}} in point["attributes"]
        for row in items if row["item"]["name"] == "temperature_celsius" for point in row["item"]["gauge"]["dataPoints"]
    )


def test_annotated_pods_are_scraped_and_become_what_otelcol_makes_of_them(namespace, grant, both):
    grant(documentation.rules("prometheus"))
    serving(namespace, "first")
    Pod.create(namespace, "silent", [busybox(SERVE)]).run()
    tidegate, otelcol = both(collector_pods.config(scraped(namespace), "metrics"))
    for collector in (tidegate, otelcol):
        collector.wait_for(has("first"), "the pod that is annotated")
        assert not has("silent")(collector.items())
    assert told(tidegate) == told(otelcol)


def test_a_pod_that_is_deleted_is_told_stale_and_one_that_comes_is_scraped(namespace, grant, both):
    grant(documentation.rules("prometheus"))
    first = serving(namespace, "first")
    collectors = both(collector_pods.config(scraped(namespace), "metrics"))
    for collector in collectors:
        collector.wait_for(has("first"), "the first pod")
    first.delete()
    serving(namespace, "second")
    for collector in collectors:
        collector.wait_for(lambda items: is_stale(items, "first"), "the end of the first pod's series")
        collector.wait_for(has("second"), "the second pod")
