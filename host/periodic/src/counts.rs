//! What is counted of collections, under the Collector's names where it has them.

use host_telemetry::{Counter, Metrics};

pub(crate) struct Counts {
    receiver: String,
    metrics: Metrics,
    pub(crate) late: Counter,
    pub(crate) lost: Counter,
}

impl Counts {
    pub(crate) fn new(receiver: &str, metrics: &Metrics) -> Self {
        let labels = [("receiver", receiver)];
        Counts {
            late: metrics.counter(
                "tidegate_scraper_late_collections",
                "Collections that were left out, since the one before was not over.",
                &labels,
            ),
            lost: metrics.counter(
                "tidegate_scraper_lost_points",
                "Points that were collected and that the pipeline has refused until others took their place.",
                &labels,
            ),
            receiver: receiver.to_owned(),
            metrics: metrics.clone(),
        }
    }

    /// Counts what a scraper has found, and what it has not.
    pub(crate) fn scraped(&self, scraper: &str, found: u64, missed: u64) {
        let labels = [("receiver", self.receiver.as_str()), ("scraper", scraper)];
        let counter = |name, help| self.metrics.counter(name, help, &labels);
        counter("otelcol_scraper_scraped_metric_points", "Points that were collected.").inc_by(found);
        counter("otelcol_scraper_errored_metric_points", "Points that could not be collected.").inc_by(missed);
    }
}
