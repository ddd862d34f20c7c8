// Telemetry of each signal by the SDK for Java; the very same goes to each of the places.
//
// java -cp 'deps/*' Emit.java PROTOCOL COMPRESSION PORT...   PROTOCOL is grpc or http; COMPRESSION is gzip or none

import static io.opentelemetry.api.common.AttributeKey.booleanArrayKey;
import static io.opentelemetry.api.common.AttributeKey.doubleArrayKey;
import static io.opentelemetry.api.common.AttributeKey.longArrayKey;
import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.common.export.MemoryMode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.CollectionRegistration;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;

class Emit {
    static final Attributes ATTRIBUTES = Attributes.builder()
        .put("text", "plain").put("empty", "").put("unicode", "Grüße, 世界 🌍").put("truth", true).put("lie", false)
        .put("zero", 0L).put("large", (1L << 62) + 1).put("negative", -17L).put("ratio", 0.1)
        .put(stringArrayKey("texts"), List.of("a", "", "ü")).put(longArrayKey("numbers"), List.of(1L, -2L, 3L))
        .put(doubleArrayKey("ratios"), List.of(0.5, 1.0)).put(booleanArrayKey("truths"), List.of(true, false)).build();
    static final Resource RESOURCE = Resource.create(
        ATTRIBUTES.toBuilder().put("service.name", "checkout").put("host.id", "ünïcode").build());

    static boolean grpc;
    static String compression;
    static List<String> ports;

    public static void main(String[] arguments) {
        grpc = arguments[0].equals("grpc");
        compression = arguments[1];
        ports = List.of(arguments).subList(2, arguments.length);
        spans();
        records();
        points();
    }

    static void done(CompletableResultCode result) {
        if (!result.join(30, TimeUnit.SECONDS).isSuccess()) {
            throw new IllegalStateException("not sent: " + result.getFailureThrowable());
        }
    }

    static void spans() {
        var provider = SdkTracerProvider.builder().setResource(RESOURCE);
        for (var port : ports) {
            var at = "http://127.0.0.1:" + port;
            SpanExporter exporter = grpc
                ? OtlpGrpcSpanExporter.builder().setEndpoint(at).setCompression(compression).build()
                : OtlpHttpSpanExporter.builder().setEndpoint(at + "/v1/traces").setCompression(compression).build();
            provider.addSpanProcessor(SimpleSpanProcessor.create(exporter));
        }
        var traces = provider.build();
        var tracer = traces.tracerBuilder("interop").setInstrumentationVersion("1.2.3")
            .setSchemaUrl("https://opentelemetry.io/schemas/1.28.0").build();
        var elsewhere = SpanContext.createFromRemoteParent("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331",
            TraceFlags.getSampled(), TraceState.builder().put("vendor", "x").build());
        Span outer = tracer.spanBuilder("outer").setSpanKind(SpanKind.SERVER).setAllAttributes(ATTRIBUTES)
            .addLink(elsewhere, Attributes.builder().put("why", "retry").build()).startSpan();
        outer.addEvent("cache.miss", ATTRIBUTES.toBuilder().put("key", "a/b").build());
        Span inner = tracer.spanBuilder("inner").setSpanKind(SpanKind.CLIENT).setParent(Context.root().with(outer)).startSpan();
        inner.setStatus(StatusCode.ERROR, "upstream gone");
        inner.recordException(new IllegalArgumentException("wrong"));
        inner.end();
        outer.setStatus(StatusCode.OK);
        outer.end();
        done(traces.forceFlush());
        done(traces.shutdown());
    }

    static void records() {
        var provider = SdkLoggerProvider.builder().setResource(RESOURCE);
        for (var port : ports) {
            var at = "http://127.0.0.1:" + port;
            LogRecordExporter exporter = grpc
                ? OtlpGrpcLogRecordExporter.builder().setEndpoint(at).setCompression(compression).build()
                : OtlpHttpLogRecordExporter.builder().setEndpoint(at + "/v1/logs").setCompression(compression).build();
            provider.addLogRecordProcessor(SimpleLogRecordProcessor.create(exporter));
        }
        var logs = provider.build();
        var logger = logs.loggerBuilder("interop.logs").setInstrumentationVersion("0.1").build();
        var bodies = List.<Value<?>>of(Value.of("a line"), Value.of(""), Value.of(42), Value.of(-0.5), Value.of(true),
            Value.of(new byte[] {0, (byte) 255}), Value.of(List.of(Value.of("x"), Value.of(1), Value.of(List.of(Value.of("nested"))))),
            Value.of(KeyValue.of("user", Value.of(KeyValue.of("id", Value.of(7)))), KeyValue.of("ok", Value.of(false))));
        for (var body : bodies) {
            logger.logRecordBuilder().setTimestamp(System.currentTimeMillis(), TimeUnit.MILLISECONDS).setBody(body)
                .setSeverity(Severity.WARN).setSeverityText("WARN").setEventName("app.event").setAllAttributes(ATTRIBUTES).emit();
            // Its HTTP client has five threads and no queue.
            done(logs.forceFlush());
        }
        done(logs.shutdown());
    }

    /** Collects when it is told to, so that the same data goes to each place. */
    static class Once implements MetricReader {
        CollectionRegistration registration;

        @Override
        public void register(CollectionRegistration registration) {
            this.registration = registration;
        }

        @Override
        public CompletableResultCode forceFlush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public AggregationTemporality getAggregationTemporality(InstrumentType type) {
            return AggregationTemporality.CUMULATIVE;
        }

        @Override
        public MemoryMode getMemoryMode() {
            return MemoryMode.IMMUTABLE_DATA;
        }
    }

    static void points() {
        var reader = new Once();
        var meters = SdkMeterProvider.builder().setResource(RESOURCE).registerMetricReader(reader)
            .registerView(InstrumentSelector.builder().setName("sizes").build(),
                View.builder().setAggregation(Aggregation.base2ExponentialBucketHistogram()).build()).build();
        var meter = meters.meterBuilder("interop.metrics").setInstrumentationVersion("3").build();
        var counter = meter.counterBuilder("requests").setUnit("1").setDescription("all of them").build();
        counter.add(3, ATTRIBUTES);
        counter.add(2, Attributes.builder().put("route", "/").build());
        meter.upDownCounterBuilder("open").build().add(-4);
        meter.gaugeBuilder("load").build().set(0.25, Attributes.builder().put("cpu", 0L).build());
        meter.histogramBuilder("latency").setUnit("ms").build().record(12.5, Attributes.builder().put("route", "/").build());
        var sizes = meter.histogramBuilder("sizes").build();
        for (double size : new double[] {1, 10, 1000, 0}) {
            sizes.record(size);
        }
        Collection<MetricData> data = reader.registration.collectAllMetrics();
        for (var port : ports) {
            var at = "http://127.0.0.1:" + port;
            MetricExporter exporter = grpc
                ? OtlpGrpcMetricExporter.builder().setEndpoint(at).setCompression(compression).build()
                : OtlpHttpMetricExporter.builder().setEndpoint(at + "/v1/metrics").setCompression(compression).build();
            done(exporter.export(data));
            done(exporter.shutdown());
        }
        done(meters.shutdown());
    }
}
