"""Telemetry of every kind: what the SDK makes, and by hand what it does not."""

import json
import time
import urllib.request

import grpc
import shape
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter, metric_exporter, trace_exporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_log_exporter
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metric_exporter
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_trace_exporter
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_service
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

ATTRIBUTES = {
    "text": "plain",
    "empty": "",
    "unicode": "Grüße, 世界 \U0001f30d",
    "truth": True,
    "lie": False,
    "zero": 0,
    "large": 2**62 + 1,
    "negative": -17,
    "ratio": 0.1,
    "texts": ["a", "", "ü"],
    "numbers": [1, -2, 3],
    "ratios": [0.5, 1.0],
    "truths": [True, False],
}
RESOURCE = Resource.create({"service.name": "checkout", "host.id": "ünïcode", **ATTRIBUTES})


class Exporters:
    """The SDK's three exporters to one place, by one protocol."""

    def __init__(self, protocol, port, compression="none"):
        if protocol == "grpc":
            of_grpc = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}
            to = {"endpoint": f"http://127.0.0.1:{port}", "insecure": True, "compression": of_grpc[compression]}
            self.logs = _log_exporter.OTLPLogExporter(**to)
            self.traces = trace_exporter.OTLPSpanExporter(**to)
            self.metrics = metric_exporter.OTLPMetricExporter(**to)
        else:
            at, packed = f"http://127.0.0.1:{port}/v1", {"compression": Compression(compression)}
            self.logs = http_log_exporter.OTLPLogExporter(endpoint=f"{at}/logs", **packed)
            self.traces = http_trace_exporter.OTLPSpanExporter(endpoint=f"{at}/traces", **packed)
            self.metrics = http_metric_exporter.OTLPMetricExporter(endpoint=f"{at}/metrics", **packed)


def by_sdk(*places):
    """Telemetry of each signal by the SDK; the very same goes to each of the places."""
    spans(places)
    records(places)
    points(places)


def spans(places):
    provider = TracerProvider(resource=RESOURCE)
    for place in places:
        provider.add_span_processor(SimpleSpanProcessor(place.traces))
    tracer = provider.get_tracer("interop", "1.2.3", schema_url="https://opentelemetry.io/schemas/1.28.0", attributes={"scope": True})
    elsewhere = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(1), TraceState([("vendor", "x")]))
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes=ATTRIBUTES, links=[Link(elsewhere, {"why": "retry"})]) as outer:
        outer.add_event("cache.miss", {"key": "a/b", **ATTRIBUTES}, timestamp=time.time_ns())
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT) as inner:
            inner.set_status(Status(StatusCode.ERROR, "upstream gone"))
            inner.record_exception(ValueError("wrong"))
        outer.set_status(Status(StatusCode.OK))
    provider.shutdown()


def records(places):
    provider = LoggerProvider(resource=RESOURCE)
    for place in places:
        provider.add_log_record_processor(SimpleLogRecordProcessor(place.logs))
    logger = provider.get_logger("interop.logs", "0.1")
    bodies = ["a line", "", 42, -0.5, True, ["x", 1, ["nested"]], {"user": {"id": 7, "tags": ["a", "b"]}, "ok": False}]
    for body in bodies:
        logger.emit(LogRecord(
            timestamp=time.time_ns(), observed_timestamp=time.time_ns(), severity_number=SeverityNumber.WARN,
            severity_text="WARN", body=body, attributes=ATTRIBUTES, event_name="app.event",
        ))
    span = trace.NonRecordingSpan(SpanContext(0x1234, 0x56, False, TraceFlags(1)))
    logger.emit(LogRecord(timestamp=1, body="within a span", severity_number=SeverityNumber.FATAL4, context=trace.set_span_in_context(span)))
    provider.shutdown()


def points(places):
    exponential = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], resource=RESOURCE, views=[exponential])
    meter = provider.get_meter("interop.metrics", "3")
    counter = meter.create_counter("requests", unit="1", description="all of them")
    counter.add(3, ATTRIBUTES)
    counter.add(2, {"route": "/"})
    meter.create_up_down_counter("open").add(-4)
    meter.create_gauge("load").set(0.25, {"cpu": 0})
    meter.create_histogram("latency", unit="ms").record(12.5, {"route": "/"})
    for size in (1, 10, 1000, 0):
        meter.create_histogram("sizes").record(size)
    meter.create_observable_gauge("seen", callbacks=[lambda _: [_observation(7)]])
    data = reader.get_metrics_data()
    for place in places:
        place.metrics.export(data)
        place.metrics.shutdown()
    provider.shutdown()


def _observation(value):
    from opentelemetry.metrics import Observation

    return Observation(value, {"by": "callback"})


