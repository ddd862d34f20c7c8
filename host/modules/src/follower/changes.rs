//! What the watch has heard and nobody has looked at yet: of each head the last of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use host_kubernetes::Seen;
use host_kubernetes::objects::Object;
use tokio::sync::Notify;

use crate::objects::MODULE;

/// The versions of heads are what tells a change from a list that is told again.
#[derive(Default)]
pub(crate) struct Changes {
    heard: Mutex<Heard>,
    came: Notify,
}

/// What the metadata of a head says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) module: String,
    /// When it was made, as the API server writes it: in the order of time it is in that of text, too.
    pub(crate) created: String,
}

#[derive(Default)]
struct Heard {
    versions: BTreeMap<String, String>,
    changed: BTreeMap<String, Told>,
    gone: BTreeSet<String>,
    /// All that there are, where a list was told to its end since somebody looked.
    all: Option<BTreeSet<String>>,
    listing: BTreeSet<String>,
}

impl Changes {
    /// Hears of one; gives whether all are known now.
    pub(crate) fn tell(&self, seen: Seen<Object>) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = &mut *heard;
        let is_all = matches!(seen, Seen::All);
        match seen {
            Seen::Begin => heard.listing.clear(),
            Seen::There(object) => {
                let metadata = object.metadata;
                let module = metadata.labels.get(MODULE).cloned().unwrap_or_default();
                let created = metadata.creation_timestamp.unwrap_or_default();
                let (name, version) = (metadata.name, metadata.resource_version.unwrap_or_default());
                heard.gone.remove(&name);
                heard.listing.insert(name.clone());
                if heard.versions.insert(name.clone(), version.clone()).as_ref() != Some(&version) {
                    heard.changed.insert(name, Told { module, created });
                }
            }
            Seen::Gone(object) => {
                let name = object.metadata.name;
                heard.versions.remove(&name);
                heard.changed.remove(&name);
                heard.gone.insert(name);
            }
            Seen::All => {
                let listing = &heard.listing;
                heard.versions.retain(|name, _| listing.contains(name));
                heard.changed.retain(|name, _| listing.contains(name));
                heard.all = Some(listing.clone());
            }
        }
        self.came.notify_one();
        is_all
    }

    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }

    /// The heads that have changed; and those that are gone, or all that are there.
    pub(crate) fn take(&self) -> (BTreeMap<String, Told>, Result<BTreeSet<String>, BTreeSet<String>>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let (changed, gone) = (std::mem::take(&mut heard.changed), std::mem::take(&mut heard.gone));
        let there = heard.all.take().map(|_| heard.versions.keys().cloned().collect());
        (changed, there.map_or(Ok(gone), Err))
    }
}
