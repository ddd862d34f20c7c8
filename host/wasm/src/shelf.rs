//! The shelf has the modules that come from somewhere else than a file: whoever brings one puts it there, each processor of its
//! name takes it up, and says what has become of it.
//!
//! A module may be there several times, under several heads and for several clusters.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_manifest::{Closeness, ClusterPattern, Digest, Fields};
use tokio::sync::watch;

use crate::meeting::{Meeting, Present, Say, Standing, Verdict};

/// One revision of a module, as it was pushed under a head. Its component lies in a file, and is read when it is loaded.
#[derive(Debug)]
pub struct Pushed {
    pub head: String,
    pub module: String,
    pub revision: u64,
    pub digest: Digest,
    pub component: PathBuf,
    /// Canonical JSON.
    pub config: String,
    /// What it was pushed with: it gets no more than that, whatever the host grants.
    pub grants: Fields,
    /// For which clusters it is.
    pub clusters: Vec<ClusterPattern>,
    /// Whether it was live before on this host: what it is for is for nothing else, even where it cannot be loaded.
    pub is_good: bool,
    /// Why it is not to run any more; what it is for is for nothing else all the same.
    pub withheld: Option<String>,
}

/// What was pushed, and what has become of it.
#[derive(Debug)]
pub struct Edition {
    pushed: Pushed,
    meeting: Meeting,
}

impl Deref for Edition {
    type Target = Pushed;

    fn deref(&self) -> &Pushed {
        &self.pushed
    }
}

impl Edition {
    pub fn new(pushed: Pushed) -> Edition {
        let meeting = Meeting::new(pushed.is_good);
        Edition { pushed, meeting }
    }

    /// What the processors of its module have come to about it.
    pub(crate) fn verdict(&self) -> Verdict {
        self.meeting.verdict()
    }

    /// Hears of the verdict when that changes.
    pub(crate) fn hear(&self) -> watch::Receiver<Verdict> {
        self.meeting.hear()
    }

    /// Whether it came into force once, here or on this host before.
    pub(crate) fn is_in_force(&self) -> bool {
        self.verdict() == Verdict::Agreed
    }

    /// How close it is to a cluster; none where it is not for it.
    pub(crate) fn closeness_to(&self, cluster: &str) -> Option<Closeness> {
        let matching = self.clusters.iter().filter(|pattern| pattern.matches(cluster));
        matching.map(ClusterPattern::closeness).max()
    }
}

/// What is there of a module, by heads.
type Heads = BTreeMap<String, Place>;

#[derive(Debug)]
struct Place {
    edition: Arc<Edition>,
    /// What was in force last.
    live: Option<Arc<Edition>>,
}

/// All that changes together.
#[derive(Debug, Default)]
struct Content {
    editions: BTreeMap<String, Heads>,
    /// The processors that there are, by the module that they are of.
    present: BTreeMap<String, Present>,
    /// Seats that were ever taken.
    seats: u64,
}

/// Where editions are put and taken from, by the name of their module.
#[derive(Debug)]
pub struct Shelf {
    content: Mutex<Content>,
    wanted: watch::Sender<BTreeSet<String>>,
    /// Told of whenever something was put or cleared.
    changes: watch::Sender<()>,
}

impl Place {
    fn live(self) -> Option<Arc<Edition>> {
        let Place { edition, live } = self;
        Some(edition).filter(|edition| edition.is_in_force()).or(live)
    }
}

impl Default for Shelf {
    fn default() -> Self {
        let (wanted, changes) = (watch::Sender::new(BTreeSet::new()), watch::Sender::new(()));
        Shelf { content: Mutex::default(), wanted, changes }
    }
}

impl Shelf {
    /// Puts an edition in the place of the one before it under the same head. One that was not in force by then does not
    /// come into force any more.
    pub fn put(&self, edition: Arc<Edition>) {
        {
            let mut content = self.content();
            let heads = content.editions.entry(edition.module.clone()).or_default();
            let before = heads.remove(&edition.head);
            before.iter().for_each(|place| place.edition.meeting.supersede());
            let live = before.and_then(Place::live);
            heads.insert(edition.head.clone(), Place { edition, live });
        }
        self.changes.send_replace(());
    }

