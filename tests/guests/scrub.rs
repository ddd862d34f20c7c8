//! The scrubbing that all ways across do alike: four patterns over a text, each match replaced by a mask.

use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};

pub(crate) const PATTERNS: [&str; 4] = [
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"\b(?:\d{4}[- ]?){3}\d{4}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
];

pub(crate) const MASK: &str = "****";

/// The patterns, compiled.
pub(crate) struct Scrubber([Regex; 4]);

impl Scrubber {
    pub(crate) fn new() -> Self {
        // Without Unicode `\d` and `\b` are ASCII, as in the host.
        let compile = |pattern| RegexBuilder::new(pattern).unicode(false).build().expect("the patterns are valid");
        Scrubber(PATTERNS.map(compile))
    }

    /// What is to be masked, sorted and without overlap.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> =
            self.0.iter().flat_map(|pattern| pattern.find_iter(text).map(|found| found.range())).collect();
        merge(&mut found);
        found
    }
}

/// Sorts the ranges and joins those that overlap.
pub(crate) fn merge(found: &mut Vec<Range<usize>>) {
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, last| {
        let overlaps = next.start < last.end;
        if overlaps {
            last.end = last.end.max(next.end);
        }
        overlaps
    });
}
