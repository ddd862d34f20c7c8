//! The roll of all guests that there are, for those who want to know of them.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::guest::Guest;

#[derive(Default)]
pub(crate) struct Roll(Mutex<Vec<Weak<Guest>>>);

impl Roll {
    /// Takes a guest in; the one that runs at its place already, if there is one.
    pub(crate) fn enter(&self, guest: &Arc<Guest>) -> Weak<Guest> {
        let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guests.retain(|guest| guest.strong_count() > 0);
        let is_before = |other: &Guest| {
            (&other.id, &other.pipeline, &other.head) == (&guest.id, &guest.pipeline, &guest.head)
                && other.running().is_some()
        };
        let before = guests.iter().rev().find(|other| other.upgrade().is_some_and(|other| is_before(&other))).cloned();
        guests.push(Arc::downgrade(guest));
        before.unwrap_or_default()
    }

    /// Those that are still there.
    pub(crate) fn guests(&self) -> Vec<Arc<Guest>> {
        let guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guests.iter().filter_map(Weak::upgrade).collect()
    }
}
