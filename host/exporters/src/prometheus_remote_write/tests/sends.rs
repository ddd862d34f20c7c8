//! What is sent, how often, and what becomes of what is bad.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use host_component::{Authenticators, BoxFuture, DeadLetters, Delivery, Exporter, Origin, Outcome, Payload};
use host_telemetry::Metrics;
use serde_json::{Value, json};

use super::receiver::{Got, Receiver, Reply, fine, refusal, written};
use super::{AT, SECOND, delta, gauge, numbered, of_resource};
use crate::Deps;
use crate::prometheus_remote_write::Config;

/// An exporter under test, with its receiver.
struct Script {
    exporter: Arc<dyn Exporter>,
    metrics: Metrics,
    receiver: Receiver,
}

impl Script {
    async fn new(settings: Value, judge: impl Fn(&Got, usize) -> Reply + Send + Sync + 'static) -> Script {
        let receiver = Receiver::start(judge).await;
        let mut all = json!({"endpoint": receiver.endpoint, "retry_on_failure": {"initial_interval": "1ms"}});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let config: Config = serde_json::from_value(all).unwrap();
        let metrics = Metrics::new();
        let deps = Deps { base: Path::new("."), auth: &Authenticators::default(), metrics: &metrics };
        let exporter = config.build(&"prometheus_remote_write".parse().unwrap(), &deps).unwrap();
        Script { exporter, metrics, receiver }
    }

    async fn send(&self, payload: Payload) -> Outcome {
        self.exporter.consume(Delivery::new(payload)).await
    }

    fn metric(&self, name: &str, labels: &str) -> u64 {
        let text = self.metrics.render();
        let found = text.lines().find(|line| line.starts_with(&format!("{name}{{")) && line.contains(labels));
        found.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    fn sent(&self) -> u64 {
        self.metric("otelcol_exporter_sent_metric_points", "")
    }

    fn rejected(&self, reason: &str) -> u64 {
        self.metric("tidegate_exporter_rejected_metric_points", &format!("reason=\"{reason}\""))
    }

    fn values(&self) -> Vec<f64> {
        self.receiver.series().iter().flat_map(|series| &series.samples).map(|sample| sample.value).collect()
    }
}

const V2: &str = "io.prometheus.write.v2.Request";

#[tokio::test]
async fn sends_version_1_with_sorted_labels_and_what_the_protocol_asks_for() {
    let script = Script::new(json!({"external_labels": {"region": "eu"}}), |_, _| fine()).await;
    let payload = of_resource(&[("service.name", "cart"), ("host.name", "h")], |metric| {
        metric.name("queue.depth");
        metric.gauge(|gauge| {
            gauge.data_point(|point| {
                point.time_unix_nano(AT + 1_999_999);
                point.attribute("Zone", "z");
                point.as_double(2.5);
            });
        });
    });
    assert_eq!(script.send(payload).await, Ok(()));
    let [(got, _)] = script.receiver.requests().try_into().unwrap();
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ] {
        assert_eq!(got.headers[name], value);
    }
    assert_eq!(got.series[0].labels, ["Zone=z", "__name__=queue_depth", "job=cart", "region=eu"]);
    assert_eq!((got.series[0].samples[0].value, got.series[0].samples[0].time), (2.5, 1_700_000_000_001));
    assert!(got.series[1].has("__name__=target_info") && got.series[1].has("host_name=h"));
    assert_eq!(script.sent(), 1);
}

#[tokio::test]
async fn sends_version_2_with_the_start_of_a_counter_and_what_is_known_of_it() {
    let judge = |got: &Got, _| written(204, got.series.len(), "");
    let script = Script::new(json!({"protobuf_message": V2}), judge).await;
    let payload = of_resource(&[], |metric| {
        metric.name("io");
        metric.unit("By");
        metric.description("What went through.");
        metric.sum(|sum| {
            sum.aggregation_temporality(host_otlp::build::Temporality::Cumulative);
            sum.is_monotonic(true);
            sum.data_point(|point| {
                point.start_time_unix_nano(AT);
                point.time_unix_nano(AT + SECOND);
                point.as_int(7);
            });
        });
    });
    assert_eq!(script.send(payload).await, Ok(()));
    let [(got, _)] = script.receiver.requests().try_into().unwrap();
    assert_eq!(got.headers["x-prometheus-remote-write-version"], "2.0.0");
    assert_eq!(got.series[0].labels, ["__name__=io_bytes_total"]);
    assert_eq!(got.series[0].samples[0].start, 1_700_000_000_000);
    assert_eq!(got.series[0].family, Some((1, "What went through.".to_owned(), "bytes".to_owned())));
    assert_eq!(script.metric("otelcol_exporter_prometheusremotewrite_written_samples", ""), 1);
}

