//! The scan tries patterns at each byte where they can start: cheap for those that can start at few.
//!
//! Numbers, addresses and keys begin with a digit or with fixed letters, often behind a word boundary. At each byte that
//! may be such a beginning an anchored automaton of all these patterns runs until it dies, which in most places is at
//! once; those patterns that it saw match then say where they end. Starts are tried from left to right, so the first that
//! matches is the leftmost, and no automaton has to run backwards. A cell on which the attempts cost more than a few
//! times its length is given to the search, which is linear whatever comes.

mod automaton;

use std::sync::Arc;

use super::bytes::Bytes;
use super::search::MATCH;
use super::{MOST, Source};
use crate::allowance::Allowance;
use crate::batch::PatternMatch;
use crate::meter::Meter;
use automaton::{Automaton, Behind, Semantics};

/// Where a pattern may start at more of ordinary text than this, the search is better.
const SHARE: f64 = 0.15;

/// Steps of all automata together that a cell may cost, by its length and besides.
const STEPS: usize = 8;
const FREE: usize = 256;

/// The patterns that are tried byte by byte.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Bits of the patterns that are not scanned.
    left: u64,
    singles: Vec<Single>,
    /// The singles in groups, each small enough for one automaton.
    groups: Vec<Group>,
    /// By byte what it is for the next one.
    behind: [Behind; 256],
    /// Bytes at which any of the patterns starts.
    first: Bytes,
    /// Bytes of their shortest match.
    shortest: usize,
    /// Whether none of them starts right behind a letter, a digit or a `_`.
    apart: bool,
}

/// One pattern.
#[derive(Debug)]
struct Single {
    pattern: u32,
    automaton: Arc<Automaton>,
}

/// Some of the singles, one behind another.
#[derive(Debug)]
struct Group {
    first: usize,
    automaton: Arc<Automaton>,
}

impl Scanner {
    /// Patterns whose automata would not fit in `size` bytes together are left to the search. None where the meter ran
    /// out.
    pub(super) fn new(sources: &[Source<'_>], size: usize, meter: &mut dyn Meter) -> Option<Scanner> {
        let mut room = size;
        let mut scanner = Scanner {
            left: 0,
            singles: Vec::new(),
            groups: Vec::new(),
            behind: std::array::from_fn(|byte| Behind::of(byte as u8)),
            first: Bytes::of(&[]),
            shortest: usize::MAX,
            apart: false,
        };
        let mut firsts = Vec::new();
        let mut scanned = Vec::new();
        for (pattern, source) in (0u32..).zip(sources) {
            if meter.spent() {
                return None;
            }
            let shortest = source.hir.properties().minimum_len().unwrap_or(0);
            let one = || Automaton::of(&[source], Semantics::LeftmostFirst);
            let automaton = if shortest > 0 { one() } else { None };
            // The pattern takes part in one group, too.
            let left = automaton.as_ref().and_then(|automaton| room.checked_sub(2 * automaton.memory_usage()));
            match automaton.map(|automaton| (automaton.firsts(), automaton)).zip(left) {
                Some(((first, automaton), left)) if first.share() <= SHARE => {
                    room = left;
                    firsts.push(first);
                    scanner.shortest = scanner.shortest.min(shortest);
                    scanned.push(source);
                    scanner.singles.push(Single { pattern, automaton });
                }
                _ => scanner.left |= 1 << pattern,
            }
        }
        scanner.group(0, &scanned);
        scanner.first = Bytes::union(&firsts);
        scanner.apart = !scanner.groups.iter().any(|group| group.automaton.lives(Behind::Word));
        Some(scanner)
    }

    /// Adds the automaton of the singles from `first` on, or of their halves where it would be too large.
    fn group(&mut self, first: usize, sources: &[&Source<'_>]) {
        if sources.is_empty() {
            return;
        }
        match Automaton::of(sources, Semantics::All) {
            Some(automaton) => self.groups.push(Group { first, automaton }),
            None if sources.len() > 1 => {
                let half = sources.len() / 2;
                self.group(first, &sources[..half]);
                self.group(first + half, &sources[half..]);
            }
            None => self.left |= 1 << self.singles[first].pattern,
        }
    }

    /// One that leaves so many patterns to the search.
    #[cfg(test)]
    pub(super) fn leaving(self, patterns: usize) -> Scanner {
        Scanner { left: (1 << patterns) - 1, ..self }
    }

    /// Bytes that the automata take.
    pub(super) fn memory_usage(&self) -> usize {
        let groups = self.groups.iter().map(|group| &group.automaton);
        self.singles.iter().map(|single| &single.automaton).chain(groups).map(|one| one.memory_usage()).sum()
    }

    /// Appends the matches of the scanned patterns in the cell `start..end` of `buf`; returns the bits of the patterns
    /// that are left to the search.
    pub(super) fn scan(
        &self,
        buf: &[u8],
        (start, end): (usize, usize),
        index: u32,
        matches: &mut Vec<PatternMatch>,
        allowance: &mut Allowance<'_>,
    ) -> u64 {
        if self.groups.is_empty() || end - start < self.shortest {
            return self.left;
        }
        let before = matches.len();
        let cell = &buf[start..end];
        // Where each pattern's last match ended.
        let mut ends = [0; MOST];
        let mut steps = cell.len() * STEPS + FREE;
        // Behind that no match has room.
        let last = end - self.shortest;
        let done = self.first.each(buf, (start, last + 1), self.apart, |at| {
            let at = at - start;
            let behind = match at.checked_sub(1) {
                Some(previous) => self.behind[cell[previous] as usize],
                None => Behind::Start,
            };
            for group in &self.groups {
                let mut found = group.automaton.matching(cell, at, behind, &mut steps);
                while found != 0 {
                    let number = group.first + found.trailing_zeros() as usize;
                    found &= found - 1;
                    if (at as u32) < ends[number] {
                        continue;
                    }
                    let single = &self.singles[number];
                    if let Some(end) = single.automaton.longest(cell, at, behind, &mut steps) {
                        ends[number] = end as u32;
                        let (start, end) = (at as u32, end as u32);
                        allowance.take(MATCH);
                        if allowance.is_spent() {
                            return false;
                        }
                        matches.push(PatternMatch { index, pattern: single.pattern, start, end });
                    }
                }
            }
            steps > 0
        });
        if done {
            return self.left;
        }
        matches.truncate(before);
        self.singles.iter().fold(self.left, |left, single| left | 1 << single.pattern)
    }
}
