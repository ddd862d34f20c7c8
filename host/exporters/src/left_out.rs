//! What a payload holds that a backend cannot take in any form, by reason: it is counted, and told of once a payload.

use std::collections::BTreeMap;

use host_telemetry::Metrics;

use crate::sending::Rejected;

/// Items that no request carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut(BTreeMap<Reason, u64>);

/// Why items are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reason {
    /// As it stands in a metric.
    pub(crate) name: &'static str,
    /// Whether somebody loses something by it.
    pub(crate) is_loss: bool,
}

impl LeftOut {
    pub(crate) const TOO_LONG: Reason = Reason { name: "too_long", is_loss: true };
    /// What goes with each item has made the delivery many times as large as it was.
    pub(crate) const TOO_MUCH_REPEATED: Reason = Reason { name: "too_much_repeated", is_loss: true };
    pub(crate) const WITHOUT_BODY: Reason = Reason { name: "without_body", is_loss: true };
    pub(crate) const WITHOUT_NAME: Reason = Reason { name: "without_name", is_loss: true };
    pub(crate) const NOT_FINITE: Reason = Reason { name: "not_finite", is_loss: true };
    pub(crate) const WITHOUT_TEMPORALITY: Reason = Reason { name: "without_temporality", is_loss: true };
    /// A histogram whose buckets and bounds do not fit together.
    pub(crate) const MALFORMED: Reason = Reason { name: "malformed", is_loss: true };
    pub(crate) const TOO_MANY_SERIES: Reason = Reason { name: "too_many_series", is_loss: true };
    /// The first point of a series, which only says where it begins.
    pub(crate) const FIRST: Reason = Reason { name: "first_point", is_loss: false };
    /// A cumulative point that a newer one covers.
    pub(crate) const OLD: Reason = Reason { name: "old_point", is_loss: false };
    /// The configuration says that it is not to be sent.
    pub(crate) const NOT_WANTED: Reason = Reason { name: "not_wanted", is_loss: false };
    /// A point that says that there is no value.
    pub(crate) const NO_VALUE: Reason = Reason { name: "no_recorded_value", is_loss: false };

    pub(crate) fn add(&mut self, reason: Reason, items: u64) {
        *self.0.entry(reason).or_default() += items;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        self.0.iter().map(|(reason, items)| (*reason, *items))
    }

    /// How many items somebody loses.
    #[cfg(test)]
    pub(crate) fn lost(&self) -> u64 {
        self.iter().filter(|(reason, _)| reason.is_loss).map(|(_, items)| items).sum()
    }

    /// Counts what nobody loses anything by, and hands back the rest for the outcome.
    pub(crate) fn settle(self, exporter: &str, metrics: &Metrics) -> Vec<Rejected> {
        let mut lost = Vec::new();
        for (Reason { name, is_loss }, items) in self.iter() {
            if is_loss {
                lost.push(Rejected { items, reason: name });
                continue;
            }
            let labels = [("exporter", exporter), ("reason", name)];
            let help = "Items that are not sent though nothing is lost by that, by reason.";
            metrics.counter("tidegate_exporter_skipped_items", help, &labels).inc_by(items);
        }
        lost
    }
}