#[tokio::test]
async fn sends_what_is_known_of_metrics_in_requests_of_their_own() {
    let script = Script::new(json!({"send_metadata": true}), |_, _| fine()).await;
    assert_eq!(script.send(numbered(1, &[])).await, Ok(()));
    let requests = script.receiver.requests();
    let families: Vec<_> = requests.iter().flat_map(|(got, _)| &got.metadata).collect();
    assert_eq!((requests.len(), families.len()), (2, 1));
    assert_eq!((families[0].kind, families[0].name.as_str()), (2, "g"));
}

#[tokio::test]
async fn keeps_each_series_in_one_request_where_one_is_too_small_for_all() {
    let script = Script::new(json!({"max_batch_size_bytes": 400}), |_, _| fine()).await;
    assert_eq!(script.send(numbered(50, &[])).await, Ok(()));
    let requests = script.receiver.requests();
    assert!(requests.len() > 3, "{}", requests.len());
    assert!(requests.iter().all(|(got, _)| got.bytes <= 400));
    let mut values = script.values();
    values.sort_by(f64::total_cmp);
    assert_eq!(values, (0..50).map(f64::from).collect::<Vec<_>>());
    assert_eq!(script.sent(), 50);
}

#[tokio::test]
async fn sorts_the_samples_of_a_series_by_their_times() {
    let script = Script::new(json!({}), |_, _| fine()).await;
    let point = |at: u64| {
        move |point: &mut host_otlp::build::NumberDataPoint<'_>| {
            point.time_unix_nano(AT + at * SECOND);
            point.as_int(at.cast_signed());
        }
    };
    assert_eq!(script.send(gauge(&[&point(3), &point(1), &point(2)])).await, Ok(()));
    assert_eq!(script.receiver.series().len(), 1);
    assert_eq!(script.values(), [1.0, 2.0, 3.0]);
}

#[tokio::test]
async fn waits_as_long_as_the_receiver_asks_for_and_lets_no_delivery_overtake_another() {
    let busy = |_: &Got, before: usize| match before {
        0 => (429, vec![("retry-after", "1".to_owned())], ""),
        1 => refusal(503, "starting"),
        _ => fine(),
    };
    let script = Script::new(json!({}), busy).await;
    let began = Instant::now();
    let one = |value: i64| {
        gauge(&[&|point| {
            point.time_unix_nano(AT);
            point.as_int(value);
        }])
    };
    let (first, second, third) = tokio::join!(script.send(one(1)), script.send(one(2)), script.send(one(3)));
    assert_eq!((first, second, third), (Ok(()), Ok(()), Ok(())));
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(script.values(), [1.0, 2.0, 3.0]);
    assert_eq!(script.receiver.requests().len(), 5);
}

#[tokio::test]
async fn gives_up_for_good_on_what_no_second_attempt_mends() {
    for status in [401, 403, 404, 415] {
        let script = Script::new(json!({}), move |_, _| refusal(status, "no")).await;
        assert!(script.send(numbered(1, &[])).await.unwrap_err().is_permanent(), "{status}");
        assert_eq!(script.receiver.requests().len(), 1);
    }
}

/// As Prometheus does it under version 1: a request with a bad sample is not written at all.
fn all_or_nothing(text: &'static str) -> impl Fn(&Got, usize) -> Reply {
    move |got, _| match got.series.iter().any(|series| series.has("bad=yes")) {
        true => refusal(400, text),
        false => fine(),
    }
}

#[tokio::test]
async fn finds_the_bad_series_of_a_request_and_sends_the_rest() {
    for (text, reason) in [
        ("out of order sample", "out_of_order"),
        ("duplicate sample for timestamp", "duplicate"),
        ("too old sample", "too_old"),
        ("out of bounds", "too_old"),
        ("out of bounds: timestamp is too far in the future", "too_new"),
        ("the sample has been rejected (err-mimir-sample-out-of-order)", "out_of_order"),
        ("histogram has a bucket that is odd", "invalid"),
    ] {
        let script = Script::new(json!({}), all_or_nothing(text)).await;
        assert_eq!(script.send(numbered(100, &[3, 70])).await, Ok(()));
        assert_eq!(script.receiver.series().len(), 98, "{text}");
        assert_eq!((script.rejected(reason), script.sent()), (2, 98), "{text}");
        assert!(script.receiver.requests().len() < 30, "{} requests", script.receiver.requests().len());
    }
}

/// Keeps what it is given.
#[derive(Default)]
struct Letters(Mutex<Vec<(Payload, String)>>);

