//! The store is what is known of pods and of what they belong to, by what they are looked up with.
//!
//! A pod is one record, and what plans make of it is encoded in it. An address is one pod's: that of the one that began last.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use host_kubernetes::Kind;
use tokio::time::Instant;

use super::view::{Encoded, View};

/// What is known of a pod.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) uid: Uid,
    pub(super) name: Box<str>,
    pub(super) namespace: Arc<str>,
    /// Empty before it has one.
    pub(super) node: Arc<str>,
    /// When it was begun, in seconds; less than all others as long as it was not.
    pub(super) started: i64,
    /// The UIDs of those that it belongs to.
    pub(super) owners: Box<[(Kind, Box<str>)]>,
    /// By slot of the plans.
    pub(super) views: Box<[View]>,
    pub(super) addresses: Box<[IpAddr]>,
    pub(super) keys: Box<[Key]>,
}

/// What a pod is found by besides its UID and its addresses.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) bytes: Box<[u8]>,
    /// Whether an address is a part of it, which is given up with that.
    pub(super) has_address: bool,
}

/// A UID in as little room as it takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Uid {
    Uuid([u8; 16]),
    Other(Box<str>),
}

impl Uid {
    pub(super) fn of(text: &str) -> Self {
        match uuid(text) {
            Some(bytes) => Uid::Uuid(bytes),
            None => Uid::Other(text.into()),
        }
    }
}

/// The number that a UUID is, where it is written as the server writes it.
fn uuid(text: &str) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let (mut bytes, mut digits) = ([0; 16], 0);
    for (at, byte) in text.bytes().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        let place: &mut u8 = bytes.get_mut(digits / 2)?;
        *place = *place << 4 | digit;
        digits += 1;
    }
    Some(bytes)
}

/// What is known of an object that is no pod.
#[derive(Debug, Default)]
pub(super) struct Thing {
    pub(super) uid: Box<str>,
    /// The UID of the Deployment or CronJob that controls it; empty where none does.
    pub(super) owner: Box<str>,
    /// By slot of the plans, each with the arrival of its member; empty where none has rules for it.
    pub(super) views: Box<[(u64, Encoded)]>,
}

/// What became of something that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Updated,
    /// There is no room for more.
    Full,
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Store {
    pods: HashMap<Uid, Place>,
    by_ip: HashMap<IpAddr, Arc<Entry>>,
    by_key: HashMap<Box<[u8]>, Arc<Entry>>,
    /// When pods that were deleted are forgotten.
    going: VecDeque<(Instant, Uid)>,
    things: [HashMap<Box<str>, (Thing, Listing)>; Kind::ALL.len()],
    /// The listing that goes on, by kind.
    listings: [Listing; Kind::ALL.len()],
}

/// A listing of all objects of a kind, by its number.
type Listing = u32;

#[derive(Debug)]
struct Place {
    entry: Arc<Entry>,
    listing: Listing,
    /// When it is forgotten, where it was deleted.
    going: Option<Instant>,
}

impl Store {
    /// All objects of a kind are told from now on.
    pub(super) fn begin(&mut self, kind: Kind) {
        let listing = &mut self.listings[kind as usize];
        *listing = listing.wrapping_add(1);
    }

    /// All were told: what was not among them is gone. How many those are.
    pub(super) fn end(&mut self, kind: Kind, forget_at: Instant) -> usize {
        let listing = self.listings[kind as usize];
        if kind != Kind::Pods {
            let things = &mut self.things[kind as usize];
            let before = things.len();
            things.retain(|_, (_, seen)| *seen == listing);
            return before - things.len();
        }
        let missing = |place: &Place| place.listing != listing && place.going.is_none();
        let gone: Vec<Uid> = self.pods.iter().filter(|(_, place)| missing(place)).map(|(uid, _)| uid.clone()).collect();
        gone.iter().for_each(|uid| self.delete(uid, forget_at));
        gone.len()
    }

