//! What the debug exporter promises.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use host_component::{ComponentId, Consumer, Delivery, Exporter, Payload};
use host_otlp::build::{Logs, Metrics as MetricsBuilder, SpanKind, Traces, Value};
use host_telemetry::Metrics;

use super::config::{Config, Verbosity};
use super::exporter::{DebugExporter, Sampler};

fn start(verbosity: Verbosity, metrics: &Metrics) -> (DebugExporter, mpsc::Receiver<String>) {
    let (shown, seen) = mpsc::channel();
    let config = Config { verbosity, ..Config::default() };
    let output = Box::new(move |_: &ComponentId, text: &str| shown.send(text.to_owned()).expect("the test listens"));
    let exporter = DebugExporter::start("debug".parse().unwrap(), config, metrics, output).unwrap();
    (exporter, seen)
}

async fn shown(verbosity: Verbosity, payload: Payload) -> String {
    let (exporter, seen) = start(verbosity, &Metrics::new());
    exporter.consume(Delivery::new(payload)).await.unwrap();
    exporter.drain().await;
    seen.try_recv().expect("what was shown before the drain ended")
}

fn logs() -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| resource.attribute("service.name", "checkout"));
        resource_logs.scope_logs(|scope| {
            scope.log_record(|record| {
                record.severity_number(9);
                record.body("order\naccepted");
                record.attribute("lines", 3);
                record.attribute("tags", Value::Array(&["a".into(), true.into()]));
            });
            scope.log_record(|record| record.body("second"));
        });
    });
    logs.finish()
}

fn spans() -> Payload {
    let mut traces = Traces::new();
    traces.resource_spans(|resource| {
        resource.scope_spans(|scope| {
            scope.span(|span| {
                span.trace_id(&[1; 16]);
                span.span_id(&[2; 8]);
                span.name("GET /");
                span.kind(SpanKind::Server);
                span.event(|event| event.name("retry"));
            });
        });
    });
    traces.finish()
}

fn points() -> Payload {
    let mut metrics = MetricsBuilder::new();
    metrics.resource_metrics(|resource| {
        resource.scope_metrics(|scope| {
            scope.metric(|metric| {
                metric.name("queue");
                metric.gauge(|gauge| {
                    for value in [1.5, 2.5] {
                        gauge.data_point(|point| {
                            point.as_double(value);
                            point.attribute("shard", 1);
                        });
                    }
                });
            });
            scope.metric(|metric| {
                metric.name("latency");
                metric.histogram(|histogram| {
                    histogram.data_point(|point| {
                        point.count(3);
                        point.bucket_counts(&[1, 2]);
                        point.explicit_bounds(&[0.5]);
                    });
                });
            });
        });
    });
    metrics.finish()
}

