//! What each identity has left of what it may send.
//!
//! Who has connections is remembered as long as they live, and so is who has none and has sent too much, until that is
//! made good. So what is remembered is bounded by connections, and by a number of those that have gone.

mod bucket;
mod quota;
mod refusals;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use host_identity::Speaker;
use host_telemetry::Metrics;
use tokio::time::Instant;

pub(crate) use self::quota::{Announced, Limit, Quota, Share};
use self::refusals::Refusals;

/// So many identities are remembered that have no connection.
const GONE: usize = 1024;

/// The quotas of a receiver.
pub(crate) struct Quotas {
    refusals: Arc<Refusals>,
    known: Mutex<HashMap<String, Arc<Quota>>>,
}

impl Quotas {
    pub(crate) fn new(receiver: &str, metrics: &Metrics) -> Quotas {
        Quotas { refusals: Arc::new(Refusals::new(receiver, metrics)), known: Mutex::default() }
    }

    /// What somebody has left who connects; none where it is not limited.
    pub(crate) fn of(&self, speaker: &Speaker, now: Instant) -> Option<Arc<Quota>> {
        let limits = speaker.limits()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quota) = known.get(speaker.identity()) {
            return Some(Arc::clone(quota));
        }
        forget(&mut known, now);
        let quota = Arc::new(Quota::new(speaker.identity(), limits, Arc::clone(&self.refusals), now));
        known.insert(speaker.identity().to_owned(), Arc::clone(&quota));
        Some(quota)
    }
}

/// Forgets those that have gone and owe nothing any more; of the others, where there are too many, the one that would be
/// forgotten first.
fn forget(known: &mut HashMap<String, Arc<Quota>>, now: Instant) {
    // Only connections and their requests hold one besides this.
    let is_gone = |quota: &Arc<Quota>| Arc::strong_count(quota) == 1;
    known.retain(|_, quota| !is_gone(quota) || !quota.until_rest(now).is_zero());
    let gone = || known.iter().filter(|(_, quota)| is_gone(quota));
    if gone().count() >= GONE {
        let first = gone().min_by_key(|(_, quota)| quota.until_rest(now)).map(|(identity, _)| identity.clone());
        first.and_then(|identity| known.remove(&identity));
    }
}

#[cfg(test)]
mod tests;
