//! The search finds the matches of one pattern in a cell, whatever the pattern, in linear time.

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::Hir;

use super::PatternError;
use crate::batch::PatternMatch;

/// The patterns, compiled one by one.
#[derive(Debug)]
pub(super) struct Searcher {
    regexes: Vec<Regex>,
}

#[derive(Debug)]
pub(super) struct Scratch {
    /// By pattern; made when it is first searched for.
    caches: Vec<Option<Cache>>,
}

impl Searcher {
    pub(super) fn new(hirs: &[Hir], size: usize) -> Result<Searcher, PatternError> {
        let config = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .nfa_size_limit(Some(size))
            .onepass(false)
            .which_captures(WhichCaptures::Implicit);
        let mut regexes = Vec::with_capacity(hirs.len());
        let mut left = size;
        for (index, hir) in hirs.iter().enumerate() {
            let built = Regex::builder().configure(config.clone()).build_from_hir(hir);
            let regex = built.map_err(|error| match error.size_limit() {
                Some(_) => PatternError::Large { index, limit: size },
                None => PatternError::Syntax { index, message: error.to_string() },
            })?;
            let large = PatternError::Large { index, limit: size };
            left = left.checked_sub(regex.memory_usage()).ok_or(large)?;
            regexes.push(regex);
        }
        Ok(Searcher { regexes })
    }

    pub(super) fn scratch(&self) -> Scratch {
        Scratch { caches: self.regexes.iter().map(|_| None).collect() }
    }

    /// Appends the matches of a pattern: leftmost-first, none overlapping the one before.
    pub(super) fn find(
        &self,
        scratch: &mut Scratch,
        cell: &[u8],
        pattern: u32,
        index: u32,
        matches: &mut Vec<PatternMatch>,
    ) {
        let regex = &self.regexes[pattern as usize];
        let cache = scratch.caches[pattern as usize].get_or_insert_with(|| regex.create_cache());
        let mut input = Input::new(cell);
        let mut last = None;
        while let Some(hit) = regex.search_with(cache, &input) {
            let (start, end) = (hit.start(), hit.end());
            // An empty match right behind the last one is none.
            if start == end && last == Some(end) {
                if end >= cell.len() {
                    return;
                }
                input.set_start(end + 1);
                last = None;
                continue;
            }
            matches.push(PatternMatch { index, pattern, start: start as u32, end: end as u32 });
            last = Some(end);
            input.set_start(end);
        }
    }
}
