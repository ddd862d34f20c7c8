//! The count of requests that were refused since their identity had sent too much, by who it was and what it had no more of.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use host_telemetry::{Counter, Metrics};

use super::super::violations::{IDENTITIES, OTHER, shortened};

pub(crate) struct Refusals {
    pub(crate) receiver: String,
    metrics: Metrics,
    /// Whoever has series of its own.
    named: Mutex<HashSet<String>>,
}

impl Refusals {
    pub(crate) fn new(receiver: &str, metrics: &Metrics) -> Self {
        Refusals { receiver: receiver.to_owned(), metrics: metrics.clone(), named: Mutex::default() }
    }

    /// What an identity's refused requests are counted in.
    pub(crate) fn of(&self, identity: &str, limit: &'static str) -> Counter {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = shortened(identity);
        if !named.contains(name) {
            if named.len() < IDENTITIES {
                named.insert(name.to_owned());
            } else {
                name = OTHER;
            }
        }
        let labels = [("receiver", self.receiver.as_str()), ("identity", name), ("limit", limit)];
        let help =
            "Requests that were refused since their identity had sent as much as it may, by what it had no more of.";
        self.metrics.counter("tidegate_identity_requests_refused", help, &labels)
    }
}