    /// There is nothing under this head of the module any more: whatever runs it stops.
    pub fn clear(&self, edition: &Edition) {
        if let Some(heads) = self.content().editions.get_mut(&edition.module)
            && let Some(place) = heads.remove(&edition.head)
        {
            place.edition.meeting.supersede();
        }
        self.changes.send_replace(());
    }

    pub(crate) fn get(&self, module: &str, head: &str) -> Option<Arc<Edition>> {
        Some(Arc::clone(&self.content().editions.get(module)?.get(head)?.edition))
    }

    /// What is in force under a head, or was last.
    pub(crate) fn live(&self, module: &str, head: &str) -> Option<Arc<Edition>> {
        let content = self.content();
        let Place { edition, live } = content.editions.get(module)?.get(head)?;
        Some(Arc::clone(edition)).filter(|edition| edition.is_in_force()).or_else(|| live.clone())
    }

    /// Under which heads the module is there.
    pub(crate) fn heads(&self, module: &str) -> BTreeSet<String> {
        self.content().editions.get(module).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Wakes whoever waits for something to be put or cleared.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The modules that processors are of, as they come to be wanted.
    pub fn wanted(&self) -> watch::Receiver<BTreeSet<String>> {
        self.wanted.subscribe()
    }

    pub(crate) fn want(&self, module: &str) {
        self.wanted.send_if_modified(|wanted| wanted.insert(module.to_owned()));
    }

    /// How many processors there are of a module.
    pub fn processors_of(&self, module: &str) -> usize {
        self.content().present.get(module).map_or(0, BTreeMap::len)
    }

    /// How an edition stands with all processors together that there are of its module: the worst of it, and none while
    /// one of them has not come to an end with it.
    pub fn standing(&self, edition: &Edition) -> Option<Standing> {
        edition.meeting.standing(self.content().of(&edition.module))
    }

    /// Whether a processor runs an edition.
    pub fn runs(&self, edition: &Edition) -> bool {
        edition.meeting.runs(self.content().of(&edition.module))
    }

    /// A processor of this module is there from now on, until it gives up its seat.
    pub(crate) fn seat(self: &Arc<Self>, module: &str, name: String) -> Seat {
        let mut content = self.content();
        content.seats += 1;
        let member = Member { shelf: Arc::clone(self), number: content.seats };
        content.present.entry(module.to_owned()).or_default().insert(member.number, name);
        Seat { member, module: module.to_owned() }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn of(&self, module: &str) -> &Present {
        static NOBODY: Present = Present::new();
        self.present.get(module).unwrap_or(&NOBODY)
    }
}

/// A processor is there, and waited for, as long as it has this.
#[derive(Debug)]
pub(crate) struct Seat {
    member: Member,
    module: String,
}

/// Who has a seat, and has a say by that.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    shelf: Arc<Shelf>,
    number: u64,
}

impl Seat {
    pub(crate) fn member(&self) -> &Member {
        &self.member
    }
}

impl Drop for Seat {
    /// Nobody waits for it any more, and what it was against may come into force.
    fn drop(&mut self) {
        let mut content = self.member.shelf.content();
        if let Some(present) = content.present.get_mut(&self.module) {
            present.remove(&self.member.number);
            if present.is_empty() {
                content.present.remove(&self.module);
            }
        }
        let present = content.of(&self.module);
        for place in content.editions.get(&self.module).into_iter().flat_map(BTreeMap::values) {
            place.edition.meeting.review(present);
        }
    }
}

impl Member {
    pub(crate) fn say(&self, edition: &Edition, said: Say) {
        edition.meeting.say(self.shelf.content().of(&edition.module), self.number, said);
    }

    /// Waits no longer for those who have not said anything about an edition.
    pub(crate) fn tire_of(&self, edition: &Edition, patience: Duration) {
        let reason = format!("it is not ready after {patience:?}, in which others of the module have waited for it");
        edition.meeting.close(self.shelf.content().of(&edition.module), &reason);
    }
}

#[cfg(test)]
mod tests;