impl DeadLetters for Letters {
    fn put<'a>(&'a self, payload: Payload, _: &'a Origin, reason: &'a str) -> BoxFuture<'a, ()> {
        self.0.lock().unwrap().push((payload, reason.to_owned()));
        Box::pin(async {})
    }
}

#[tokio::test]
async fn cuts_no_deeper_than_eight_times_and_puts_the_bad_rest_away() {
    let script = Script::new(json!({}), all_or_nothing("label name is odd")).await;
    let letters = Arc::new(Letters::default());
    script.exporter.keep_undeliverable(letters.clone());
    assert_eq!(script.send(numbered(1024, &[500])).await, Ok(()));
    assert_eq!(script.receiver.requests().len(), 1 + 2 * 8);
    assert_eq!((script.rejected("invalid"), script.sent()), (4, 1020));
    let letters = letters.0.lock().unwrap();
    let [(payload, reason)] = letters.as_slice() else { panic!("{} letters", letters.len()) };
    assert_eq!((payload.items(), reason.as_str()), (4, "label name is odd"));
}

#[tokio::test]
async fn a_delivery_of_which_nothing_was_written_is_not_taken() {
    let script = Script::new(json!({}), all_or_nothing("label name is odd")).await;
    let failure = script.send(numbered(2, &[0, 1])).await.unwrap_err();
    assert!(failure.is_permanent() && failure.to_string().contains("label name is odd"), "{failure}");
    assert_eq!((script.rejected("invalid"), script.sent()), (2, 0));
    assert_eq!(script.metric("otelcol_exporter_send_failed_metric_points", ""), 2);
}

#[tokio::test]
async fn what_was_rejected_before_the_receiver_failed_is_counted() {
    let judge = |got: &Got, _: usize| match got.series.iter().any(|series| series.has("bad=yes")) {
        true => refusal(400, "label name is odd"),
        false => refusal(403, "no"),
    };
    let script = Script::new(json!({}), judge).await;
    assert!(script.send(numbered(2, &[0])).await.unwrap_err().is_permanent());
    assert_eq!((script.rejected("invalid"), script.sent()), (1, 0));
}

