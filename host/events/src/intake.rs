//! What the API server has told and the pipeline has not taken yet: in the order of resource versions, and bounded.
//!
//! Where there is more than may wait, the latest are let go of, and asked for again when those before them were taken: the
//! server still has them.

use std::collections::BTreeMap;

use host_kubernetes::Seen;
use k8s_openapi::api::core::v1::Event;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message as _;

use crate::progress::Progress;
use crate::record;

/// Events that may wait, and what they may take.
pub(crate) const MOST: usize = 10_000;
pub(crate) const MOST_BYTES: usize = 16 << 20;
/// What is handed on at a time.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 1 << 20;

#[derive(Default)]
pub(crate) struct Intake {
    pub(crate) progress: Progress,
    /// By their versions.
    waiting: BTreeMap<u64, Waiting>,
    bytes: usize,
    /// Whether a list is being told, which has no order: nothing is handed on before it is whole.
    is_listing: bool,
    /// Those that came with the list.
    listed: Vec<u64>,
    /// From this version on they were let go of.
    cut: Option<u64>,
    /// Events that a list had and that are from before the time from which on they are told.
    pub(crate) skipped: u64,
    /// Whether the server has counted from anew, since that was asked last.
    pub(crate) is_reset: bool,
}

struct Waiting {
    bytes: usize,
    event: ResourceLogs,
}

/// What is handed on at a time, and the version up to which all was told when it is taken.
pub(crate) struct Batch {
    pub(crate) events: Vec<ResourceLogs>,
    pub(crate) last: u64,
}

impl Intake {
    pub(crate) fn new(progress: Progress) -> Self {
        Intake { progress, ..Intake::default() }
    }

    pub(crate) fn see(&mut self, seen: Seen<Event>, now: u64) {
        match seen {
            Seen::Begin => {
                self.is_listing = true;
                self.listed.clear();
                self.cut = None;
            }
            Seen::All => self.is_listing = false,
            // What goes was told when it came.
            Seen::Gone(_) => {}
            Seen::There(event) => self.take(&event, now),
        }
    }

    fn take(&mut self, event: &Event, now: u64) {
        let Some(version) = version(event) else { return };
        if self.progress.version.is_some_and(|told| version <= told) {
            if self.is_listing {
                return;
            }
            // What happens now is later than all that was told: the server is another, or has what it had long ago.
            self.is_reset = true;
            self.progress.version = None;
        }
        let is_from_before = || record::time(event).is_some_and(|time| time < self.progress.since);
        if self.is_listing && is_from_before() {
            self.skipped += 1;
            return;
        }
        if self.cut.is_some_and(|cut| version >= cut) {
            return;
        }
        let event = record::of(event, now);
        let bytes = event.encoded_len();
        self.bytes += bytes;
        match self.waiting.insert(version, Waiting { bytes, event }) {
            Some(before) => self.bytes -= before.bytes,
            None if self.is_listing => self.listed.push(version),
            None => {}
        }
        while (self.waiting.len() > MOST || self.bytes > MOST_BYTES) && self.waiting.len() > 1 {
            let Some((version, latest)) = self.waiting.pop_last() else { break };
            self.bytes -= latest.bytes;
            self.cut = Some(version);
        }
    }

    /// What is to be handed on next; it waits until it is said to be [taken](Intake::taken).
    pub(crate) fn next(&self) -> Option<Batch> {
        if self.is_listing {
            return None;
        }
        let (mut batch, mut bytes) = (Batch { events: Vec::new(), last: 0 }, 0);
        for (version, waiting) in self.waiting.iter().take(BATCH) {
            bytes += waiting.bytes;
            if bytes > BATCH_BYTES && !batch.events.is_empty() {
                break;
            }
            batch.events.push(waiting.event.clone());
            batch.last = *version;
        }
        (!batch.events.is_empty()).then_some(batch)
    }

    /// All up to this version is where it has to be.
    pub(crate) fn taken(&mut self, last: u64) {
        let rest = self.waiting.split_off(&(last + 1));
        self.waiting = rest;
        self.bytes = self.waiting.values().map(|waiting| waiting.bytes).sum();
        self.progress.version = Some(last);
    }

    /// Whether all that waited was taken, and the server has more, which was let go of.
    pub(crate) fn wants_more(&self) -> bool {
        self.cut.is_some() && self.waiting.is_empty() && !self.is_listing
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Nothing more is told. A list that is not whole comes again: what it has told stands before things that it has not.
    pub(crate) fn broken_off(&mut self) {
        if std::mem::take(&mut self.is_listing) {
            for version in self.listed.drain(..) {
                let removed = self.waiting.remove(&version);
                self.bytes -= removed.map_or(0, |waiting| waiting.bytes);
            }
        }
    }
}

/// Versions are numbers that rise with each change of anything that the server has (KEP-5504; before it in all that store in etcd).
fn version(event: &Event) -> Option<u64> {
    event.metadata.resource_version.as_ref()?.parse().ok()
}
