//! The builder by example; the property tests read what prost wrote, these let prost read what the builder wrote.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

use super::{Logs, Metrics, SpanKind, StatusCode, Temporality, Traces, Value};

#[test]
fn logs_are_what_prost_decodes_and_encodes() {
    let mut logs = Logs::with_capacity(1_000);
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            resource.attribute("service.name", "checkout");
            resource.dropped_attributes_count(1);
        });
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.scope(|scope| {
                scope.name("io.example");
                scope.version("1");
                scope.attribute("k", true);
            });
            scope_logs.log_record(|record| {
                record.time_unix_nano(1);
                record.severity_number(9);
                record.severity_text("INFO");
                record.body(&"long ".repeat(100));
                record.attribute("text", "value");
                record.attribute("int", -1);
                record.attribute("double", 0.5);
                record.attribute("bytes", &b"\xff"[..]);
                record.attribute("empty", Value::Empty);
                record.attribute("array", Value::Array(&["a".into(), 1.into(), Value::Array(&[])]));
                record.attribute("map", Value::Map(&[("inner", Value::Map(&[("deep", true.into())]))]));
                record.flags(1);
                record.trace_id(&[1; 16]);
                record.span_id(&[2; 8]);
                record.observed_time_unix_nano(2);
                record.event_name("event");
            });
            scope_logs.schema_url("https://scope");
        });
        resource_logs.schema_url("https://resource");
    });
    assert_eq!((logs.items(), logs.is_empty()), (1, false));
    let payload = logs.finish();
    let decoded = ExportLogsServiceRequest::decode(payload.contiguous()).unwrap();
    let record = &decoded.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!((record.severity_number, record.attributes.len(), record.event_name.as_str()), (9, 7, "event"));
    let int = record.attributes[1].value.as_ref().and_then(|value| value.value.clone());
    assert_eq!(int, Some(any_value::Value::IntValue(-1)));
    // Fields were written in the order of their numbers, as prost writes them: the very same bytes.
    assert_eq!(decoded.encode_to_vec(), payload.contiguous());
}

#[test]
fn traces_are_what_prost_decodes_and_encodes() {
    let mut traces = Traces::new();
    traces.resource_spans(|resource_spans| {
        resource_spans.scope_spans(|scope_spans| {
            scope_spans.span(|span| {
                span.trace_id(&[1; 16]);
                span.span_id(&[2; 8]);
                span.trace_state("a=b");
                span.parent_span_id(&[3; 8]);
                span.name("GET /");
                span.kind(SpanKind::Server);
                span.start_time_unix_nano(1);
                span.end_time_unix_nano(2);
                span.attribute("http.route", "/");
                span.event(|event| {
                    event.time_unix_nano(1);
                    event.name("cache.lookup");
                    event.attribute("rows", 3);
                });
                span.link(|link| {
                    link.trace_id(&[4; 16]);
                    link.span_id(&[5; 8]);
                });
                span.status(|status| {
                    status.message("late");
                    status.code(StatusCode::Error);
                });
                span.flags(0x101);
            });
        });
    });
    let payload = traces.finish();
    let decoded = ExportTraceServiceRequest::decode(payload.contiguous()).unwrap();
    let span = &decoded.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.kind, span.events.len(), span.links.len(), span.flags), (2, 1, 1, 0x101));
    assert_eq!(decoded.encode_to_vec(), payload.contiguous());
}

#[test]
fn metrics_of_every_kind_are_what_prost_decodes_and_encodes() {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource_metrics| {
        resource_metrics.scope_metrics(|scope_metrics| {
            scope_metrics.metric(|metric| {
                metric.name("gauge");
                metric.gauge(|gauge| {
                    gauge.data_point(|point| {
                        point.time_unix_nano(1);
                        point.as_double(0.5);
                        point.exemplar(|exemplar| {
                            exemplar.time_unix_nano(1);
                            exemplar.as_double(2.0);
                            exemplar.filtered_attribute("k", "v");
                        });
                        point.attribute("k", "v");
                    });
                });
            });
            scope_metrics.metric(|metric| {
                metric.name("sum");
                metric.sum(|sum| {
                    sum.data_point(|point| point.as_int(-5));
                    sum.aggregation_temporality(Temporality::Cumulative);
                    sum.is_monotonic(true);
                });
            });
            scope_metrics.metric(|metric| {
                metric.histogram(|histogram| {
                    histogram.data_point(|point| {
                        point.count(3);
                        point.sum(4.0);
                        point.bucket_counts(&[1; 40]);
                        point.explicit_bounds(&[0.5, 1.5]);
                        point.min(1.0);
                        point.max(2.0);
                    });
                    histogram.aggregation_temporality(Temporality::Delta);
                });
            });
            scope_metrics.metric(|metric| {
                metric.exponential_histogram(|histogram| {
                    histogram.data_point(|point| {
                        point.scale(-3);
                        point.positive(|buckets| {
                            buckets.offset(i32::MIN);
                            buckets.bucket_counts(&[0, 300, u64::MAX]);
                        });
                        point.zero_threshold(0.1);
                    });
                });
            });
            scope_metrics.metric(|metric| {
                metric.summary(|summary| {
                    summary.data_point(|point| {
                        point.quantile_value(|quantile| {
                            quantile.quantile(0.5);
                            quantile.value(1.0);
                        });
                    });
                });
            });
        });
    });
    let payload = metrics.finish();
    assert_eq!(payload.items(), 5);
    let decoded = ExportMetricsServiceRequest::decode(payload.contiguous()).unwrap();
    let kinds = &decoded.resource_metrics[0].scope_metrics[0].metrics;
    let Some(Data::ExponentialHistogram(histogram)) = &kinds[3].data else { panic!("it was an exponential histogram") };
    assert_eq!(histogram.data_points[0].scale, -3);
    assert_eq!(histogram.data_points[0].positive.as_ref().unwrap().offset, i32::MIN);
    assert_eq!(decoded.encode_to_vec(), payload.contiguous());
}

#[test]
#[should_panic(expected = "the builder was used wrongly: LogRecord.body")]
fn a_field_written_twice_is_a_fault_of_the_program() {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.log_record(|record| {
                record.body("one");
                record.body("two");
            });
        });
    });
    logs.finish();
}

#[test]
fn a_writer_of_groups_writes_what_the_nested_builder_does() {
    let mut groups = super::LogsWriter::with_capacity(100);
    let mut nested = Logs::new();
    for service in ["checkout", "cart"] {
        groups.group(|resource| resource.attribute_of("service.name", |value| value.value(service)));
        groups.log_record(|record| {
            record.body_of(|body| {
                body.map([("tags", ["a", "b"])], |tags, value| value.array(tags, |tag, value| value.value(tag)));
            });
            record.attribute_of("n", |value| value.value(7));
        });
        groups.log_record(|record| record.body(&"long ".repeat(5_000)));
        nested.resource_logs(|resource_logs| {
            resource_logs.resource(|resource| resource.attribute("service.name", service));
            resource_logs.scope_logs(|scope_logs| {
                scope_logs.log_record(|record| {
                    record.body(Value::Map(&[("tags", Value::Array(&["a".into(), "b".into()]))]));
                    record.attribute("n", 7);
                });
                scope_logs.log_record(|record| record.body(&"long ".repeat(5_000)));
            });
        });
    }
    assert_eq!(groups.items(), 4);
    assert_eq!(groups.finish().contiguous(), nested.finish().contiguous());
}
