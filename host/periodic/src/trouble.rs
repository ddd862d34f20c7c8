//! What cannot be collected is said when it begins, and said again when it is over; in between only where somebody debugs.

use std::collections::BTreeSet;

use crate::collect::Missed;

/// What is missed at a time and told one by one; more than that is one line.
const LINES: usize = 32;

/// What the last collection has missed: a scraper, and a place of it.
#[derive(Default)]
pub(crate) struct Troubles {
    known: BTreeSet<(&'static str, String)>,
    is_over: bool,
}

impl Troubles {
    /// Hears what a collection has missed. Says in the log what is new in it.
    pub(crate) fn hear(&mut self, receiver: &str, missed: &[(&'static str, &Missed)]) {
        let mut now = BTreeSet::new();
        for (scraper, missed) in missed.iter().take(LINES) {
            let Missed { place, problem, way_out, .. } = missed;
            let key = (*scraper, place.clone());
            if now.contains(&key) {
                continue;
            }
            if self.known.contains(&key) {
                tracing::debug!(receiver, scraper, place, problem, way_out, "something still cannot be collected");
            } else {
                tracing::warn!(receiver, scraper, place, problem, way_out, "something cannot be collected");
            }
            now.insert(key);
        }
        for (scraper, place) in self.known.difference(&now) {
            tracing::info!(receiver, scraper, place, "it can be collected again, or is not there any more");
        }
        let more = missed.len().saturating_sub(LINES);
        if more > 0 && !self.is_over {
            tracing::warn!(receiver, more, "more cannot be collected than is told here one by one");
        }
        self.is_over = more > 0;
        self.known = now;
    }
}