#[tokio::test]
async fn keeps_nothing_of_what_only_came_too_late() {
    let script = Script::new(json!({}), all_or_nothing("out of order sample")).await;
    let letters = Arc::new(Letters::default());
    script.exporter.keep_undeliverable(letters.clone());
    assert_eq!(script.send(numbered(2, &[0, 1])).await, Ok(()));
    assert_eq!(script.rejected("out_of_order"), 2);
    assert!(letters.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn counts_a_point_once_whatever_number_of_its_series_is_bad() {
    let script = Script::new(json!({}), all_or_nothing("out of order sample")).await;
    let payload = of_resource(&[], |metric| {
        metric.name("h");
        metric.histogram(|histogram| {
            histogram.aggregation_temporality(host_otlp::build::Temporality::Cumulative);
            histogram.data_point(|point| {
                point.time_unix_nano(AT);
                point.attribute("bad", "yes");
                point.count(3);
                point.sum(1.0);
                point.bucket_counts(&[1, 1, 1]);
                point.explicit_bounds(&[1.0, 2.0]);
            });
        });
    });
    assert_eq!(script.send(payload).await, Ok(()));
    assert_eq!((script.rejected("out_of_order"), script.sent()), (1, 0));
}

#[tokio::test]
async fn goes_on_where_a_second_attempt_has_to_be_made_in_the_middle_of_a_search() {
    let judge = |got: &Got, before: usize| match before {
        3 => refusal(500, "out of memory"),
        _ => all_or_nothing("out of order sample")(got, before),
    };
    let script = Script::new(json!({}), judge).await;
    assert_eq!(script.send(numbered(16, &[5])).await, Ok(()));
    let mut values = script.values();
    values.sort_by(f64::total_cmp);
    let good: Vec<f64> = (0..16).filter(|n| *n != 5).map(f64::from).collect();
    assert_eq!(values, good, "none is missing, and none is there twice");
}

#[tokio::test]
async fn takes_the_word_of_a_receiver_of_version_2_for_what_it_has_written() {
    let judge = |got: &Got, _| {
        let bad = got.series.iter().filter(|series| series.has("bad=yes")).count();
        written(400, got.series.len() - bad, "out of order sample for series")
    };
    let script = Script::new(json!({"protobuf_message": V2}), judge).await;
    assert_eq!(script.send(numbered(10, &[2, 3])).await, Ok(()));
    assert_eq!(script.receiver.requests().len(), 1, "what was written is not sent again");
    assert_eq!((script.rejected("out_of_order"), script.sent()), (2, 8));
}

#[tokio::test]
async fn finds_out_that_a_receiver_does_not_know_version_2() {
    let script = Script::new(json!({"protobuf_message": V2}), |_, _| fine()).await;
    let failure = script.send(numbered(1, &[])).await.unwrap_err();
    assert!(failure.is_permanent() && failure.to_string().contains("prometheus.WriteRequest"), "{failure}");
    assert_eq!(script.sent(), 0);
}

#[tokio::test]
async fn sends_in_halves_what_the_receiver_finds_too_large() {
    let judge = |got: &Got, _| if got.bytes > 700 { refusal(413, "too large") } else { fine() };
    let script = Script::new(json!({}), judge).await;
    assert_eq!(script.send(numbered(64, &[])).await, Ok(()));
    assert_eq!((script.receiver.series().len(), script.sent()), (64, 64));
}

#[tokio::test]
async fn leaves_out_what_cannot_be_said_and_counts_why() {
    let script = Script::new(json!({}), |_, _| fine()).await;
    let payload = gauge(&[
        &|point| {
            point.time_unix_nano(AT);
            point.as_int(1);
        },
        &|point| point.time_unix_nano(AT),
        &|point| {
            point.attribute("____", "v");
            point.as_int(1);
        },
    ]);
    assert_eq!(script.send(payload).await, Ok(()));
    assert_eq!((script.rejected("no_value"), script.rejected("invalid_name"), script.sent()), (1, 1, 1));
    assert_eq!(script.metric("otelcol_exporter_prometheusremotewrite_failed_translations", ""), 1);
}

#[tokio::test]
async fn makes_one_target_info_of_an_hour_of_batches_that_a_replica_has_put_its_name_on() {
    let script = Script::new(json!({}), |_, _| fine()).await;
    for minute in 0..60u64 {
        let received = format!("gateway-{}", minute % 7);
        let resource = [("service.name", "cart"), ("host.name", "h"), ("hub.received_at", received.as_str())];
        let payload = of_resource(&resource, |metric| {
            metric.name("g");
            metric.gauge(|gauge| {
                gauge.data_point(|point| {
                    point.time_unix_nano(AT + minute * 60 * SECOND);
                    point.as_int(1);
                });
            });
        });
        assert_eq!(script.send(payload).await, Ok(()));
    }
    let series = script.receiver.series();
    let mut targets: Vec<_> = series.iter().filter(|series| series.has("__name__=target_info")).collect();
    assert_eq!(targets.len(), 60);
    targets.dedup_by(|a, b| a.labels == b.labels);
    assert_eq!(targets[0].labels, ["__name__=target_info", "host_name=h", "job=cart"]);
    assert_eq!(targets.len(), 1);
}

#[tokio::test]
async fn does_not_tell_of_a_resource_with_an_earlier_time_than_before() {
    let script = Script::new(json!({}), |_, _| fine()).await;
    for second in [5u64, 3, 5, 6] {
        let payload = of_resource(&[("service.name", "cart"), ("host.name", "h")], |metric| {
            metric.name("g");
            metric.gauge(|gauge| {
                gauge.data_point(|point| {
                    point.time_unix_nano(AT + second * SECOND);
                    point.as_int(1);
                });
            });
        });
        assert_eq!(script.send(payload).await, Ok(()));
    }
    let series = script.receiver.series();
    let targets = series.iter().filter(|series| series.has("__name__=target_info"));
    let times: Vec<i64> = targets.map(|series| series.samples[0].time - 1_700_000_000_000).collect();
    assert_eq!(times, [5000, 5000, 6000]);
}

#[tokio::test]
async fn sums_up_deltas_and_says_so_in_what_it_counts() {
    let script = Script::new(json!({"delta_to_cumulative": {"max_streams": 1}}), |_, _| fine()).await;
    for payload in [delta(0, 1, 5), delta(1, 2, 3), delta(1, 2, 3), delta(0, 1, 5)] {
        assert_eq!(script.send(payload).await, Ok(()));
    }
    assert_eq!(script.values(), [5.0, 8.0, 8.0], "the third came again, and so did the fourth, which is in the totals");
    assert_eq!(script.metric("tidegate_exporter_delta_streams", ""), 1);
    assert_eq!(script.rejected("late_delta"), 0);
}

#[tokio::test]
async fn sends_on_what_a_sender_said_of_itself() {
    let script = Script::new(json!({"include_metadata_keys": ["X-Scope-OrgID"]}), |_, _| fine()).await;
    let metadata = vec![("x-scope-orgid".to_owned(), "blue".to_owned())];
    let delivery = Delivery { origin: Arc::new(Origin { metadata }), ..Delivery::new(numbered(1, &[])) };
    assert_eq!(script.exporter.consume(delivery).await, Ok(()));
    assert_eq!(script.receiver.requests()[0].0.headers["x-scope-orgid"], "blue");
}
