//! What the processor counts, under the Collector's names where it has one.

use host_component::Signal;
use host_kubernetes::Kind;
use host_telemetry::{Counter, Gauge, Metrics};

use super::plan::Plan;

/// The Collector's names for what becomes of objects of a kind.
macro_rules! names {
    ($kind:literal) => {
        [
            concat!("otelcol_k8s_watcher_", $kind, "_added"),
            concat!("otelcol_k8s_watcher_", $kind, "_updated"),
            concat!("otelcol_k8s_watcher_", $kind, "_deleted"),
        ]
    };
}

/// What becomes of the objects of one kind.
pub(super) struct Watched {
    pub(super) added: Counter,
    pub(super) updated: Counter,
    pub(super) deleted: Counter,
    /// Those that there was no room for.
    pub(super) refused: Counter,
    pub(super) failures: Counter,
}

impl Watched {
    pub(super) fn new(kind: Kind, metrics: &Metrics) -> Self {
        // The Collector has a name for each of them.
        let [added, updated, deleted] = match kind {
            Kind::Pods => names!("pod"),
            Kind::Namespaces => names!("namespace"),
            Kind::Nodes => names!("node"),
            Kind::ReplicaSets => names!("replicaset"),
            Kind::Deployments => names!("deployment"),
            Kind::StatefulSets => names!("statefulset"),
            Kind::DaemonSets => names!("daemonset"),
            Kind::Jobs => names!("job"),
            Kind::CronJobs => names!("cronjob"),
        };
        let labels = [("kind", kind.plural())];
        Watched {
            added: metrics.counter(added, "Objects that were told for the first time.", &[]),
            updated: metrics.counter(updated, "Objects that were told again.", &[]),
            deleted: metrics.counter(deleted, "Objects that are gone.", &[]),
            refused: metrics.counter(
                "tidegate_k8s_attributes_refused_objects",
                "Times that an object was told which `max_objects` leaves no room for.",
                &labels,
            ),
            failures: metrics.counter(
                "tidegate_k8s_attributes_watch_failures",
                "Times that the API server did not tell of objects, or stopped to.",
                &labels,
            ),
        }
    }
}

/// What becomes of the resources of one pipeline.
pub(super) struct Counts {
    /// By association: those whose pod was found by it, and those that were not found though there was something to look up.
    by_association: Vec<(Counter, Counter)>,
    /// Those that say nothing of a pod.
    unsaid: Counter,
    pub(super) held_bytes: Gauge,
    pub(super) held: Counter,
    unenriched: [Counter; Why::ALL.len()],
}

/// Why data of a pod that is not known went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It was held for as long as it may be.
    Late,
    /// There was no room to hold it.
    NoRoom,
    /// The pod was waited for in vain a while ago.
    Stranger,
    /// Nothing is held.
    NotHeld,
}

impl Why {
    const ALL: [Why; 4] = [Why::Late, Why::NoRoom, Why::Stranger, Why::NotHeld];

    fn name(self) -> &'static str {
        match self {
            Why::Late => "late",
            Why::NoRoom => "no_room",
            Why::Stranger => "stranger",
            Why::NotHeld => "not_held",
        }
    }
}

/// What was found out about the resources of one payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// By association, as [`Counts`] has them.
    pub(super) found: Vec<u32>,
    pub(super) missed: Vec<u32>,
    pub(super) unsaid: u32,
}

impl Tally {
    pub(super) fn new(associations: usize) -> Self {
        Tally { found: vec![0; associations], missed: vec![0; associations], unsaid: 0 }
    }
}

impl Counts {
    pub(super) fn new(id: &str, signal: Signal, plan: &Plan, metrics: &Metrics) -> Self {
        let association = |status: &str, by: &str| {
            let labels =
                [("processor", id), ("otelcol_signal", signal.name()), ("pod_identifier", by), ("status", status)];
            let help = "Resources, by whether their pod was found and by what.";
            metrics.counter("otelcol_k8s_pod_association", help, &labels)
        };
        let by = |label: &str| (association("success", label), association("error", label));
        let labels = [("processor", id)];
        Counts {
            by_association: plan.associations.iter().map(|association| by(&association.label)).collect(),
            unsaid: association("error", ""),
            held_bytes: metrics.gauge(
                "tidegate_k8s_attributes_held_bytes",
                "Bytes that wait for pods that are not known yet.",
                &labels,
            ),
            held: metrics.counter(
                "tidegate_k8s_attributes_held_items",
                "Items that have waited for pods that were not known yet.",
                &labels,
            ),
            unenriched: Why::ALL.map(|why| {
                let labels = [("processor", id), ("reason", why.name())];
                let help = "Items that went on together with those of a pod that is not known, by why they did not wait for it.";
                metrics.counter("tidegate_k8s_attributes_unenriched_items", help, &labels)
            }),
        }
    }

    pub(super) fn count(&self, tally: &Tally) {
        for (at, (success, error)) in self.by_association.iter().enumerate() {
            success.inc_by(tally.found.get(at).copied().unwrap_or_default().into());
            error.inc_by(tally.missed.get(at).copied().unwrap_or_default().into());
        }
        self.unsaid.inc_by(tally.unsaid.into());
    }

    pub(super) fn unenriched(&self, why: Why, items: u64) {
        self.unenriched[why as usize].inc_by(items);
    }
}
