//! What is known of a cluster: of each object what is told of it, by the kind and the namespace that it is followed for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use host_kubernetes::Seen;

use crate::fact::{Plan, Told};
use crate::objects::Tell;

/// The objects of one kind, of one namespace or of all.
#[derive(Default)]
pub(crate) struct Table {
    /// By their UIDs.
    objects: HashMap<Arc<str>, Vec<Told>>,
    /// Those that a list has told so far.
    listed: HashSet<Arc<str>>,
    is_listed: bool,
}

impl Table {
    /// Takes what is told of an object. Returns whether that was the end of a list.
    pub(crate) fn see<K: Tell>(&mut self, seen: &Seen<K>, plan: &Plan) -> bool {
        match seen {
            Seen::Begin => self.listed.clear(),
            Seen::There(object) => {
                let Some(uid) = object.metadata().uid.as_deref() else { return false };
                let uid: Arc<str> = uid.into();
                self.listed.insert(Arc::clone(&uid));
                self.objects.insert(uid, object.tell(plan));
            }
            Seen::Gone(object) => {
                if let Some(uid) = object.metadata().uid.as_deref() {
                    self.objects.remove(uid);
                }
            }
            Seen::All => {
                let listed = std::mem::take(&mut self.listed);
                self.objects.retain(|uid, _| listed.contains(uid));
                self.is_listed = true;
                return true;
            }
        }
        false
    }

    /// What is told; nothing before all are known.
    pub(crate) fn told(&self) -> impl Iterator<Item = &Told> {
        self.objects.values().filter(|_| self.is_listed).flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }
}
