// Telemetry of each signal by the SDK for Go; the very same goes to each of the places.
//
// emit PROTOCOL COMPRESSION PORT...   PROTOCOL is grpc or http; COMPRESSION is gzip or none
package main

import (
	"context"
	"errors"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var attributes = []attribute.KeyValue{
	attribute.String("text", "plain"),
	attribute.String("empty", ""),
	attribute.String("unicode", "Grüße, 世界 🌍"),
	attribute.Bool("truth", true),
	attribute.Bool("lie", false),
	attribute.Int64("zero", 0),
	attribute.Int64("large", 1<<62+1),
	attribute.Int64("negative", -17),
	attribute.Float64("ratio", 0.1),
	attribute.StringSlice("texts", []string{"a", "", "ü"}),
	attribute.Int64Slice("numbers", []int64{1, -2, 3}),
	attribute.Float64Slice("ratios", []float64{0.5, 1}),
	attribute.BoolSlice("truths", []bool{true, false}),
}

var place = resource.NewSchemaless(append([]attribute.KeyValue{
	attribute.String("service.name", "checkout"), attribute.String("host.id", "ünïcode")}, attributes...)...)

func main() {
	ctx := context.Background()
	protocol, compression, ports := os.Args[1], os.Args[2], os.Args[3:]
	must(spans(ctx, protocol == "grpc", compression == "gzip", ports))
	must(records(ctx, protocol == "grpc", compression == "gzip", ports))
	must(points(ctx, protocol == "grpc", compression == "gzip", ports))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func spans(ctx context.Context, grpc, gzip bool, ports []string) error {
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(place)}
	for _, port := range ports {
		var exporter sdktrace.SpanExporter
		var err error
		if at := "127.0.0.1:" + port; grpc {
			options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(at), otlptracegrpc.WithInsecure()}
			if gzip {
				options = append(options, otlptracegrpc.WithCompressor("gzip"))
			}
			exporter, err = otlptracegrpc.New(ctx, options...)
		} else {
			options := []otlptracehttp.Option{otlptracehttp.WithEndpoint(at), otlptracehttp.WithInsecure()}
			if gzip {
				options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
			}
			exporter, err = otlptracehttp.New(ctx, options...)
		}
		if err != nil {
			return err
		}
		options = append(options, sdktrace.WithSpanProcessor(sdktrace.NewSimpleSpanProcessor(exporter)))
	}
	provider := sdktrace.NewTracerProvider(options...)
	tracer := provider.Tracer("interop", trace.WithInstrumentationVersion("1.2.3"),
		trace.WithSchemaURL("https://opentelemetry.io/schemas/1.28.0"),
		trace.WithInstrumentationAttributes(attribute.Bool("scope", true)))
	traceID, _ := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	spanID, _ := trace.SpanIDFromHex("b7ad6b7169203331")
	state, _ := trace.ParseTraceState("vendor=x")
	elsewhere := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	ctx, outer := tracer.Start(ctx, "outer", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...),
		trace.WithLinks(trace.Link{SpanContext: elsewhere, Attributes: []attribute.KeyValue{attribute.String("why", "retry")}}))
	outer.AddEvent("cache.miss", trace.WithAttributes(append([]attribute.KeyValue{attribute.String("key", "a/b")}, attributes...)...))
	_, inner := tracer.Start(ctx, "inner", trace.WithSpanKind(trace.SpanKindClient))
	inner.SetStatus(codes.Error, "upstream gone")
	inner.RecordError(errors.New("wrong"))
	inner.End()
	outer.SetStatus(codes.Ok, "")
	outer.End()
	return provider.Shutdown(ctx)
}

