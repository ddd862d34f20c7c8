//! The room is where data waits for pods that are not known yet: a pod's first data may be here before the API server has told.
//!
//! It takes so many bytes and no more, and nothing waits for longer than it may. Whoever comes behind data of the same sender
//! waits behind it. A sender that leaves takes its data along.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_telemetry::Gauge;
use tokio::sync::{Mutex as Line, OwnedMutexGuard};
use tokio::time::Instant;

/// So long somebody who was waited for in vain has to be silent to be waited for again.
const ESTRANGED: Duration = Duration::from_secs(60);
/// Of so many that is remembered.
const STRANGERS: usize = 4096;

/// Where data waits, in one pipeline.
pub(super) struct Room {
    limit: usize,
    bytes: Gauge,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: usize,
    /// As much of it as the gauge knows of.
    shown: i64,
    /// By what a sender is known by: who is at the front of the line has the lock.
    lines: HashMap<u64, Arc<Line<()>>>,
    strangers: HashMap<u64, Instant>,
}

/// A place in the room, which is given back when it is dropped.
pub(super) struct Place {
    room: Arc<Room>,
    bytes: usize,
    sender: u64,
    line: Arc<Line<()>>,
}

impl Room {
    pub(super) fn new(limit: usize, bytes: Gauge) -> Arc<Self> {
        Arc::new(Room { limit, bytes, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether data of one of these waits.
    pub(super) fn waiting(&self, senders: &[u64]) -> Option<u64> {
        let state = self.state();
        senders.iter().copied().find(|sender| state.lines.contains_key(sender))
    }

    /// Whether all of these were waited for in vain a while ago.
    pub(super) fn are_strangers(&self, unknown: &[u64]) -> bool {
        let (state, now) = (self.state(), Instant::now());
        let is_stranger = |who: &u64| state.strangers.get(who).is_some_and(|until| *until > now);
        unknown.iter().all(is_stranger)
    }

    /// Takes a place for so many bytes, behind whoever is there of this sender; none where there is no room.
    pub(super) fn enter(self: &Arc<Self>, sender: u64, bytes: usize) -> Option<Place> {
        let mut state = self.state();
        if bytes > self.limit.saturating_sub(state.bytes) {
            return None;
        }
        state.bytes += bytes;
        self.show(&mut state);
        let line = Arc::clone(state.lines.entry(sender).or_default());
        Some(Place { room: Arc::clone(self), bytes, sender, line })
    }

    /// These have been waited for in vain.
    pub(super) fn estrange(&self, unknown: &[u64]) {
        let (mut state, now) = (self.state(), Instant::now());
        if state.strangers.len() + unknown.len() > STRANGERS {
            state.strangers.retain(|_, until| *until > now);
        }
        for who in unknown {
            if state.strangers.len() < STRANGERS || state.strangers.contains_key(who) {
                state.strangers.insert(*who, now + ESTRANGED);
            }
        }
    }

    /// Tells how much waits. Each pipeline that names the processor adds its own.
    fn show(&self, state: &mut State) {
        let now = i64::try_from(state.bytes).unwrap_or(i64::MAX);
        let before = std::mem::replace(&mut state.shown, now);
        self.bytes.add(now - before);
    }
}

impl Place {
    /// Waits until all who came before have gone on.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.line).lock_owned().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.room.state();
        state.bytes -= self.bytes;
        self.room.show(&mut state);
        // This one, and that of the table: nobody else waits.
        let is_last = state.lines.get(&self.sender).is_some_and(|line| Arc::strong_count(line) <= 2);
        if is_last {
            state.lines.remove(&self.sender);
        }
    }
}
