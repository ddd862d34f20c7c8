//! The search finds the matches of one pattern in a cell, whatever the pattern, in linear time.
//!
//! Linear in the cell and in the pattern: a large pattern on a large cell takes minutes, and from the inside of `regex`
//! no meter can be asked. Such a search is [`watched`].

mod watched;

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::Hir;

use super::PatternError;
use crate::allowance::Allowance;
use crate::batch::PatternMatch;
use crate::meter::Meter;
use watched::Watched;

/// Steps (bytes of the cell times states of the pattern) that a search may take unwatched: some 40 ms at the very worst.
const UNWATCHED: usize = 1 << 22;

/// Room that one match takes.
pub(super) const MATCH: usize = size_of::<PatternMatch>();

/// The patterns, compiled one by one.
#[derive(Debug)]
pub(super) struct Searcher {
    patterns: Vec<Pattern>,
    unwatched: usize,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    watched: Watched,
}

#[derive(Debug)]
pub(super) struct Scratch {
    /// By pattern; made when it is first searched for.
    caches: Vec<Caches>,
}

#[derive(Clone, Debug, Default)]
struct Caches {
    regex: Option<Cache>,
    watched: Option<watched::Cache>,
}

impl Scratch {
    /// Bytes that the caches take.
    pub(super) fn memory_usage(&self) -> usize {
        let regexes = self.caches.iter().filter_map(|caches| caches.regex.as_ref()).map(Cache::memory_usage);
        let watched = self.caches.iter().filter_map(|caches| caches.watched.as_ref()).map(watched::Cache::memory_usage);
        regexes.chain(watched).sum()
    }
}

impl Searcher {
    /// Compiles the patterns, which may take `size` bytes together.
    pub(super) fn new(hirs: &[Hir], size: usize, meter: &mut dyn Meter) -> Result<Searcher, PatternError> {
        let config = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .nfa_size_limit(Some(size))
            .onepass(false)
            .which_captures(WhichCaptures::Implicit);
        let mut patterns = Vec::with_capacity(hirs.len());
        let mut left = size;
        for (index, hir) in hirs.iter().enumerate() {
            if meter.spent() {
                return Err(PatternError::Overrun);
            }
            let large = || PatternError::Large { index, limit: size };
            let built = Regex::builder().configure(config.clone()).build_from_hir(hir);
            let regex = built.map_err(|error| match error.size_limit() {
                Some(_) => large(),
                None => PatternError::Syntax { index, message: error.to_string() },
            })?;
            let watched = Watched::new(hir, size).ok_or_else(large)?;
            left = left.checked_sub(regex.memory_usage() + watched.memory_usage()).ok_or_else(large)?;
            patterns.push(Pattern { regex, watched });
        }
        Ok(Searcher { patterns, unwatched: UNWATCHED })
    }

    /// Bytes that the compiled patterns take.
    pub(super) fn memory_usage(&self) -> usize {
        self.patterns.iter().map(|pattern| pattern.regex.memory_usage() + pattern.watched.memory_usage()).sum()
    }

    /// The same, with each search watched.
    #[cfg(test)]
    pub(super) fn always_watched(self) -> Searcher {
        Searcher { unwatched: 0, ..self }
    }

    pub(super) fn scratch(&self) -> Scratch {
        Scratch { caches: vec![Caches::default(); self.patterns.len()] }
    }

    /// Appends the matches of a pattern: leftmost-first, none overlapping the one before. Ends early when the allowance
    /// is spent.
    pub(super) fn find(
        &self,
        scratch: &mut Scratch,
        cell: &[u8],
        number: u32,
        index: u32,
        matches: &mut Vec<PatternMatch>,
        allowance: &mut Allowance<'_>,
    ) {
        let pattern = &self.patterns[number as usize];
        let caches = &mut scratch.caches[number as usize];
        let mut from = 0;
        let mut last = None;
        while !allowance.is_spent() {
            // Each search may look at all that is left, however near its match is.
            let left = cell.len() - from;
            allowance.charge(left);
            let found = match left.saturating_mul(pattern.watched.states()) <= self.unwatched {
                true => {
                    let cache = caches.regex.get_or_insert_with(|| pattern.regex.create_cache());
                    let hit = pattern.regex.search_with(cache, &Input::new(cell).range(from..));
                    hit.map(|hit| (hit.start(), hit.end()))
                }
                false => {
                    let cache = caches.watched.get_or_insert_with(|| pattern.watched.cache());
                    pattern.watched.find(cache, cell, from, allowance)
                }
            };
            let Some((start, end)) = found else { return };
            // An empty match right behind the last one is none.
            if start == end && last == Some(end) {
                if end >= cell.len() {
                    return;
                }
                from = end + 1;
                last = None;
                continue;
            }
            allowance.take(MATCH);
            matches.push(PatternMatch { index, pattern: number, start: start as u32, end: end as u32 });
            last = Some(end);
            from = end;
        }
    }
}
