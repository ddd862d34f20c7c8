//! The scrapers, each with its metrics. Names, units and what is there by default are those of the Collector's documentation.

pub(super) mod cpu;
pub(super) mod disk;
pub(super) mod filesystem;
pub(super) mod load;
pub(super) mod memory;
pub(super) mod network;
pub(super) mod paging;
pub(super) mod processes;
pub(super) mod system;

use std::path::Path;

use host_periodic::{Choices, Missed, Recorder};

use super::root::Root;

pub(super) trait Scraper: Send {
    /// Under which it stands in the configuration, and is counted.
    const NAME: &'static str;

    /// Which of its metrics are wanted.
    fn choices(&self) -> &Choices;

    /// Finds what there is now.
    fn scrape(&mut self, found: &mut Found<'_>);
}

/// What a scraper finds, and what it does not.
pub(super) struct Found<'a> {
    pub(super) root: &'a Root,
    pub(super) record: Recorder<'a>,
    pub(super) missed: Vec<Missed>,
}

impl Found<'_> {
    /// What a file says; where it cannot be read, so many points are missed.
    pub(super) fn read(&mut self, path: &Path, points: u64) -> Option<String> {
        self.keep(self.root.read(path, points))
    }

    /// A file of `/proc`.
    pub(super) fn proc(&mut self, name: &str, points: u64) -> Option<String> {
        self.read(&self.root.at(&format!("proc/{name}")), points)
    }

    /// What was made of a file of `/proc`; where that makes no sense, so many points are missed.
    pub(super) fn sense<T>(&mut self, name: &str, points: u64, made: Option<T>) -> Option<T> {
        let path = self.root.at(&format!("proc/{name}"));
        self.keep(made.ok_or_else(|| self.root.unreadable(&path, points)))
    }

    fn keep<T>(&mut self, found: Result<T, Missed>) -> Option<T> {
        found.map_err(|missed| self.missed.push(missed)).ok()
    }
}
