//! The search finds the matches of one pattern in a cell, whatever the pattern, in linear time.
//!
//! Linear in the cell and in the pattern: a large pattern on a large cell takes minutes, and from the inside of `regex`
//! no meter can be asked. Such a search is [`watched`].

mod watched;

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::Hir;

use super::known::Known;
use super::{PatternError, Source};
use crate::allowance::Allowance;
use crate::batch::PatternMatch;
use crate::meter::Meter;
use watched::Watched;

/// Steps (bytes of the cell times states of the pattern) that a search may take unwatched: some 40 ms at the very worst.
const UNWATCHED: usize = 1 << 22;

/// Room that one match takes.
pub(super) const MATCH: usize = size_of::<PatternMatch>();

/// The compiled patterns of the process, by what is written.
static KNOWN: LazyLock<Known<Pattern>> = LazyLock::new(Known::new);

/// The patterns, compiled one by one.
#[derive(Debug)]
pub(super) struct Searcher {
    patterns: Vec<Arc<Pattern>>,
    unwatched: usize,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    watched: Watched,
    caches: Mutex<Idle>,
}

/// What searches write to: the caches of the patterns that were searched for, until they are put back.
#[derive(Debug)]
pub(crate) struct Scratch<'a> {
    searcher: &'a Searcher,
    /// By pattern; empty before the first search.
    caches: Vec<Option<Box<Caches>>>,
}

/// Caches that no search has at the moment; boxed, since they are large and go to a search and back.
type Idle = Vec<Box<Caches>>;

#[derive(Debug, Default)]
struct Caches {
    regex: Option<Cache>,
    watched: Option<watched::Cache>,
}

impl Caches {
    /// Bytes that they take.
    fn memory_usage(&self) -> usize {
        let regex = self.regex.as_ref().map_or(0, Cache::memory_usage);
        regex + self.watched.as_ref().map_or(0, watched::Cache::memory_usage)
    }
}

impl Scratch<'_> {
    fn of(&mut self, number: usize) -> &mut Caches {
        let patterns = &self.searcher.patterns;
        if self.caches.is_empty() {
            self.caches.resize_with(patterns.len(), || None);
        }
        self.caches[number].get_or_insert_with(|| patterns[number].caches().pop().unwrap_or_default())
    }

    /// Bytes that the caches take.
    pub(super) fn memory_usage(&self) -> usize {
        self.caches.iter().flatten().map(|caches| caches.memory_usage()).sum()
    }

    /// Leaves the caches to whoever searches next.
    pub(super) fn put_back(self) {
        for (pattern, caches) in self.searcher.patterns.iter().zip(self.caches) {
            pattern.caches().extend(caches);
        }
    }
}

impl Pattern {
    fn caches(&self) -> MutexGuard<'_, Idle> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes that it takes, without caches.
    fn memory_usage(&self) -> usize {
        self.regex.memory_usage() + self.watched.memory_usage()
    }

    /// Compiles one that may take `size` bytes.
    fn compile(hir: &Hir, index: usize, size: usize) -> Result<Pattern, PatternError> {
        let large = || PatternError::Large { index, limit: size };
        let config = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .nfa_size_limit(Some(size))
            .onepass(false)
            .which_captures(WhichCaptures::Implicit);
        let built = Regex::builder().configure(config).build_from_hir(hir);
        let regex = built.map_err(|error| match error.size_limit() {
            Some(_) => large(),
            None => PatternError::Syntax { index, message: error.to_string() },
        })?;
        let watched = Watched::new(hir, size).ok_or_else(large)?;
        Ok(Pattern { regex, watched, caches: Mutex::default() })
    }
}

impl Searcher {
    /// Compiles the patterns that are not known, all of which may take `size` bytes together.
    pub(super) fn new(sources: &[Source<'_>], size: usize, meter: &mut dyn Meter) -> Result<Searcher, PatternError> {
        let mut patterns = Vec::with_capacity(sources.len());
        let mut left = size;
        for (index, Source { text, hir }) in sources.iter().enumerate() {
            if meter.spent() {
                return Err(PatternError::Overrun);
            }
            let pattern = match KNOWN.get(text) {
                Some(known) => known,
                None => KNOWN.put(text, Pattern::compile(hir, index, size)?),
            };
            let took = left.checked_sub(pattern.memory_usage());
            left = took.ok_or(PatternError::Large { index, limit: size })?;
            patterns.push(pattern);
        }
        Ok(Searcher { patterns, unwatched: UNWATCHED })
    }

    /// Bytes that the compiled patterns take.
    pub(super) fn memory_usage(&self) -> usize {
        self.patterns.iter().map(|pattern| pattern.memory_usage()).sum()
    }

    /// How many of the patterns another one has, too.
    #[cfg(test)]
    pub(super) fn shared_with(&self, other: &Searcher) -> usize {
        let is_theirs = |pattern: &&Arc<Pattern>| other.patterns.iter().any(|theirs| Arc::ptr_eq(theirs, pattern));
        self.patterns.iter().filter(is_theirs).count()
    }

    /// How many caches wait for a search.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.patterns.iter().map(|pattern| pattern.caches().len()).sum()
    }

    /// The same, with each search watched.
    #[cfg(test)]
    pub(super) fn always_watched(self) -> Searcher {
        Searcher { unwatched: 0, ..self }
    }

    pub(super) fn scratch(&self) -> Scratch<'_> {
        Scratch { searcher: self, caches: Vec::new() }
    }

    /// Appends the matches of a pattern: leftmost-first, none overlapping the one before. Ends early when the allowance
    /// is spent.
    pub(super) fn find(
        &self,
        scratch: &mut Scratch<'_>,
        cell: &[u8],
        number: u32,
        index: u32,
        matches: &mut Vec<PatternMatch>,
        allowance: &mut Allowance<'_>,
    ) {
        let pattern = &self.patterns[number as usize];
        let caches = scratch.of(number as usize);
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
