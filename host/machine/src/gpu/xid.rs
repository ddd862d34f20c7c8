//! The last error (XID) that the driver has told of each card. It tells them as events, to whoever listens meanwhile: so a
//! thread listens for as long as the library is loaded, and looks once a second without waiting inside the library.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::{EventSet, Nvml};

use super::receiver::CARDS;

const PAUSE: Duration = Duration::from_secs(1);
/// Events of a card that are taken at a time; the library keeps the rest.
const AT_ONCE: usize = 64;
/// What the library says of an error that it does not know.
const UNKNOWN: u64 = 999;

/// The last error of each card that is listened to, by its UUID; 0 while there was none. It outlives the library: an error may
/// be why that had to be let go of.
#[derive(Clone, Default)]
pub(super) struct Last(Arc<Mutex<BTreeMap<String, u64>>>);

impl Last {
    pub(super) fn of(&self, uuid: &str) -> Option<u64> {
        self.all().get(uuid).copied()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens until it is dropped.
pub(super) struct Listener {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// # Errors
    /// Where there is no thread to be had.
    pub(super) fn start(nvml: Arc<Nvml>, last: Last) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let is_told = Arc::clone(&is_over);
        let work = move || listen(&nvml, &last, &is_told);
        let thread = thread::Builder::new().name("gpu-events".to_owned()).spawn(work)?;
        Ok(Listener { is_over, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It has panicked, or it is over.
            let _ = thread.join();
        }
    }
}

fn listen(nvml: &Nvml, last: &Last, is_over: &AtomicBool) {
    let sets: Vec<(String, EventSet<'_>)> = (0..nvml.device_count().unwrap_or(0).min(CARDS))
        .filter_map(|index| {
            let device = nvml.device_by_index(index).ok()?;
            // A set that a card cannot be added to is lost: each card has its own.
            let set = device.register_events(EventTypes::CRITICAL_XID_ERROR, nvml.create_event_set().ok()?).ok()?;
            Some((device.uuid().ok()?, set))
        })
        .collect();
    for (uuid, _) in &sets {
        last.all().entry(uuid.clone()).or_insert(0);
    }
    while !sets.is_empty() && !is_over.load(Ordering::Relaxed) {
        for (uuid, set) in &sets {
            let events = std::iter::from_fn(|| set.wait(0).ok()).take(AT_ONCE);
            let xid = events.filter_map(|event| event.event_data).last();
            if let Some(xid) = xid {
                let xid = match xid {
                    XidError::Value(xid) => xid,
                    XidError::Unknown => UNKNOWN,
                };
                tracing::warn!(uuid, xid, "the driver tells of an error of a GPU (XID); see the log of the kernel");
                last.all().insert(uuid.clone(), xid);
            }
        }
        thread::park_timeout(PAUSE);
    }
}
