//! The exporter against receivers that answer as they were told to, and its translation against the Collector's.

mod config;
mod corpus;
mod deltas;
mod labels;
mod receiver;
mod sends;

use host_otlp::Payload;
use host_otlp::build::{Metric, Metrics, NumberDataPoint, Temporality};

/// A time in 2023, in nanoseconds.
const AT: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// A payload of one metric of a resource with these attributes.
fn of_resource(attributes: &[(&str, &str)], fill: impl FnOnce(&mut Metric<'_>)) -> Payload {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource| {
        resource.resource(|resource| attributes.iter().for_each(|(key, value)| resource.attribute(key, *value)));
        resource.scope_metrics(|scope| scope.metric(fill));
    });
    metrics.finish()
}

/// A payload of a gauge `g`, with these points.
fn gauge(points: &[&dyn Fn(&mut NumberDataPoint<'_>)]) -> Payload {
    of_resource(&[], |metric| {
        metric.name("g");
        metric.gauge(|gauge| points.iter().for_each(|fill| gauge.data_point(|point| fill(point))));
    })
}

/// Gauges that differ by their label `n`; those in `bad` have another one.
fn numbered(count: u32, bad: &[u32]) -> Payload {
    of_resource(&[], |metric| {
        metric.name("g");
        metric.gauge(|gauge| {
            for n in 0..count {
                gauge.data_point(|point| {
                    point.time_unix_nano(AT);
                    point.attribute("n", n.to_string().as_str());
                    if bad.contains(&n) {
                        point.attribute("bad", "yes");
                    }
                    point.as_int(i64::from(n));
                });
            }
        });
    })
}

/// A delta of the counter `c`, of the seconds from `start` to `end` after [`AT`].
fn delta(start: u64, end: u64, value: i64) -> Payload {
    of_resource(&[], |metric| {
        metric.name("c");
        metric.sum(|sum| {
            sum.aggregation_temporality(Temporality::Delta);
            sum.is_monotonic(true);
            sum.data_point(|point| {
                point.start_time_unix_nano(AT + start * SECOND);
                point.time_unix_nano(AT + end * SECOND);
                point.as_int(value);
            });
        });
    })
}
