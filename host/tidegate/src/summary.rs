//! The summary tells at the end what was received and what was delivered, by signal and exporter.

use std::collections::BTreeMap;
use std::fmt;

use host_component::Signal;
use host_telemetry::Metrics;

/// One signal's counts.
pub(crate) struct Summary {
    signal: Signal,
    /// Items whose senders were told that they were taken.
    pub(crate) received: u64,
    /// Items whose senders were told to try again, or that it is pointless.
    pub(crate) refused: u64,
    /// Items by the exporter that took them.
    pub(crate) delivered: BTreeMap<String, u64>,
    /// Items by the exporter that could not send them for good.
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Summary {
    /// The counts of each signal that saw anything.
    pub(crate) fn of(metrics: &Metrics) -> Vec<Self> {
        let signals = Signal::ALL.into_iter().map(|signal| Summary::one(metrics, signal));
        signals.filter(|summary| !summary.is_empty()).collect()
    }

    fn one(metrics: &Metrics, signal: Signal) -> Self {
        let items = signal.items_name();
        let total = |what: &str| metrics.total(&format!("otelcol_receiver_{what}_{items}"));
        let by_exporter = |what: &str| {
            let mut totals = metrics.totals(&format!("otelcol_exporter_{what}_{items}"), "exporter");
            totals.retain(|_, total| *total > 0);
            totals
        };
        Summary {
            signal,
            received: total("accepted"),
            refused: total("refused") + total("failed"),
            delivered: by_exporter("sent"),
            dropped: by_exporter("send_failed"),
        }
    }

    fn is_empty(&self) -> bool {
        self.received == 0 && self.refused == 0 && self.delivered.is_empty() && self.dropped.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: received {}", self.signal, self.received)?;
        if self.refused > 0 {
            write!(f, ", refused {}", self.refused)?;
        }
        for (exporter, items) in &self.delivered {
            write!(f, ", delivered {items} to {exporter}")?;
        }
        for (exporter, items) in &self.dropped {
            write!(f, ", failed {items} at {exporter}")?;
        }
        Ok(())
    }
}
