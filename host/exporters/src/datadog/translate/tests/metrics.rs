//! Data points as series and sketches.

use std::sync::Arc;

use host_otlp::Payload;
use host_otlp::build::{Metric, Metrics, Temporality};

use super::{HistogramMode, Request, Shape, body, requests, shape, state};
use crate::datadog::state::State;
use crate::left_out::LeftOut;

const SECOND: u64 = 1_000_000_000;

fn metrics(kinds: &[&dyn Fn(&mut Metric<'_>)]) -> Payload {
    let mut request = Metrics::new();
    request.resource_metrics(|resource_metrics| {
        resource_metrics.resource(|resource| {
            resource.attribute("service.name", "shop");
            resource.attribute("host.name", "h");
        });
        resource_metrics.scope_metrics(|scope_metrics| {
            scope_metrics.scope(|scope| scope.name("lib"));
            for kind in kinds {
                scope_metrics.metric(|metric| kind(metric));
            }
        });
    });
    request.finish()
}

/// A sum that only grows, since the start.
fn total(at: u64, value: i64) -> impl Fn(&mut Metric<'_>) {
    move |metric| {
        metric.name("requests");
        metric.sum(|sum| {
            sum.aggregation_temporality(Temporality::Cumulative);
            sum.is_monotonic(true);
            sum.data_point(|point| {
                point.start_time_unix_nano(SECOND);
                point.time_unix_nano(at * SECOND);
                point.as_int(value);
            });
        });
    }
}

fn histogram(temporality: Temporality, at: u64, counts: [u64; 3]) -> impl Fn(&mut Metric<'_>) {
    move |metric| {
        metric.name("took");
        metric.unit("ms");
        metric.histogram(|histogram| {
            histogram.aggregation_temporality(temporality);
            histogram.data_point(|point| {
                point.start_time_unix_nano(SECOND);
                point.time_unix_nano(at * SECOND);
                point.count(counts.iter().sum());
                point.sum(counts.iter().sum::<u64>() as f64);
                point.min(0.25);
                point.explicit_bounds(&[0.5, 10.0]);
                point.bucket_counts(&counts);
            });
        });
    }
}

fn sent(payload: &Payload, shape: &Shape, state: &Arc<State>) -> (Vec<Request>, LeftOut) {
    let (requests, left_out) = requests(payload, shape, state, 77);
    let items: u64 = requests.iter().map(Request::items).sum();
    let left: u64 = left_out.iter().map(|(_, items)| items).sum();
    assert_eq!(items + left, payload.items(), "every data point is accounted for");
    (requests, left_out)
}

/// The series of all requests, which all arrive.
fn series(payload: &Payload, shape: &Shape, state: &Arc<State>) -> Vec<String> {
    let (requests, _) = sent(payload, shape, state);
    let bodies = requests.iter().filter(|request| matches!(request, Request::Series(_))).map(body);
    requests.iter().for_each(Request::delivered);
    let inside = bodies.map(|body| body.strip_prefix("{\"series\":[").unwrap().strip_suffix("]}").unwrap().to_owned());
    inside.flat_map(|text| text.split("}]},").map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_gauge_is_a_series_with_its_unit_its_tags_and_its_host() {
    let payload = metrics(&[&|metric| {
        metric.name("disk.free");
        metric.unit("KiBy/s");
        metric.gauge(|gauge| {
            gauge.data_point(|point| {
                point.time_unix_nano(5 * SECOND + 1);
                point.as_double(0.1);
                point.attribute("disk", "sda");
                point.attribute("empty", "");
            });
        });
    }]);
    let mut shape = shape();
    shape.scope_as_tags = true;
    let wanted = concat!(
        r#"{"metric":"disk.free","type":3,"points":[{"timestamp":5,"value":0.1}],"unit":"kibibyte/second","#,
        r#""tags":["disk:sda","empty:n/a","service:shop","instrumentation_scope:lib","#,
        r#""instrumentation_scope_version:n/a"],"resources":[{"name":"h","type":"host"}]}"#,
    );
    assert_eq!(series(&payload, &shape, &state()), [wanted]);
    shape.resource_attributes_as_tags = true;
    let tagged = series(&payload, &shape, &state()).concat();
    assert!(tagged.contains(r#""service:shop","service.name:shop","host.name:h","instrumentation_scope:lib""#));
}

#[test]
fn a_name_and_a_time_are_what_datadog_can_store() {
    let payload = metrics(&[&|metric| {
        metric.name("2 höchst/odd-names");
        metric.gauge(|gauge| gauge.data_point(|point| point.as_int(1)));
    }]);
    let told = series(&payload, &shape(), &state()).concat();
    assert!(
        told.starts_with(r#"{"metric":"h_chst_odd_names","type":3,"points":[{"timestamp":77,"value":1}]"#),
        "{told}"
    );
}

#[test]
fn a_sum_since_the_start_becomes_counts_between_its_points() {
    let state = state();
    let (requests, left_out) = sent(&metrics(&[&total(10, 7)]), &shape(), &state);
    assert!(requests.is_empty());
    assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::FIRST, 1)]);
    let told = series(&metrics(&[&total(20, 9)]), &shape(), &state).concat();
    let wanted =
        r#"{"metric":"requests","type":1,"points":[{"timestamp":20,"value":2}],"interval":10,"tags":["service:shop"]"#;
    assert!(told.starts_with(wanted), "{told}");
    let (_, left_out) = sent(&metrics(&[&total(20, 9)]), &shape(), &state);
    assert_eq!((left_out.iter().next(), left_out.lost()), (Some((LeftOut::OLD, 1)), 0));
}

#[test]
fn what_did_not_arrive_is_sent_with_what_comes_next() {
    let state = state();
    let value = |at, value| {
        let (requests, _) = sent(&metrics(&[&total(at, value)]), &shape(), &state);
        requests.first().map(body).and_then(|body| Some(body.split_once("\"value\":")?.1.split_once('}')?.0.to_owned()))
    };
    assert_eq!(value(10, 7), None);
    assert_eq!(value(20, 9).as_deref(), Some("2"), "nobody says that it arrived");
    assert_eq!(value(20, 9).as_deref(), Some("2"));
    assert_eq!(value(30, 10).as_deref(), Some("3"));
    let (requests, _) = sent(&metrics(&[&total(40, 11)]), &shape(), &state);
    assert!(requests[0].halves().is_none(), "a single series has no halves");
    drop(requests);
    assert_eq!(value(50, 11).as_deref(), Some("4"));
}

#[test]
fn of_a_request_that_is_cut_only_what_did_not_arrive_is_owed() {
    let state = state();
    let named = |at: u64, value: i64| {
        let mut request = Metrics::new();
        request.resource_metrics(|resource_metrics| {
            resource_metrics.scope_metrics(|scope_metrics| {
                for (name, value) in [("a", value), ("b", 10 * value)] {
                    scope_metrics.metric(|metric| {
                        metric.name(name);
                        metric.sum(|sum| {
                            sum.aggregation_temporality(Temporality::Cumulative);
                            sum.is_monotonic(true);
                            sum.data_point(|point| {
                                point.time_unix_nano(at * SECOND);
                                point.as_int(value);
                            });
                        });
                    });
                }
            });
        });
        request.finish()
    };
    assert!(sent(&named(10, 1), &shape(), &state).0.is_empty());
    let (requests, _) = sent(&named(20, 2), &shape(), &state);
    let halves = requests[0].halves().unwrap();
    drop(requests);
    halves[0].delivered();
    drop(halves);
    let told = series(&named(30, 3), &shape(), &state);
    assert!(told[0].contains("\"value\":1}") && told[1].contains("\"value\":20}"), "{told:?}");
}

#[test]
fn sums_are_sent_as_they_are_where_that_is_wanted_or_they_may_shrink() {
    let mut shape = shape();
    shape.to_delta = false;
    let told = series(&metrics(&[&total(10, 7)]), &shape, &state()).concat();
    assert!(told.starts_with(r#"{"metric":"requests","type":3,"points":[{"timestamp":10,"value":7}]"#), "{told}");
    shape.to_delta = true;
    let shrinking = metrics(&[&|metric| {
        metric.name("requests");
        metric.sum(|sum| {
            sum.aggregation_temporality(Temporality::Cumulative);
            sum.data_point(|point| {
                point.time_unix_nano(10 * SECOND);
                point.as_int(-7);
            });
        });
    }]);
    let told = series(&shrinking, &shape, &state()).concat();
    assert!(told.contains(r#""type":3,"points":[{"timestamp":10,"value":-7}]"#), "{told}");
}

#[test]
fn a_histogram_is_a_sketch_and_its_totals_where_they_are_wanted() {
    let mut shape = shape();
    let state = state();
    let payload = metrics(&[&histogram(Temporality::Delta, 11, [1, 2, 3])]);
    let (requests, _) = sent(&payload, &shape, &state);
    assert!(matches!(&requests[..], [Request::Sketches(_)]));
    assert_eq!(requests[0].items(), 1);
    shape.with_aggregations = true;
    let (requests, _) = sent(&payload, &shape, &state);
    assert!(matches!(&requests[..], [Request::Series(_), Request::Sketches(_)]));
    let told = body(&requests[0]);
    for part in [
        r#"{"metric":"took.count","type":1,"points":[{"timestamp":11,"value":6}],"interval":10,"tags""#,
        r#"{"metric":"took.sum","type":1,"points":[{"timestamp":11,"value":6.0}],"unit":"millisecond","interval":10"#,
        r#"{"metric":"took.min","type":3,"points":[{"timestamp":11,"value":0.25}],"unit":"millisecond""#,
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn buckets_are_counts_where_that_is_wanted() {
    let mut shape = shape();
    shape.histograms = HistogramMode::Counters;
    let state = state();
    let of = |at, counts| metrics(&[&histogram(Temporality::Cumulative, at, counts)]);
    assert_eq!(sent(&of(10, [1, 2, 3]), &shape, &state).0.len(), 0);
    let told = series(&of(20, [1, 4, 8]), &shape, &state);
    let wanted = [("-inf", "0.5", "0"), ("0.5", "10.0", "2"), ("10.0", "inf", "5")];
    assert_eq!(told.len(), 3);
    for (told, (low, high, count)) in told.iter().zip(wanted) {
        let value = format!(r#"{{"metric":"took.bucket","type":1,"points":[{{"timestamp":20,"value":{count}}}],"#);
        let tags = format!(r#""tags":["lower_bound:{low}","upper_bound:{high}","service:shop"]"#);
        assert!(told.starts_with(&value) && told.contains(&tags), "{told}");
    }
    shape.histograms = HistogramMode::NoBuckets;
    shape.with_aggregations = true;
    let told = series(&metrics(&[&histogram(Temporality::Delta, 11, [1, 2, 3])]), &shape, &state);
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn a_histogram_since_the_start_becomes_sketches_of_what_came() {
    let state = state();
    let of = |at, counts| metrics(&[&histogram(Temporality::Cumulative, at, counts)]);
    assert!(sent(&of(10, [1, 2, 3]), &shape(), &state).0.is_empty());
    let (requests, _) = sent(&of(20, [1, 2, 3]), &shape(), &state);
    assert!(requests.is_empty(), "nothing came");
    let (requests, _) = sent(&of(30, [2, 2, 3]), &shape(), &state);
    assert!(matches!(&requests[..], [Request::Sketches(_)]));
}

#[test]
fn a_summary_is_totals_and_gauges() {
    let state = state();
    let of = |at: u64, count: u64| {
        metrics(&[&move |metric| {
            metric.name("took");
            metric.summary(|summary| {
                summary.data_point(|point| {
                    point.time_unix_nano(at * SECOND);
                    point.count(count);
                    point.sum(count as f64);
                    point.quantile_value(|at| {
                        at.quantile(1.0);
                        at.value(1.5);
                    });
                });
            });
        }])
    };
    let told = series(&of(10, 4), &shape(), &state);
    assert!(told.concat().starts_with(r#"{"metric":"took.quantile","type":3,"points":[{"timestamp":10,"value":1.5}]"#));
    assert!(told.concat().contains("\"quantile:1.0\""), "{told:?}");
    let told = series(&of(20, 6), &shape(), &state).concat();
    for part in [
        r#"{"metric":"took.count","type":1,"points":[{"timestamp":20,"value":2}]"#,
        r#"{"metric":"took.sum","type":1,"points":[{"timestamp":20,"value":2.0}]"#,
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn what_datadog_has_no_number_for_is_counted() {
    let payload = metrics(&[
        &|metric| {
            metric.name("nan");
            metric.gauge(|gauge| gauge.data_point(|point| point.as_double(f64::NAN)));
        },
        &|metric| {
            metric.name("unsaid");
            metric.sum(|sum| sum.data_point(|point| point.as_int(1)));
        },
        &|metric| metric.gauge(|gauge| gauge.data_point(|point| point.as_int(1))),
    ]);
    let (requests, left_out) = sent(&payload, &shape(), &state());
    assert!(requests.is_empty());
    assert_eq!(left_out.lost(), 3);
}

#[test]
fn a_histogram_whose_buckets_make_no_sense_is_counted_whatever_else_is_sent_of_it() {
    let payload = metrics(&[&|metric| {
        metric.name("took");
        metric.histogram(|histogram| {
            histogram.aggregation_temporality(Temporality::Delta);
            histogram.data_point(|point| {
                point.time_unix_nano(10 * SECOND);
                point.count(3);
                point.sum(3.0);
                point.explicit_bounds(&[0.5, 10.0]);
                point.bucket_counts(&[1, 2]);
            });
        });
    }]);
    for (histograms, lost) in
        [(HistogramMode::Distributions, 1), (HistogramMode::Counters, 1), (HistogramMode::NoBuckets, 0)]
    {
        let shape = Shape { with_aggregations: true, histograms, ..shape() };
        let (requests, left_out) = sent(&payload, &shape, &state());
        assert_eq!((requests.is_empty(), left_out.lost()), (lost == 1, lost), "{histograms:?}");
    }
}

#[test]
fn a_histogram_does_not_become_a_large_request_by_what_is_said_with_each_bucket() {
    let (large, counts) = ("x".repeat(100 << 10), vec![1; 1001]);
    let bounds: Vec<f64> = (0..1000).map(f64::from).collect();
    let payload = metrics(&[&|metric| {
        metric.name("took");
        metric.histogram(|histogram| {
            histogram.aggregation_temporality(Temporality::Delta);
            histogram.data_point(|point| {
                point.attribute("large", large.as_str());
                point.bucket_counts(&counts);
                point.explicit_bounds(&bounds);
            });
        });
    }]);
    let shape = Shape { histograms: HistogramMode::Counters, ..shape() };
    let (requests, left_out) = sent(&payload, &shape, &state());
    assert!(requests.is_empty());
    assert_eq!(left_out.iter().collect::<Vec<_>>(), [(LeftOut::TOO_MUCH_REPEATED, 1)]);
}
