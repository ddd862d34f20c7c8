//! Buckets by example.

use host_otlp::build::{Metrics, Temporality};
use host_otlp::view::{Data, metrics};

use super::{UpTo, exponential};

/// The buckets of a point with this scale, and these buckets below and above zero.
fn of(scale: i32, zero: (u64, f64), below: (i32, &[u64]), above: (i32, &[u64])) -> Vec<(f64, u64)> {
    let mut request = Metrics::new();
    request.resource_metrics(|resource| {
        resource.scope_metrics(|scope| {
            scope.metric(|metric| {
                metric.exponential_histogram(|histogram| {
                    histogram.aggregation_temporality(Temporality::Delta);
                    histogram.data_point(|point| {
                        point.scale(scale);
                        point.zero_count(zero.0);
                        point.zero_threshold(zero.1);
                        point.negative(|buckets| {
                            buckets.offset(below.0);
                            buckets.bucket_counts(below.1);
                        });
                        point.positive(|buckets| {
                            buckets.offset(above.0);
                            buckets.bucket_counts(above.1);
                        });
                    });
                });
            });
        });
    });
    let payload = request.finish();
    let metric = metrics(&payload).next().unwrap().scope_metrics.next().unwrap().metrics.next().unwrap();
    let Some(Data::ExponentialHistogram(mut histogram)) = metric.data() else { panic!("it is one") };
    let point = histogram.data_points.next().unwrap();
    exponential(&point).into_iter().map(|UpTo { bound, count }| (bound, count)).collect()
}

#[test]
fn bounds_lie_where_the_scale_puts_them_and_counts_add_up_from_below() {
    // Powers of two: -4..-2 holds 1, -2..-1 holds 2, zero 3, 1..2 holds 4, 4..8 holds 5.
    let buckets = of(0, (3, 0.25), (0, &[2, 1]), (0, &[4, 0, 5]));
    assert_eq!(buckets, [(-2.0, 1), (-1.0, 3), (0.25, 6), (2.0, 10), (8.0, 15), (f64::INFINITY, 15)]);
}

#[test]
fn finer_and_coarser_scales_move_the_bounds() {
    let fine = of(1, (0, 0.0), (0, &[]), (1, &[1, 1]));
    assert_eq!(fine[0], (2.0, 1));
    assert!((fine[1].0 - 2.0 * std::f64::consts::SQRT_2).abs() < 1e-12, "{fine:?}");
    assert_eq!(of(-1, (0, 0.0), (0, &[]), (1, &[7])), [(16.0, 7), (f64::INFINITY, 7)]);
}

#[test]
fn buckets_beyond_all_numbers_end_in_the_one_without_a_bound() {
    assert_eq!(of(-10, (0, 0.0), (0, &[]), (5, &[2, 3])), [(f64::INFINITY, 5)]);
    assert_eq!(of(i32::MIN, (1, 0.0), (i32::MAX, &[1]), (i32::MIN, &[1])).last(), Some(&(f64::INFINITY, 3)));
    assert_eq!(of(0, (0, 0.0), (0, &[]), (0, &[])), [(f64::INFINITY, 0)]);
}