    /// Takes a pod; the number of pods stays below `most`.
    pub(super) fn put(&mut self, entry: Entry, most: usize) -> Change {
        let uid = entry.uid.clone();
        let before = self.pods.get(&uid).map(|place| Arc::clone(&place.entry));
        if before.is_none() && self.pods.len() >= most {
            return Change::Full;
        }
        if let Some(before) = &before {
            self.take_back(before, |_| true);
        }
        let entry = Arc::new(entry);
        // One that is going gives its place to any that is there, whatever clocks say of when that began.
        let is_going = |there: &Arc<Entry>| self.pods.get(&there.uid).is_some_and(|place| place.going.is_some());
        let is_newer = |there: &Arc<Entry>| there.started > entry.started && !is_going(there);
        for address in &entry.addresses {
            if !self.by_ip.get(address).is_some_and(is_newer) {
                self.by_ip.insert(*address, Arc::clone(&entry));
            }
        }
        for key in &entry.keys {
            if !self.by_key.get(&key.bytes).is_some_and(is_newer) {
                self.by_key.insert(key.bytes.clone(), Arc::clone(&entry));
            }
        }
        let listing = self.listings[Kind::Pods as usize];
        self.pods.insert(uid, Place { entry, listing, going: None });
        if before.is_some() { Change::Updated } else { Change::Added }
    }

    /// A pod was deleted: what had its address has it no more, and by anything else it is found until it is forgotten.
    pub(super) fn delete(&mut self, uid: &Uid, forget_at: Instant) {
        let Some(place) = self.pods.get_mut(uid) else { return };
        place.going = Some(forget_at);
        let entry = Arc::clone(&place.entry);
        self.take_back(&entry, |key| key.has_address);
        // They are forgotten in this order, or a little later where grace was changed.
        self.going.push_back((forget_at, uid.clone()));
    }

    /// Takes the addresses of an entry out of the indices, and some of its keys, where they are still its own.
    fn take_back(&mut self, entry: &Arc<Entry>, which: impl Fn(&Key) -> bool) {
        let is_its = |there: Option<&Arc<Entry>>| there.is_some_and(|there| Arc::ptr_eq(there, entry));
        for address in &entry.addresses {
            if is_its(self.by_ip.get(address)) {
                self.by_ip.remove(address);
            }
        }
        for key in entry.keys.iter().filter(|key| which(key)) {
            if is_its(self.by_key.get(&key.bytes)) {
                self.by_key.remove(&key.bytes);
            }
        }
    }

    /// Forgets pods whose time has come.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((at, uid)) = self.going.pop_front_if(|(at, _)| *at <= now) {
            if self.pods.get(&uid).is_some_and(|place| place.going == Some(at))
                && let Some(place) = self.pods.remove(&uid)
            {
                self.take_back(&place.entry, |_| true);
            }
        }
    }

    /// Takes an object that is no pod: namespaces and nodes by name, all others by UID.
    pub(super) fn put_thing(&mut self, kind: Kind, key: &str, thing: Thing, most: usize) -> Change {
        let (listing, things) = (self.listings[kind as usize], &mut self.things[kind as usize]);
        if let Some(there) = things.get_mut(key) {
            *there = (thing, listing);
            return Change::Updated;
        }
        if things.len() >= most {
            return Change::Full;
        }
        things.insert(key.into(), (thing, listing));
        Change::Added
    }

    pub(super) fn remove_thing(&mut self, kind: Kind, key: &str) {
        self.things[kind as usize].remove(key);
    }

    /// Pods that are known, those that were deleted among them.
    pub(super) fn pods(&self) -> usize {
        self.pods.len()
    }

    pub(super) fn by_uid(&self, uid: &str) -> Option<&Arc<Entry>> {
        self.pods.get(&Uid::of(uid)).map(|place| &place.entry)
    }

    pub(super) fn by_ip(&self, ip: IpAddr) -> Option<&Arc<Entry>> {
        self.by_ip.get(&ip)
    }

    pub(super) fn by_key(&self, key: &[u8]) -> Option<&Arc<Entry>> {
        self.by_key.get(key)
    }

    pub(super) fn thing(&self, kind: Kind, key: &str) -> Option<&Thing> {
        self.things[kind as usize].get(key).map(|(thing, _)| thing)
    }
}