def by_hand(port):
    """What the SDK does not make, sent to a gRPC port: summaries, exemplars, odd values, several resources in a request."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for stub, request in (
            (logs_grpc.LogsServiceStub, odd_logs()),
            (trace_grpc.TraceServiceStub, odd_traces()),
            (metrics_grpc.MetricsServiceStub, odd_metrics()),
        ):
            stub(channel).Export(request, timeout=30)


def as_json(port, requests):
    """Posts requests, which are protobuf messages, as OTLP/JSON."""
    paths = {"ExportLogsServiceRequest": "logs", "ExportTraceServiceRequest": "traces", "ExportMetricsServiceRequest": "metrics"}
    for request in requests:
        url = f"http://127.0.0.1:{port}/v1/{paths[request.DESCRIPTOR.name]}"
        body = json.dumps(shape.from_proto(request)).encode()
        post = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(post, timeout=30) as answer:
            assert json.load(answer) == {"partialSuccess": {}}


def attributes(**values):
    values = {"bytes": common.AnyValue(bytes_value=b"\x00\xff"), "unset": common.AnyValue(), **values}
    nested = common.AnyValue(kvlist_value=common.KeyValueList(values=[
        common.KeyValue(key="list", value=common.AnyValue(array_value=common.ArrayValue(values=[
            common.AnyValue(int_value=-1), common.AnyValue(double_value=1e300), common.AnyValue(string_value="")]))),
    ]))
    return [common.KeyValue(key=k, value=v) for k, v in {**values, "nested": nested}.items()]


def odd_logs():
    request = logs_service.ExportLogsServiceRequest()
    for name in ("a", "b"):
        group = request.resource_logs.add(schema_url="https://example.com/resource")
        group.resource.attributes.extend(attributes(name=common.AnyValue(string_value=name)))
        group.resource.dropped_attributes_count = 3
        part = group.scope_logs.add(schema_url="https://example.com/scope")
        part.scope.name, part.scope.version, part.scope.dropped_attributes_count = "odd", "1", 2
        part.scope.attributes.extend(attributes())
        record = part.log_records.add(time_unix_nano=1, observed_time_unix_nano=2**63, severity_number=21, flags=1)
        record.body.kvlist_value.values.extend(attributes())
        record.attributes.extend(attributes())
        record.dropped_attributes_count, record.event_name = 1, "odd.event"
        record.trace_id, record.span_id = bytes(range(16)), bytes(range(8))
        part.log_records.add(time_unix_nano=3)
    return request


def odd_traces():
    request = trace_service.ExportTraceServiceRequest()
    group = request.resource_spans.add()
    group.resource.attributes.extend(attributes())
    span = group.scope_spans.add().spans.add(
        trace_id=bytes(range(16)), span_id=bytes(range(8)), parent_span_id=bytes(range(1, 9)), trace_state="a=b", flags=0x301,
        name="odd", kind=5, start_time_unix_nano=1, end_time_unix_nano=2, dropped_attributes_count=1,
        dropped_events_count=2, dropped_links_count=3,
    )
    span.attributes.extend(attributes())
    span.events.add(time_unix_nano=1, name="e", dropped_attributes_count=4).attributes.extend(attributes())
    link = span.links.add(trace_id=bytes(range(16)), span_id=bytes(range(8)), trace_state="c=d", flags=0x100)
    link.attributes.extend(attributes())
    span.status.code, span.status.message = 2, "no"
    return request


def odd_metrics():
    request = metrics_service.ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes())
    part = group.scope_metrics.add()
    point = {"start_time_unix_nano": 1, "time_unix_nano": 2, "flags": 1}

    summary = part.metrics.add(name="summary", unit="s", description="d").summary.data_points.add(count=3, sum=1.5, **point)
    summary.attributes.extend(attributes())
    summary.quantile_values.add(quantile=0.99, value=-1.25)

    gauge = part.metrics.add(name="gauge").gauge.data_points.add(as_double=-0.5, **point)
    exemplar = gauge.exemplars.add(time_unix_nano=2, as_int=-9, trace_id=bytes(range(16)), span_id=bytes(range(8)))
    exemplar.filtered_attributes.extend(attributes())

    metric = part.metrics.add(name="sum")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 1, True
    metric.sum.data_points.add(as_int=-(2**62), **point)
    metric.metadata.extend(attributes())

    metric = part.metrics.add(name="exponential")
    metric.exponential_histogram.aggregation_temporality = 2
    data = metric.exponential_histogram.data_points.add(count=6, sum=7.5, scale=-2, zero_count=1, zero_threshold=0.1, min=-3, max=4, **point)
    data.positive.offset, data.negative.offset = -3, 2
    data.positive.bucket_counts.extend([1, 2])
    data.negative.bucket_counts.extend([2])

    metric = part.metrics.add(name="histogram")
    metric.histogram.aggregation_temporality = 2
    metric.histogram.data_points.add(count=3, sum=6, bucket_counts=[1, 2], explicit_bounds=[1.5], min=1, max=3, **point)
    return request


