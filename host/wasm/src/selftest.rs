//! The self-test is what a new generation is tried on before any live data: one small batch a signal, with every shape
//! that a batch can have and with text that the usual patterns match.

use host_otlp::build::{Logs, Metrics, Span, SpanKind, StatusCode, Temporality, Traces, Value};
use host_otlp::{Payload, Signal};

/// Text as it comes: nothing, plain, beyond ASCII, and what scrubbers look for.
const TEXTS: [&str; 6] = [
    "",
    "order accepted",
    "überraschend ✓ 日本語 🚢",
    "mail to jane.doe@example.com from 203.0.113.7 or 2001:db8::1, call +1 (555) 010-4477",
    "card 4111 1111 1111 1111, ssn 078-05-1120, authorization: Bearer abcdefghijklmnopqrstuvwxyz012345",
    "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl key AKIAIOSFODNN7EXAMPLE",
];
/// When it is, for a self-test.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;
const ITEMS: u64 = 12;

/// Attributes of every kind of value.
fn attributes(mut attribute: impl FnMut(&str, Value<'_>), n: u64) {
    let text = text(n);
    attribute("message", Value::Text(text));
    attribute("count", Value::Int(n.cast_signed() - 3));
    attribute("ratio", Value::Double(0.5 * n as f64));
    attribute("ok", Value::Bool(n.is_multiple_of(2)));
    attribute("raw", Value::Bytes(text.as_bytes()));
    attribute("list", Value::Array(&[Value::Text(text), Value::Int(1), Value::Empty]));
    attribute(
        "map",
        Value::Map(&[("inner", Value::Text(text)), ("deeper", Value::Map(&[("leaf", Value::Text(text))]))]),
    );
    attribute("nothing", Value::Empty);
}

fn text(n: u64) -> &'static str {
    TEXTS[(n % TEXTS.len() as u64) as usize]
}

/// The batch for one signal.
pub(crate) fn payload(signal: Signal) -> Payload {
    match signal {
        Signal::Logs => logs(),
        Signal::Traces => traces(),
        Signal::Metrics => metrics(),
    }
}

fn logs() -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|group| {
        group.resource(|resource| attributes(|key, value| resource.attribute(key, value), 3));
        group.scope_logs(|group| {
            group.scope(|scope| {
                scope.name("tidegate.self-test");
                attributes(|key, value| scope.attribute(key, value), 4);
            });
            for n in 0..ITEMS {
                group.log_record(|record| {
                    record.time_unix_nano(START + n);
                    record.severity_number((n % 24 + 1) as u32);
                    record.severity_text("INFO");
                    record.body(text(n));
                    attributes(|key, value| record.attribute(key, value), n);
                    record.trace_id(&[1; 16]);
                    record.span_id(&[2; 8]);
                });
            }
            group.log_record(|record| record.body(Value::Map(&[("nested", Value::Text(TEXTS[3]))])));
        });
    });
    // A resource without attributes, and a record without anything.
    logs.resource_logs(|group| group.scope_logs(|group| group.log_record(|_| {})));
    logs.finish()
}

fn traces() -> Payload {
    let mut traces = Traces::new();
    traces.resource_spans(|group| {
        group.resource(|resource| attributes(|key, value| resource.attribute(key, value), 3));
        group.scope_spans(|group| {
            group.scope(|scope| scope.name("tidegate.self-test"));
            (0..ITEMS).for_each(|n| group.span(|it| span(it, n)));
        });
    });
    traces.resource_spans(|group| group.scope_spans(|group| group.span(|_| {})));
    traces.finish()
}

fn span(span: &mut Span<'_>, n: u64) {
    span.trace_id(&[1; 16]);
    span.span_id(&[n as u8 + 1; 8]);
    span.name(text(n));
    span.kind(SpanKind::Server);
    span.start_time_unix_nano(START);
    span.end_time_unix_nano(START + n);
    attributes(|key, value| span.attribute(key, value), n);
    span.event(|event| {
        event.name(text(n + 1));
        attributes(|key, value| event.attribute(key, value), n + 1);
    });
    span.link(|link| {
        link.trace_id(&[3; 16]);
        link.span_id(&[4; 8]);
        attributes(|key, value| link.attribute(key, value), n + 2);
    });
    span.status(|status| {
        status.message(text(n + 3));
        status.code(StatusCode::Error);
    });
}

fn metrics() -> Payload {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|group| {
        group.resource(|resource| attributes(|key, value| resource.attribute(key, value), 3));
        group.scope_metrics(|group| {
            group.scope(|scope| scope.name("tidegate.self-test"));
            group.metric(|metric| {
                metric.name("self_test.gauge");
                metric.description(TEXTS[3]);
                metric.unit("1");
                metric.gauge(|gauge| {
                    for n in 0..ITEMS {
                        gauge.data_point(|point| {
                            point.time_unix_nano(START + n);
                            point.as_double(n as f64);
                            attributes(|key, value| point.attribute(key, value), n);
                            point.exemplar(|exemplar| {
                                exemplar.as_int(7);
                                attributes(|key, value| exemplar.filtered_attribute(key, value), n);
                            });
                        });
                    }
                });
            });
            group.metric(|metric| {
                metric.name("self_test.sum");
                metric.sum(|sum| {
                    sum.aggregation_temporality(Temporality::Cumulative);
                    sum.is_monotonic(true);
                    sum.data_point(|point| point.as_int(1));
                });
            });
            group.metric(|metric| {
                metric.name("self_test.histogram");
                metric.histogram(|histogram| {
                    histogram.aggregation_temporality(Temporality::Delta);
                    histogram.data_point(|point| {
                        point.count(2);
                        point.sum(3.0);
                        point.bucket_counts(&[1, 1]);
                        point.explicit_bounds(&[1.0]);
                    });
                });
            });
            group.metric(|metric| {
                metric.name("self_test.exponential");
                metric.exponential_histogram(|histogram| histogram.data_point(|point| point.count(1)));
            });
            group.metric(|metric| {
                metric.name("self_test.summary");
                metric.summary(|summary| summary.data_point(|point| point.count(1)));
            });
        });
    });
    metrics.finish()
}
