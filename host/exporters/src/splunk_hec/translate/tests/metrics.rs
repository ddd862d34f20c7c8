//! Data points as metric events, one by one and merged.

use host_otlp::Payload;
use host_otlp::build::{Metric, Metrics, Temporality};

use super::{Shape, bodies, body, requests, shape};
use crate::left_out::LeftOut;

fn metrics(kinds: &[&dyn Fn(&mut Metric<'_>)]) -> Payload {
    let mut request = Metrics::new();
    request.resource_metrics(|resource_metrics| {
        resource_metrics.resource(|resource| resource.attribute("host.name", "h"));
        resource_metrics.scope_metrics(|scope_metrics| {
            for kind in kinds {
                scope_metrics.metric(|metric| kind(metric));
            }
        });
    });
    request.finish()
}

fn gauge(name: &'static str, value: f64) -> impl Fn(&mut Metric<'_>) {
    move |metric| {
        metric.name(name);
        metric.gauge(|gauge| {
            gauge.data_point(|point| {
                point.time_unix_nano(1_500_000_000);
                point.as_double(value);
                point.attribute("k", 1);
            });
        });
    }
}

fn histogram(metric: &mut Metric<'_>) {
    metric.name("took");
    metric.histogram(|histogram| {
        histogram.aggregation_temporality(Temporality::Delta);
        histogram.data_point(|point| {
            point.time_unix_nano(1_000_000_000);
            point.count(6);
            point.sum(7.5);
            point.explicit_bounds(&[0.5, 1e6]);
            point.bucket_counts(&[1, 2, 3]);
        });
    });
}

fn event(time: &str, fields: &str) -> String {
    format!(r#"{{"event":"metric","fields":{{{fields}}},"host":"h","time":{time}}}"#)
}

#[test]
fn gauges_and_sums_are_one_event_a_point() {
    let payload = metrics(&[&gauge("a.b", 0.1), &|metric| {
        metric.name("n");
        metric.sum(|sum| {
            sum.data_point(|point| {
                point.time_unix_nano(1_000_000_000);
                point.as_int(i64::MAX);
            });
        });
    }]);
    let wanted = event("1.5", r#""k":"1","metric_type":"Gauge","metric_name:a.b":0.1"#)
        + &event("1", r#""metric_type":"Sum","metric_name:n":9223372036854775807"#);
    assert_eq!(bodies(&payload, &shape()), [wanted]);
}

#[test]
fn a_histogram_is_a_sum_a_count_and_buckets_that_add_up() {
    let of = |fields: &str| event("1", fields);
    let wanted = of(r#""metric_type":"Histogram","metric_name:took_sum":7.5"#)
        + &of(r#""metric_type":"Histogram","metric_name:took_count":6"#)
        + &of(r#""le":"0.5","metric_type":"Histogram","metric_name:took_bucket":1"#)
        + &of(r#""le":"1e+06","metric_type":"Histogram","metric_name:took_bucket":3"#)
        + &of(r#""le":"+Inf","metric_type":"Histogram","metric_name:took_bucket":6"#);
    assert_eq!(bodies(&metrics(&[&histogram]), &shape()), [wanted]);
}

#[test]
fn an_exponential_histogram_is_the_same_with_the_bounds_of_its_scale() {
    let payload = metrics(&[&|metric| {
        metric.name("took");
        metric.exponential_histogram(|histogram| {
            histogram.data_point(|point| {
                point.time_unix_nano(1_000_000_000);
                point.count(4);
                point.zero_count(1);
                point.positive(|buckets| {
                    buckets.offset(1);
                    buckets.bucket_counts(&[3]);
                });
            });
        });
    }]);
    let of = |fields: &str| event("1", fields);
    let wanted = of(r#""metric_type":"ExponentialHistogram","metric_name:took_count":4"#)
        + &of(r#""le":"0","metric_type":"ExponentialHistogram","metric_name:took_bucket":1"#)
        + &of(r#""le":"4","metric_type":"ExponentialHistogram","metric_name:took_bucket":4"#)
        + &of(r#""le":"+Inf","metric_type":"ExponentialHistogram","metric_name:took_bucket":4"#);
    assert_eq!(bodies(&payload, &shape()), [wanted]);
}

#[test]
fn a_summary_is_a_sum_a_count_and_its_quantiles() {
    let payload = metrics(&[&|metric| {
        metric.name("took");
        metric.summary(|summary| {
            summary.data_point(|point| {
                point.time_unix_nano(1_000_000_000);
                point.count(4);
                point.sum(2.0);
                point.quantile_value(|at| {
                    at.quantile(0.99);
                    at.value(1.5);
                });
            });
        });
    }]);
    let of = |fields: &str| event("1", fields);
    let wanted = of(r#""metric_type":"Summary","metric_name:took_sum":2.0"#)
        + &of(r#""metric_type":"Summary","metric_name:took_count":4"#)
        + &of(r#""qt":"0.99","metric_type":"Summary","metric_name:took_0.99":1.5"#);
    assert_eq!(bodies(&payload, &shape()), [wanted]);
}

#[test]
fn metrics_that_differ_in_nothing_else_become_one_event() {
    let mut shape = shape();
    shape.is_multi_metric = true;
    let payload = metrics(&[&gauge("a", 1.0), &histogram, &gauge("b", 2.0)]);
    let of = |fields: &str| event("1", fields);
    let wanted = event("1.5", r#""k":"1","metric_type":"Gauge","metric_name:a":1.0,"metric_name:b":2.0"#)
        + &of(r#""metric_type":"Histogram","metric_name:took_sum":7.5,"metric_name:took_count":6"#)
        + &of(r#""le":"0.5","metric_type":"Histogram","metric_name:took_bucket":1"#)
        + &of(r#""le":"1e+06","metric_type":"Histogram","metric_name:took_bucket":3"#)
        + &of(r#""le":"+Inf","metric_type":"Histogram","metric_name:took_bucket":6"#);
    assert_eq!(bodies(&payload, &shape), [wanted]);
}

#[test]
fn what_splunk_has_no_number_for_is_counted() {
    let payload = metrics(&[&gauge("nan", f64::NAN), &gauge("", 1.0), &gauge("a", 1.0), &|metric| {
        metric.name("stale");
        metric.gauge(|gauge| gauge.data_point(|point| point.flags(1)));
    }]);
    let (requests, left_out) = requests(&payload, &shape());
    assert_eq!(body(&requests[0]), event("1.5", r#""k":"1","metric_type":"Gauge","metric_name:a":1.0"#));
    let told: Vec<_> = left_out.iter().collect();
    assert_eq!(told, [(LeftOut::NO_VALUE, 1), (LeftOut::NOT_FINITE, 1), (LeftOut::WITHOUT_NAME, 1)]);
    assert_eq!(left_out.lost(), 2);
}

#[test]
fn an_attribute_cannot_pass_for_a_metric_or_its_type() {
    let payload = metrics(&[&|metric| {
        metric.name("a");
        metric.gauge(|gauge| {
            gauge.data_point(|point| {
                point.as_int(1);
                point.attribute("metric_type", "x");
                point.attribute("metric_name:b", 2);
            });
        });
    }]);
    let wanted = r#"{"event":"metric","fields":{"metric_type":"Gauge","metric_name:a":1},"host":"h"}"#;
    assert_eq!(bodies(&payload, &shape()), [wanted]);
}

#[test]
fn a_histogram_whose_buckets_and_bounds_do_not_fit_together_is_counted() {
    let of = |counts: &'static [u64], bounds: &'static [f64]| {
        let payload = metrics(&[&|metric| {
            metric.name("took");
            metric.histogram(|histogram| {
                histogram.data_point(|point| {
                    point.count(3);
                    point.bucket_counts(counts);
                    point.explicit_bounds(bounds);
                });
            });
        }]);
        let (requests, left_out) = requests(&payload, &shape());
        (requests.len(), left_out.iter().collect::<Vec<_>>())
    };
    assert_eq!(of(&[1, 2], &[1.0, 2.0]), (0, vec![(LeftOut::MALFORMED, 1)]));
    assert_eq!(of(&[], &[1.0]), (0, vec![(LeftOut::MALFORMED, 1)]));
    assert_eq!(of(&[], &[]), (1, Vec::new()));
}

#[test]
fn a_histogram_does_not_become_a_large_request_by_what_is_said_with_each_bucket() {
    let (large, counts) = ("x".repeat(100 << 10), vec![1; 1001]);
    let bounds: Vec<f64> = (0..1000).map(f64::from).collect();
    let payload = metrics(&[&gauge("before", 1.0), &|metric| {
        metric.name("took");
        metric.histogram(|histogram| {
            histogram.data_point(|point| {
                point.attribute("large", large.as_str());
                point.bucket_counts(&counts);
                point.explicit_bounds(&bounds);
            });
        });
    }]);
    for is_multi_metric in [false, true] {
        let (all, left_out) = requests(&payload, &Shape { is_multi_metric, ..shape() });
        assert_eq!(all.iter().map(|request| request.events.items()).sum::<u64>(), 1);
        assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::TOO_MUCH_REPEATED, 1)]);
    }
}
