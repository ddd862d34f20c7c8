//! The cluster that a batch is of, as its resources name it: a module's metrics go by it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use host_component::cluster_of;
use host_otlp::view;
use host_otlp::{Payload, Signal};

/// Of a batch whose resources name several.
const MIXED: &str = "mixed";
/// Of a batch of a cluster that is one too many, or has too long a name.
const OTHER: &str = "other";
/// Names are the senders': so many are told apart.
const MOST: usize = 64;
const LONGEST: usize = 128;

/// The clusters that were seen first; what comes after them is counted together.
#[derive(Default)]
pub(crate) struct Clusters(Mutex<BTreeSet<String>>);

impl Clusters {
    /// What a batch is counted under: empty where a resource names no cluster.
    pub(crate) fn of<'p>(&self, payload: &'p Payload) -> &'p str {
        let named = named_by(payload);
        if matches!(named, "" | MIXED) {
            return named;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(named) {
            return named;
        }
        if seen.len() == MOST || named.len() > LONGEST {
            return OTHER;
        }
        seen.insert(named.to_owned());
        named
    }
}

/// What all resources name; the walk ends with the first that names another.
fn named_by(payload: &Payload) -> &str {
    match payload.signal() {
        Signal::Logs => common(view::logs(payload).map(|logs| cluster_of(logs.resource))),
        Signal::Traces => common(view::traces(payload).map(|spans| cluster_of(spans.resource))),
        Signal::Metrics => common(view::metrics(payload).map(|metrics| cluster_of(metrics.resource))),
    }
}

fn common<'p>(mut names: impl Iterator<Item = &'p str>) -> &'p str {
    let Some(first) = names.next() else { return "" };
    if names.all(|name| name == first) { first } else { MIXED }
}

#[cfg(test)]
mod tests;
