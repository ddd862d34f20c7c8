//! A watched search goes byte by byte and asks the meter on its way, so that it can be given up.

use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

use crate::allowance::Allowance;

/// States of a pattern that cost as much at one byte as the byte itself does elsewhere.
const STATES: usize = 32;

/// Two automata, whose states are made as they are needed: one finds where a match ends, one where it starts.
#[derive(Debug)]
pub(super) struct Watched {
    forward: DFA,
    reverse: DFA,
    /// Where a match can be empty, it is none within a character.
    can_be_empty: bool,
}

#[derive(Debug)]
pub(super) struct Cache {
    forward: dfa::Cache,
    reverse: dfa::Cache,
}

impl Cache {
    pub(super) fn memory_usage(&self) -> usize {
        self.forward.memory_usage() + self.reverse.memory_usage()
    }
}

/// The automata never give up: their caches are cleared as often as need be, and no byte is special to them, since word
/// boundaries are ASCII.
const NEVER: &str = "the automaton takes any byte";

impl Watched {
    /// None where the pattern would take more than `size` bytes.
    pub(super) fn new(hir: &Hir, size: usize) -> Option<Watched> {
        let nfa = |reverse| {
            let config =
                thompson::Config::new().reverse(reverse).nfa_size_limit(Some(size)).which_captures(WhichCaptures::None);
            thompson::Compiler::new().configure(config).build_from_hir(hir).ok()
        };
        let dfa = |nfa: NFA, kind| {
            let config = DFA::config().match_kind(kind).skip_cache_capacity_check(true);
            DFA::builder().configure(config).build_from_nfa(nfa).ok()
        };
        let forward = nfa(false)?;
        let can_be_empty = forward.has_empty();
        Some(Watched {
            forward: dfa(forward, MatchKind::LeftmostFirst)?,
            reverse: dfa(nfa(true)?, MatchKind::All)?,
            can_be_empty,
        })
    }

    pub(super) fn cache(&self) -> Cache {
        Cache { forward: self.forward.create_cache(), reverse: self.reverse.create_cache() }
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.forward.memory_usage() + self.reverse.memory_usage()
    }

    /// How many states the pattern has: what one byte may cost.
    pub(super) fn states(&self) -> usize {
        self.forward.get_nfa().states().len()
    }

    /// The leftmost-first match in `cell` from `from` on; none, too, when the allowance is spent.
    pub(super) fn find(
        &self,
        cache: &mut Cache,
        cell: &[u8],
        mut from: usize,
        allowance: &mut Allowance<'_>,
    ) -> Option<(usize, usize)> {
        loop {
            let end = self.end(&mut cache.forward, cell, from, allowance)?;
            if self.can_be_empty && cell.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
                from += 1;
                continue;
            }
            return self.start(&mut cache.reverse, cell, from, end, allowance).map(|start| (start, end));
        }
    }

    /// Where the match ends.
    fn end(&self, cache: &mut dfa::Cache, cell: &[u8], from: usize, allowance: &mut Allowance<'_>) -> Option<usize> {
        let cost = 1 + self.states() / STATES;
        let mut end = None;
        let mut state = self.forward.start_state_forward(cache, &Input::new(cell).range(from..)).expect(NEVER);
        for (at, &byte) in cell.iter().enumerate().skip(from) {
            state = self.forward.next_state(cache, state, byte).expect(NEVER);
            if state.is_match() {
                // A state tells of a match one byte late.
                end = Some(at);
            } else if state.is_dead() {
                return end;
            }
            allowance.charge(cost);
            if allowance.is_spent() {
                return None;
            }
        }
        let last = self.forward.next_eoi_state(cache, state).expect(NEVER);
        if last.is_match() { Some(cell.len()) } else { end }
    }

    /// Where the match starts that ends at `end`, as far from it as can be.
    fn start(
        &self,
        cache: &mut dfa::Cache,
        cell: &[u8],
        from: usize,
        end: usize,
        allowance: &mut Allowance<'_>,
    ) -> Option<usize> {
        let cost = 1 + self.states() / STATES;
        let input = Input::new(cell).range(from..end).anchored(Anchored::Yes);
        let mut start = None;
        let mut state = self.reverse.start_state_reverse(cache, &input).expect(NEVER);
        for at in (from..end).rev() {
            state = self.reverse.next_state(cache, state, cell[at]).expect(NEVER);
            if state.is_match() {
                start = Some(at + 1);
            } else if state.is_dead() {
                return start;
            }
            allowance.charge(cost);
            if allowance.is_spent() {
                return None;
            }
        }
        let last = match from.checked_sub(1) {
            Some(before) => self.reverse.next_state(cache, state, cell[before]),
            None => self.reverse.next_eoi_state(cache, state),
        };
        if last.expect(NEVER).is_match() { Some(from) } else { start }
    }
}