func records(ctx context.Context, grpc, gzip bool, ports []string) error {
	options := []sdklog.LoggerProviderOption{sdklog.WithResource(place)}
	for _, port := range ports {
		var exporter sdklog.Exporter
		var err error
		if at := "127.0.0.1:" + port; grpc {
			options := []otlploggrpc.Option{otlploggrpc.WithEndpoint(at), otlploggrpc.WithInsecure()}
			if gzip {
				options = append(options, otlploggrpc.WithCompressor("gzip"))
			}
			exporter, err = otlploggrpc.New(ctx, options...)
		} else {
			options := []otlploghttp.Option{otlploghttp.WithEndpoint(at), otlploghttp.WithInsecure()}
			if gzip {
				options = append(options, otlploghttp.WithCompression(otlploghttp.GzipCompression))
			}
			exporter, err = otlploghttp.New(ctx, options...)
		}
		if err != nil {
			return err
		}
		options = append(options, sdklog.WithProcessor(sdklog.NewSimpleProcessor(exporter)))
	}
	provider := sdklog.NewLoggerProvider(options...)
	logger := provider.Logger("interop.logs", log.WithInstrumentationVersion("0.1"))
	for _, body := range []attribute.Value{
		attribute.StringValue("a line"), attribute.StringValue(""), attribute.Int64Value(42), attribute.Float64Value(-0.5),
		attribute.BoolValue(true), attribute.ByteSliceValue([]byte{0, 255}),
		attribute.SliceValue(attribute.StringValue("x"), attribute.IntValue(1), attribute.SliceValue(attribute.StringValue("nested"))),
		attribute.MapValue(
			attribute.KeyValue{Key: "user", Value: attribute.MapValue(attribute.Int("id", 7))}, attribute.Bool("ok", false)),
	} {
		var record log.Record
		record.SetTimestamp(time.Now())
		record.SetObservedTimestamp(time.Now())
		record.SetSeverity(log.SeverityWarn)
		record.SetSeverityText("WARN")
		record.SetEventName("app.event")
		record.SetBody(body)
		record.AddAttributes(attributes...)
		logger.Emit(ctx, record)
	}
	return provider.Shutdown(ctx)
}

func points(ctx context.Context, grpc, gzip bool, ports []string) error {
	reader := sdkmetric.NewManualReader()
	exponential := sdkmetric.NewView(sdkmetric.Instrument{Name: "sizes"},
		sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}})
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithResource(place), sdkmetric.WithReader(reader), sdkmetric.WithView(exponential))
	meter := provider.Meter("interop.metrics", metric.WithInstrumentationVersion("3"))
	requests, _ := meter.Int64Counter("requests", metric.WithUnit("1"), metric.WithDescription("all of them"))
	requests.Add(ctx, 3, metric.WithAttributes(attributes...))
	requests.Add(ctx, 2, metric.WithAttributes(attribute.String("route", "/")))
	open, _ := meter.Int64UpDownCounter("open")
	open.Add(ctx, -4)
	load, _ := meter.Float64Gauge("load")
	load.Record(ctx, 0.25, metric.WithAttributes(attribute.Int("cpu", 0)))
	latency, _ := meter.Float64Histogram("latency", metric.WithUnit("ms"))
	latency.Record(ctx, 12.5, metric.WithAttributes(attribute.String("route", "/")))
	sizes, _ := meter.Float64Histogram("sizes")
	for _, size := range []float64{1, 10, 1000, 0} {
		sizes.Record(ctx, size)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		return err
	}
	for _, port := range ports {
		var exporter sdkmetric.Exporter
		var err error
		if at := "127.0.0.1:" + port; grpc {
			options := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(at), otlpmetricgrpc.WithInsecure()}
			if gzip {
				options = append(options, otlpmetricgrpc.WithCompressor("gzip"))
			}
			exporter, err = otlpmetricgrpc.New(ctx, options...)
		} else {
			options := []otlpmetrichttp.Option{otlpmetrichttp.WithEndpoint(at), otlpmetrichttp.WithInsecure()}
			if gzip {
				options = append(options, otlpmetrichttp.WithCompression(otlpmetrichttp.GzipCompression))
			}
			exporter, err = otlpmetrichttp.New(ctx, options...)
		}
		if err != nil {
			return err
		}
		if err := exporter.Export(ctx, &data); err != nil {
			return err
		}
		if err := exporter.Shutdown(ctx); err != nil {
			return err
		}
	}
	return provider.Shutdown(ctx)
}
