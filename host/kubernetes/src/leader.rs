//! Who of many collectors does what only one may do: whoever holds a Lease of the API server.
//!
//! An election is begun by the first that asks for it and goes on as long as somebody holds a [`Leadership`] of it. The
//! holder renews the Lease; where that does not succeed it is no leader any more before another can be. When nobody holds
//! a `Leadership` any more the Lease is given up, so that another need not wait until it expires.
//!
//! Invariant: of two processes whose clocks run at about the same speed no two are told at once that they have won.

mod campaign;
mod config;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use host_component::spawn;
use host_telemetry::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::campaign::Campaign;
pub use self::config::Config;

/// The elections that this process takes part in. Cloning shares them.
#[derive(Clone, Default)]
pub struct Electors(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By the extension and what is configured of it.
    running: BTreeMap<String, Weak<Inner>>,
    ending: Vec<JoinHandle<()>>,
}

/// Whether this process is the leader. Cloning shares it, and the election goes on until the last clone is dropped.
#[derive(Clone)]
pub struct Leadership {
    is_leader: watch::Receiver<bool>,
    inner: Arc<Inner>,
}

/// Ends the election when it is dropped.
struct Inner {
    is_leader: watch::Receiver<bool>,
    gap: Duration,
    _wanted: watch::Sender<()>,
}

impl Electors {
    /// Takes part in the election that the extension `id` is configured for.
    pub fn leadership(&self, id: &str, config: &Config, metrics: &Metrics) -> Leadership {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.ending.retain(|ending| !ending.is_finished());
        state.running.retain(|_, inner| inner.strong_count() > 0);
        let key = format!("{id} {config:?}");
        if let Some(inner) = state.running.get(&key).and_then(Weak::upgrade) {
            return Leadership { is_leader: inner.is_leader.clone(), inner };
        }
        let (told, is_leader) = watch::channel(false);
        let (wanted, is_wanted) = watch::channel(());
        let campaign = Campaign::new(id, config.clone(), told, metrics);
        state.ending.push(spawn("election", id, campaign.run(is_wanted)));
        let gap = config.lease_duration + config.retry_period.mul_f64(1.0 + config::JITTER);
        let inner = Arc::new(Inner { is_leader: is_leader.clone(), gap, _wanted: wanted });
        state.running.insert(key, Arc::downgrade(&inner));
        Leadership { is_leader, inner }
    }

    /// Waits until the Leases that nobody here needs any more are given up, and no longer than `patience`.
    pub async fn released(&self, patience: Duration) {
        let ending = std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).ending);
        // Whoever does not end in time leaves a Lease that expires.
        let _ = timeout(patience, futures_util::future::join_all(ending)).await;
    }
}

impl Leadership {
    /// Returns once this process is the leader.
    pub async fn won(&self) {
        let mut told = self.is_leader.clone();
        if told.wait_for(|is_leader| *is_leader).await.is_err() {
            // The election ends with the process.
            std::future::pending::<()>().await;
        }
    }

    /// Returns once this process is not the leader, or not any more.
    pub async fn lost(&self) {
        let _ = self.is_leader.clone().wait_for(|is_leader| !is_leader).await;
    }

    /// How long there may be no leader after one has died.
    pub fn gap(&self) -> Duration {
        self.inner.gap
    }

    pub fn is_won(&self) -> bool {
        *self.is_leader.borrow()
    }
}
