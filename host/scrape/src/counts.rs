//! What a job counts.

use host_telemetry::{Counter, Gauge, Metrics, OwnGauge};

pub(crate) struct Counts {
    /// Targets that are scraped here.
    pub(crate) targets: OwnGauge,
    /// Targets that other replicas scrape.
    pub(crate) elsewhere: OwnGauge,
    /// Series that are held.
    pub(crate) series: Gauge,
    pub(crate) failures: Counter,
    pub(crate) late: Counter,
    pub(crate) lost: Counter,
    pub(crate) duplicates: Counter,
    pub(crate) unsupported: Counter,
    pub(crate) unusable: Counter,
    pub(crate) discovery_failures: Counter,
}

impl Counts {
    pub(crate) fn new(receiver: &str, job: &str, metrics: &Metrics) -> Self {
        let labels = [("receiver", receiver), ("job", job)];
        let counter = |name, help| metrics.counter(name, help, &labels);
        let reason = |reason| {
            let help = "Samples that were left out, by the reason.";
            let labels = [labels[0], labels[1], ("reason", reason)];
            metrics.counter("tidegate_prometheus_receiver_dropped_samples", help, &labels)
        };
        Counts {
            targets: metrics.own_gauge(
                "tidegate_prometheus_receiver_targets",
                "Targets that are scraped here.",
                &labels,
                0,
            ),
            elsewhere: metrics.own_gauge(
                "tidegate_prometheus_receiver_targets_elsewhere",
                "Targets that other replicas scrape.",
                &labels,
                0,
            ),
            series: metrics.gauge(
                "tidegate_prometheus_receiver_series",
                "Series that are known of the targets.",
                &labels,
            ),
            failures: counter("tidegate_prometheus_receiver_failed_scrapes", "Scrapes that failed."),
            late: counter(
                "tidegate_prometheus_receiver_late_scrapes",
                "Scrapes that were left out, since the one before was not over.",
            ),
            lost: counter(
                "tidegate_prometheus_receiver_lost_points",
                "Points that the pipeline has refused until the next scrape took their place.",
            ),
            duplicates: reason("duplicate"),
            unsupported: reason("unsupported"),
            unusable: counter(
                "tidegate_prometheus_receiver_unusable_targets",
                "Targets that were found and that nothing can be scraped from.",
            ),
            discovery_failures: counter(
                "tidegate_prometheus_receiver_discovery_failures",
                "Times that targets could not be looked for.",
            ),
        }
    }
}
