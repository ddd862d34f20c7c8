//! What a collection brings: metrics of one or more scrapers, and what each of them could not find.

use std::future::Future;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics};

/// Something that can be collected at an interval, without blocking the thread.
pub trait Collect: Send + 'static {
    /// Collects once. It is dropped where it waits when its time is over, and called again at the next interval.
    ///
    /// # Errors
    /// Where there is nothing at all.
    fn collect(&mut self) -> impl Future<Output = Result<Collected, Missed>> + Send;
}

/// Something whose collection asks the operating system or a library, and blocks its thread for as long: see
/// [`Blocking`](crate::Blocking).
pub trait CollectNow: Send + 'static {
    /// Collects once.
    ///
    /// # Errors
    /// Where there is nothing at all.
    fn collect_now(&mut self) -> Result<Collected, Missed>;
}

/// What one collection brings.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    pub parts: Vec<Part>,
}

/// What one scraper brings. A receiver that is not made of scrapers is one of its own name.
#[derive(Clone, Debug)]
pub struct Part {
    /// As which it is counted.
    pub scraper: &'static str,
    pub metrics: Vec<ResourceMetrics>,
    /// What should have been among them.
    pub missed: Vec<Missed>,
}

/// Something that could not be collected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: {way_out}")]
pub struct Missed {
    /// What it is, such as a file or an address. As long as this is missed it is said once.
    pub place: String,
    pub problem: String,
    pub way_out: String,
    /// Points that are missing because of it.
    pub points: u64,
}

impl Missed {
    /// One point, or so.
    pub fn new(place: impl Into<String>, problem: impl Into<String>, way_out: impl Into<String>) -> Self {
        Missed { place: place.into(), problem: problem.into(), way_out: way_out.into(), points: 1 }
    }
}

impl Collected {
    pub fn of(scraper: &'static str, metrics: Vec<ResourceMetrics>, missed: Vec<Missed>) -> Self {
        Collected { parts: vec![Part { scraper, metrics, missed }] }
    }
}

impl Part {
    pub(crate) fn points(&self) -> u64 {
        let scopes = self.metrics.iter().flat_map(|resource| &resource.scope_metrics);
        scopes.flat_map(|scope| &scope.metrics).map(points).sum()
    }
}

fn points(metric: &Metric) -> u64 {
    let points = match &metric.data {
        None => 0,
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
    };
    points as u64
}
