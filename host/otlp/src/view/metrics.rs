//! Data points under their metrics, scopes and resources, for every kind of metric.

use super::{KeyValue, Resource, Scope, views};

views! {
    /// The metrics of one resource.
    ResourceMetrics {
        resource: optional(Resource) = 1;
        scope_metrics: many(ScopeMetrics) = 2;
        schema_url: text = 3;
    }
    /// The metrics of one scope.
    ScopeMetrics {
        scope: optional(Scope) = 1;
        metrics: many(Metric) = 2;
        schema_url: text = 3;
    }
    /// One metric; see [`Metric::data`].
    Metric {
        name: text = 1;
        description: text = 2;
        unit: text = 3;
        gauge: optional(Gauge) = 5;
        sum: optional(Sum) = 7;
        histogram: optional(Histogram) = 9;
        exponential_histogram: optional(ExponentialHistogram) = 10;
        summary: optional(Summary) = 11;
        metadata: many(KeyValue) = 12;
    }
    /// Values that stand for themselves.
    Gauge {
        data_points: many(NumberDataPoint) = 1;
    }
    /// Values that add up.
    Sum {
        data_points: many(NumberDataPoint) = 1;
        aggregation_temporality: int32 = 2;
        is_monotonic: boolean = 3;
    }
    /// Distributions over buckets with bounds of their own.
    Histogram {
        data_points: many(HistogramDataPoint) = 1;
        aggregation_temporality: int32 = 2;
    }
    /// Distributions over buckets whose bounds grow by a factor.
    ExponentialHistogram {
        data_points: many(ExponentialHistogramDataPoint) = 1;
        aggregation_temporality: int32 = 2;
    }
    /// Quantiles that were computed at the source.
    Summary {
        data_points: many(SummaryDataPoint) = 1;
    }
    /// One value of a gauge or a sum; see [`NumberDataPoint::value`].
    NumberDataPoint {
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        as_double: optional(double) = 4;
        exemplars: many(Exemplar) = 5;
        as_int: optional(sfixed64) = 6;
        attributes: many(KeyValue) = 7;
        flags: uint32 = 8;
    }
    /// One distribution of a histogram.
    HistogramDataPoint {
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        count: fixed64 = 4;
        sum: optional(double) = 5;
        bucket_counts: many(fixed64) = 6;
        explicit_bounds: many(double) = 7;
        exemplars: many(Exemplar) = 8;
        attributes: many(KeyValue) = 9;
        flags: uint32 = 10;
        min: optional(double) = 11;
        max: optional(double) = 12;
    }
    /// One distribution of an exponential histogram.
    ExponentialHistogramDataPoint {
        attributes: many(KeyValue) = 1;
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        count: fixed64 = 4;
        sum: optional(double) = 5;
        scale: zigzag = 6;
        zero_count: fixed64 = 7;
        positive: optional(Buckets) = 8;
        negative: optional(Buckets) = 9;
        flags: uint32 = 10;
        exemplars: many(Exemplar) = 11;
        min: optional(double) = 12;
        max: optional(double) = 13;
        zero_threshold: double = 14;
    }
    /// The buckets on one side of zero.
    Buckets {
        offset: zigzag = 1;
        bucket_counts: many(uint64) = 2;
    }
    /// The quantiles of one data point of a summary.
    SummaryDataPoint {
        start_time_unix_nano: fixed64 = 2;
        time_unix_nano: fixed64 = 3;
        count: fixed64 = 4;
        sum: double = 5;
        quantile_values: many(ValueAtQuantile) = 6;
        attributes: many(KeyValue) = 7;
        flags: uint32 = 8;
    }
    /// One quantile: 0.5 is the median.
    ValueAtQuantile {
        quantile: double = 1;
        value: double = 2;
    }
    /// A measurement that stands as an example; see [`Exemplar::value`].
    Exemplar {
        time_unix_nano: fixed64 = 2;
        as_double: optional(double) = 3;
        span_id: bytes = 4;
        trace_id: bytes = 5;
        as_int: optional(sfixed64) = 6;
        filtered_attributes: many(KeyValue) = 7;
    }
}

/// A measured number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    Double(f64),
    Int(i64),
}

impl Number {
    fn of(double: Option<f64>, int: Option<i64>) -> Option<Number> {
        double.map(Number::Double).or(int.map(Number::Int))
    }
}

impl NumberDataPoint<'_> {
    pub fn value(&self) -> Option<Number> {
        Number::of(self.as_double, self.as_int)
    }
}

impl Exemplar<'_> {
    pub fn value(&self) -> Option<Number> {
        Number::of(self.as_double, self.as_int)
    }
}

/// The data of a metric.
#[derive(Clone, Debug)]
pub enum Data<'a> {
    Gauge(Gauge<'a>),
    Sum(Sum<'a>),
    Histogram(Histogram<'a>),
    ExponentialHistogram(ExponentialHistogram<'a>),
    Summary(Summary<'a>),
}

impl<'a> Metric<'a> {
    pub fn data(&self) -> Option<Data<'a>> {
        let gauge = self.gauge.clone().map(Data::Gauge);
        let sum = || self.sum.clone().map(Data::Sum);
        let histogram = || self.histogram.clone().map(Data::Histogram);
        let exponential = || self.exponential_histogram.clone().map(Data::ExponentialHistogram);
        let summary = || self.summary.clone().map(Data::Summary);
        gauge.or_else(sum).or_else(histogram).or_else(exponential).or_else(summary)
    }
}