#[tokio::test]
async fn basic_is_a_line_a_batch() {
    for (payload, expected) in [
        (logs(), r#"Logs {"resource logs": 1, "log records": 2}"#),
        (spans(), r#"Traces {"resource spans": 1, "spans": 1}"#),
        (points(), r#"Metrics {"resource metrics": 1, "metrics": 2, "data points": 3}"#),
    ] {
        assert_eq!(shown(Verbosity::Basic, payload).await, expected);
    }
}

#[tokio::test]
async fn normal_is_a_line_an_item() {
    let text = shown(Verbosity::Normal, logs()).await;
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines, ["order\\naccepted lines=3 tags=[\"a\", true]", "second"]);
    let text = shown(Verbosity::Normal, spans()).await;
    assert!(text.ends_with("\nGET / 01010101010101010101010101010101 0202020202020202"), "{text}");
    let text = shown(Verbosity::Normal, points()).await;
    assert!(text.ends_with("\nqueue 1.5 shard=1\nqueue 2.5 shard=1\nlatency count=3 sum=0"), "{text}");
}

#[tokio::test]
async fn detailed_is_every_field() {
    let text = shown(Verbosity::Detailed, logs()).await;
    let expected = "\
resource_logs #0:
  resource:
    attributes:
      -> service.name: Str(checkout)
  scope_logs #0:
    log_records #0:
      severity_number: 9
      body: Str(order
accepted)
      attributes:
        -> lines: Int(3)
        -> tags: Slice([\"a\", true])
    log_records #1:
      body: Str(second)";
    assert_eq!(text.split_once('\n').unwrap().1, expected);
    let text = shown(Verbosity::Detailed, points()).await;
    assert!(text.contains("bucket_counts: [1, 2]\n") && text.contains("explicit_bounds: [0.5]"), "{text}");
}

#[tokio::test]
async fn what_a_sender_writes_does_nothing_to_the_terminal() {
    let evil = "\x1b]0;owned\x07\u{9b}31m\rfaked\u{202e}";
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.schema_url(evil);
        resource_logs.scope_logs(|scope| {
            scope.log_record(|record| {
                record.body(evil);
                record.attribute(evil, evil);
                record.attribute("list", Value::Array(&[evil.into()]));
                record.attribute("lines", "one\ntwo\tthree");
            });
        });
    });
    let payload = logs.finish();
    for verbosity in [Verbosity::Normal, Verbosity::Detailed] {
        let text = shown(verbosity, payload.clone()).await;
        let acts = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!text.contains(acts), "{text:?}");
        assert!(text.contains(r"\u{1b}]0;owned\u{7}\u{9b}31m\rfaked\u{202e}"), "{text}");
    }
    let text = shown(Verbosity::Normal, payload).await;
    assert_eq!(text.lines().count(), 2, "an item is a line: {text}");
}

#[tokio::test]
async fn a_slow_output_holds_up_nobody() {
    let (release, wait) = mpsc::channel::<()>();
    let (shown, seen) = mpsc::channel();
    let output = Box::new(move |_: &ComponentId, text: &str| {
        shown.send(text.to_owned()).expect("the test listens");
        let _ = wait.recv();
    });
    let metrics = Metrics::new();
    let config = Config { sampling_initial: 1_000, ..Config::default() };
    let exporter = DebugExporter::start("debug".parse().unwrap(), config, &metrics, output).unwrap();
    for _ in 0..200 {
        exporter.consume(Delivery::new(logs())).await.unwrap();
    }
    drop(release);
    exporter.drain().await;
    drop(exporter);
    let texts: Vec<String> = seen.iter().collect();
    assert!(texts.len() < 80, "the queue is bounded: {}", texts.len());
    assert!(texts.iter().any(|text| text.ends_with("batches passed unseen: this output is slower than the data")));
    let rendered = metrics.render();
    assert!(rendered.contains("otelcol_exporter_sent_log_records{exporter=\"debug\"} 400"), "{rendered}");
    assert!(metrics.total("tidegate_exporter_debug_unseen_batches") >= 100, "{rendered}");
}

#[tokio::test]
async fn what_waits_to_be_shown_is_bounded_in_bytes() {
    let (began, begun) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let output: super::exporter::Output = Box::new(move |_, _| {
        let _ = began.send(());
        let _ = wait.recv();
    });
    let metrics = Metrics::new();
    let id = "debug/test".parse().unwrap();
    let exporter = DebugExporter::start(id, Config::default(), &metrics, output).unwrap();
    let mut large = logs();
    while large.len() < 3 << 20 {
        large.join(large.clone());
    }
    exporter.consume(Delivery::new(large.clone())).await.unwrap();
    begun.recv().unwrap();
    for _ in 0..5 {
        exporter.consume(Delivery::new(large.clone())).await.unwrap();
    }
    assert!(metrics.total("tidegate_exporter_debug_unseen_batches") >= 4, "{}", metrics.render());
    drop(go_on);
}

#[test]
fn the_first_of_each_second_are_shown_and_then_every_so_many_th() {
    let start = Instant::now();
    let taken = |thereafter: u32| {
        let mut sampler = Sampler::default();
        (0..10).filter(|_| sampler.takes(start, 2, thereafter)).count()
    };
    assert_eq!((taken(1), taken(4), taken(0)), (10, 4, 2));
    let mut sampler = Sampler::default();
    assert!(sampler.takes(start, 1, 0));
    assert!(!sampler.takes(start + Duration::from_millis(999), 1, 0));
    assert!(sampler.takes(start + Duration::from_secs(1), 1, 0), "a new second begins");
}

#[tokio::test]
async fn is_built_from_its_configuration() {
    let metrics = Metrics::new();
    let exporter: Arc<dyn Exporter> = Config::default().build("debug/x".parse().unwrap(), &metrics).unwrap();
    exporter.consume(Delivery::new(logs())).await.unwrap();
    exporter.drain().await;
    assert!(metrics.render().contains("{exporter=\"debug/x\"} 2"));
}
