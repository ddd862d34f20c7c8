//! Data points under their metrics, scopes and resources, for every kind of metric.

use super::{Resource, Scope, builders, request};

request! {
    /// A request of data points.
    Metrics { resource_metrics: ResourceMetrics } Metrics
}

/// What a sum or a histogram counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temporality {
    Delta = 1,
    Cumulative = 2,
}

builders! {
    /// The metrics of one resource.
    ResourceMetrics {
        resource: message(Resource) = 1;
        scope_metrics: group(ScopeMetrics) = 2;
        schema_url: text = 3;
    }
    /// The metrics of one scope.
    ScopeMetrics {
        scope: message(Scope) = 1;
        metric: message(Metric) = 2;
        schema_url: text = 3;
    }
    /// One metric; it has data of one kind.
    Metric {
        name: text = 1;
        description: text = 2;
        unit: text = 3;
        gauge: message(Gauge) = 5;
        sum: message(Sum) = 7;
        histogram: message(Histogram) = 9;
        exponential_histogram: message(ExponentialHistogram) = 10;
        summary: message(Summary) = 11;
        metadata: attribute = 12;
    }
    /// Values that stand for themselves.
    Gauge {
        data_point: item(NumberDataPoint) = 1;
    }
    /// Values that add up.
    Sum {
        data_point: item(NumberDataPoint) = 1;
        aggregation_temporality: choice(Temporality) = 2;
        is_monotonic: boolean = 3;
    }
    /// Distributions over buckets with bounds of their own.
    Histogram {
        data_point: item(HistogramDataPoint) = 1;
        aggregation_temporality: choice(Temporality) = 2;
    }
    /// Distributions over buckets whose bounds grow by a factor.
    ExponentialHistogram {
        data_point: item(ExponentialHistogramDataPoint) = 1;
        aggregation_temporality: choice(Temporality) = 2;
    }
    /// Quantiles that were computed at the source.
    Summary {
        data_point: item(SummaryDataPoint) = 1;
    }
    /// One value of a gauge or a sum: either `as_double` or `as_int`.
    NumberDataPoint {
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        as_double: double = 4;
        exemplar: message(Exemplar) = 5;
        as_int: sfixed64 = 6;
        attribute: attribute = 7;
        attributes: prepared = 7;
        flags: unsigned = 8;
    }
    /// One distribution of a histogram.
    HistogramDataPoint {
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        count: fixed64 = 4;
        sum: double = 5;
        bucket_counts: counts = 6;
        explicit_bounds: doubles = 7;
        exemplar: message(Exemplar) = 8;
        attribute: attribute = 9;
        attributes: prepared = 9;
        flags: unsigned = 10;
        min: double = 11;
        max: double = 12;
    }
    /// One distribution of an exponential histogram.
    ExponentialHistogramDataPoint {
        attribute: attribute = 1;
        attributes: prepared = 1;
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        count: fixed64 = 4;
        sum: double = 5;
        scale: zigzag = 6;
        zero_count: fixed64 = 7;
        positive: message(Buckets) = 8;
        negative: message(Buckets) = 9;
        flags: unsigned = 10;
        exemplar: message(Exemplar) = 11;
        min: double = 12;
        max: double = 13;
        zero_threshold: double = 14;
    }
    /// The buckets on one side of zero.
    Buckets {
        offset: zigzag = 1;
        bucket_counts: varints = 2;
    }
    /// The quantiles of one data point of a summary.
    SummaryDataPoint {
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        count: fixed64 = 4;
        sum: double = 5;
        quantile_value: message(QuantileValue) = 6;
        attribute: attribute = 7;
        attributes: prepared = 7;
        flags: unsigned = 8;
    }
    /// One quantile: 0.5 is the median.
    QuantileValue {
        quantile: double = 1;
        value: double = 2;
    }
    /// A measurement that stands as an example, with the span that it comes from: either `as_double` or `as_int`.
    Exemplar {
        time_unix_nano: fixed64 = 2;
        as_double: double = 3;
        span_id: bytes = 4;
        trace_id: bytes = 5;
        as_int: sfixed64 = 6;
        filtered_attribute: attribute = 7;
        filtered_attributes: prepared = 7;
    }
}
