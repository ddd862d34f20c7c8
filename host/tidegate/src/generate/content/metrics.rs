//! Data points of every kind of metric.

use host_otlp::Payload;
use host_otlp::build::{Metric, Metrics, NumberDataPoint, Temporality};

use super::{Items, ROUTES};
use crate::generate::personal::Personal;

/// Data points of one metric.
const POINTS: u32 = 5;
const MINUTE: u64 = 60_000_000_000;

pub(in crate::generate) fn metrics(items: &mut Items<'_>) -> Payload {
    let mut metrics = Metrics::with_capacity(300 * items.total as usize);
    while let Some(share) = items.share() {
        metrics.resource_metrics(|resource_metrics| {
            resource_metrics.resource(|resource| items.resource(resource));
            resource_metrics.scope_metrics(|scope_metrics| {
                scope_metrics.scope(|scope| items.scope(scope));
                let mut left = share;
                while left > 0 {
                    let points = left.min(POINTS);
                    scope_metrics.metric(|metric| one(items, metric, points));
                    left -= points;
                }
            });
        });
    }
    metrics.finish()
}

fn one(items: &mut Items<'_>, metric: &mut Metric<'_>, points: u32) {
    match items.rng.u8(0..5) {
        0 => {
            metric.name("queue.length");
            metric.unit("{request}");
            metric.gauge(|gauge| (0..points).for_each(|_| gauge.data_point(|point| number(items, point, false))));
        }
        1 => {
            metric.name("http.server.requests");
            metric.unit("{request}");
            metric.sum(|sum| {
                (0..points).for_each(|_| sum.data_point(|point| number(items, point, true)));
                sum.aggregation_temporality(Temporality::Cumulative);
                sum.is_monotonic(true);
            });
        }
        2 => histogram(items, metric, points),
        3 => exponential(items, metric, points),
        _ => summary(items, metric, points),
    }
}

/// Writes the attributes that all data points have.
macro_rules! attributes {
    ($items:ident, $point:ident) => {
        $point.attribute($items.id_attribute(), &$items.next_id());
        $point.attribute("http.route", $items.pick(ROUTES));
        if let Some(Personal { key, value }) = $items.personal() {
            $point.attribute(key, &value);
        }
        $point.start_time_unix_nano($items.now - MINUTE);
        $point.time_unix_nano($items.now);
    };
}

fn number(items: &mut Items<'_>, point: &mut NumberDataPoint<'_>, whole: bool) {
    attributes!(items, point);
    if whole {
        point.as_int(items.rng.i64(0..1_000_000));
        let (trace, span) = (items.bytes::<16>(), items.bytes::<8>());
        point.exemplar(|exemplar| {
            exemplar.time_unix_nano(items.now);
            exemplar.as_int(1);
            exemplar.trace_id(&trace);
            exemplar.span_id(&span);
        });
    } else {
        point.as_double(items.rng.f64() * 500.0);
    }
}

fn histogram(items: &mut Items<'_>, metric: &mut Metric<'_>, points: u32) {
    metric.name("http.server.request.duration");
    metric.unit("s");
    metric.histogram(|histogram| {
        for _ in 0..points {
            histogram.data_point(|point| {
                attributes!(items, point);
                let counts: [u64; 5] = std::array::from_fn(|_| items.rng.u64(0..100));
                point.count(counts.iter().sum());
                point.sum(items.rng.f64() * 100.0);
                point.bucket_counts(&counts);
                point.explicit_bounds(&[0.005, 0.05, 0.5, 5.0]);
                point.min(0.001);
                point.max(7.5);
            });
        }
        histogram.aggregation_temporality(Temporality::Delta);
    });
}

fn exponential(items: &mut Items<'_>, metric: &mut Metric<'_>, points: u32) {
    metric.name("rpc.server.duration");
    metric.unit("ms");
    metric.exponential_histogram(|histogram| {
        for _ in 0..points {
            histogram.data_point(|point| {
                attributes!(items, point);
                let counts: [u64; 4] = std::array::from_fn(|_| items.rng.u64(0..100));
                point.count(counts.iter().sum::<u64>() + 2);
                point.sum(items.rng.f64() * 1_000.0);
                point.scale(3);
                point.zero_count(2);
                point.positive(|buckets| {
                    buckets.offset(-4);
                    buckets.bucket_counts(&counts);
                });
            });
        }
        histogram.aggregation_temporality(Temporality::Cumulative);
    });
}

fn summary(items: &mut Items<'_>, metric: &mut Metric<'_>, points: u32) {
    metric.name("gc.pause");
    metric.unit("ms");
    metric.summary(|summary| {
        for _ in 0..points {
            summary.data_point(|point| {
                attributes!(items, point);
                point.count(items.rng.u64(1..1_000));
                point.sum(items.rng.f64() * 1_000.0);
                for quantile in [0.5, 0.99] {
                    point.quantile_value(|at| {
                        at.quantile(quantile);
                        at.value(quantile * 40.0);
                    });
                }
            });
        }
    });
}
