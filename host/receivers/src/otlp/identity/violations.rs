//! The count of claims that did not hold, by who made them and what they were.
//!
//! What is claimed is the sender's choice, so that there could be as many series as it likes: only so many values have one of their
//! own. The first of each is told to the log, which is bounded by that, too.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use host_identity::{Speaker, Violation};
use host_telemetry::{Counter, Metrics};

/// So many identities have series of their own, each with so many claimed values.
pub(super) const IDENTITIES: usize = 256;
const VALUES: usize = 8;
/// The longest name in a label.
pub(super) const LONGEST: usize = 128;
/// What stands for all others, and for what is no text.
pub(super) const OTHER: &str = "(other)";
const NO_TEXT: &str = "(no text)";

pub(crate) struct Violations {
    receiver: String,
    metrics: Metrics,
    by_identity: Mutex<HashMap<String, Claimed>>,
}

/// What was claimed, by the attribute and its value.
type Claimed = HashMap<(&'static str, String), Counter>;

impl Violations {
    pub(crate) fn new(receiver: &str, metrics: &Metrics) -> Self {
        Violations { receiver: receiver.to_owned(), metrics: metrics.clone(), by_identity: Mutex::default() }
    }

    /// Counts a resource with a claim that does not hold.
    pub(crate) fn note(&self, speaker: &Speaker, violation: &Violation<'_>) {
        let (subject, action) = (violation.subject.name(), speaker.on_violation().name());
        let claimed = violation.claimed.map_or(NO_TEXT, shortened);
        let mut by_identity = self.by_identity.lock().unwrap_or_else(PoisonError::into_inner);
        let mut identity = shortened(speaker.identity());
        if !by_identity.contains_key(identity) && by_identity.len() >= IDENTITIES {
            identity = OTHER;
        }
        let values = by_identity.entry(identity.to_owned()).or_default();
        let mut key = (subject, claimed.to_owned());
        if !values.contains_key(&key) && values.len() >= VALUES {
            key = (subject, OTHER.to_owned());
        }
        if let Some(counter) = values.get(&key) {
            return counter.inc();
        }
        tracing::warn!(
            receiver = self.receiver,
            identity = speaker.identity(),
            claimed,
            action,
            "a sender claims a {subject} that it may not speak for; it is counted from now on"
        );
        let labels = [
            ("receiver", self.receiver.as_str()),
            ("identity", identity),
            ("attribute", subject),
            ("claimed", &key.1),
            ("action", action),
        ];
        let help = "Resources with a claim of their sender that does not hold, by who it was and what it claimed.";
        let counter = self.metrics.counter("tidegate_identity_violations", help, &labels);
        counter.inc();
        values.insert(key, counter);
    }
}

/// The beginning of a name, as long as a label may be.
pub(super) fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests;
