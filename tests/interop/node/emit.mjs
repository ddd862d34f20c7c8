// Telemetry of each signal by the SDK for JavaScript; the very same goes to each of the places.
//
// node emit.mjs PROTOCOL COMPRESSION PORT...   PROTOCOL is grpc, http (protobuf) or json; COMPRESSION is gzip or none

import { ROOT_CONTEXT, SeverityNumber, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const [protocol, compression, ...ports] = process.argv.slice(2);
const PACKAGES = { grpc: "grpc", http: "proto", json: "http" };
const ATTRIBUTES = {
  text: "plain", empty: "", unicode: "Grüße, 世界 🌍", truth: true, lie: false, zero: 0, large: 2 ** 53, negative: -17,
  ratio: 0.1, texts: ["a", "", "ü"], numbers: [1, -2, 3], ratios: [0.5, 1.5], truths: [true, false],
};
const resource = resourceFromAttributes({ "service.name": "checkout", "host.id": "ünïcode", ...ATTRIBUTES });

async function exporters(signal, name) {
  const { [name]: Exporter } = await import(`@opentelemetry/exporter-${signal}-otlp-${PACKAGES[protocol]}`);
  const path = { logs: "logs", trace: "traces", metrics: "metrics" }[signal];
  const url = (port) => `http://127.0.0.1:${port}` + (protocol === "grpc" ? "" : `/v1/${path}`);
  return ports.map((port) => new Exporter({ url: url(port), compression }));
}

async function spans() {
  const places = await exporters("trace", "OTLPTraceExporter");
  const provider = new TracerProvider({ resource, spanProcessors: places.map((exporter) => new SimpleSpanProcessor({ exporter })) });
  const tracer = provider.getTracer("interop", "1.2.3", { schemaUrl: "https://opentelemetry.io/schemas/1.28.0" });
  const elsewhere = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const links = [{ context: elsewhere, attributes: { why: "retry" } }];
  const outer = tracer.startSpan("outer", { kind: SpanKind.SERVER, attributes: ATTRIBUTES, links });
  outer.addEvent("cache.miss", { key: "a/b", ...ATTRIBUTES });
  const inner = tracer.startSpan("inner", { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, outer));
  inner.setStatus({ code: SpanStatusCode.ERROR, message: "upstream gone" });
  inner.recordException(new Error("wrong"));
  inner.end();
  outer.setStatus({ code: SpanStatusCode.OK });
  outer.end();
  await provider.forceFlush();
  await provider.shutdown();
}

async function records() {
  const places = await exporters("logs", "OTLPLogExporter");
  const provider = new LoggerProvider({ resource, processors: places.map((exporter) => new SimpleLogRecordProcessor({ exporter })) });
  const logger = provider.getLogger("interop.logs", "0.1");
  const bodies = ["a line", "", 42, -0.5, true, ["x", 1, ["nested"]], { user: { id: 7, tags: ["a", "b"] }, ok: false }, new Uint8Array([0, 255])];
  for (const body of bodies) {
    logger.emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body, attributes: ATTRIBUTES, eventName: "app.event" });
  }
  await provider.forceFlush();
  await provider.shutdown();
}

// Metrics are collected once, and the same data is exported to each place.
class Once extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

async function points() {
  const places = await exporters("metrics", "OTLPMetricExporter");
  const reader = new Once();
  const views = [{ instrumentName: "sizes", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }];
  const meters = new MeterProvider({ resource, readers: [reader], views });
  const meter = meters.getMeter("interop.metrics", "3");
  const counter = meter.createCounter("requests", { unit: "1", description: "all of them" });
  counter.add(3, ATTRIBUTES);
  counter.add(2, { route: "/" });
  meter.createUpDownCounter("open").add(-4);
  meter.createGauge("load").record(0.25, { cpu: 0 });
  meter.createHistogram("latency", { unit: "ms" }).record(12.5, { route: "/" });
  const sizes = meter.createHistogram("sizes");
  [1, 10, 1000, 0].forEach((size) => sizes.record(size));
  meter.createObservableGauge("seen").addCallback((result) => result.observe(7, { by: "callback" }));
  const { resourceMetrics, errors } = await reader.collect();
  if (errors.length > 0) throw errors[0];
  for (const exporter of places) {
    await new Promise((done, fail) => exporter.export(resourceMetrics, ({ code, error }) => (code === 0 ? done() : fail(error))));
    await exporter.shutdown();
  }
}

await spans();
await records();
await points();
