//! An automaton over bytes, anchored where it starts, as one table.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton as _, StartKind};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::super::Source;
use super::super::bytes::Bytes;
use super::super::known::Known;

/// Bytes that an automaton may take while it is made, and states that it may have.
const SIZE: usize = 1 << 18;
const STATES: usize = 1 << 12;

/// What an automaton's start depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Nothing: the cell starts here.
    Start,
    Other,
    Word,
    LineFeed,
    CarriageReturn,
}

/// A byte of each kind.
const BEHIND: [Option<u8>; 5] = [None, Some(b' '), Some(b'a'), Some(b'\n'), Some(b'\r')];

/// Which matches an automaton tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semantics {
    /// The one that the pattern prefers.
    LeftmostFirst,
    /// All of all patterns.
    All,
}

/// The automata of the process, by what they are of.
static KNOWN: LazyLock<Known<Automaton>> = LazyLock::new(Known::new);

/// States are numbered so that 0 is dead and those that tell of a match come next.
#[derive(Debug)]
pub(super) struct Automaton {
    classes: [u8; 256],
    /// Log of the length of a row.
    stride: u32,
    /// By state and class.
    table: Vec<u16>,
    start: [u16; BEHIND.len()],
    /// The last state that tells of a match.
    last_match: u16,
    /// By state: bits of the patterns of whose match it tells.
    matched: Vec<u64>,
    /// By state: the same at the end of the cell.
    at_end: Vec<u64>,
}

impl Behind {
    pub(super) fn of(byte: u8) -> Behind {
        match byte {
            b'\n' => Behind::LineFeed,
            b'\r' => Behind::CarriageReturn,
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Behind::Word,
            _ => Behind::Other,
        }
    }
}

impl Automaton {
    /// The automaton of some patterns, which tells of each by its position; none where it would be large.
    pub(super) fn of(sources: &[&Source<'_>], semantics: Semantics) -> Option<Arc<Automaton>> {
        let mut key = format!("{semantics:?}");
        for source in sources {
            // The length says where a text ends, whatever is in it.
            let _ = write!(key, " {}:{}", source.text.len(), source.text);
        }
        if let Some(known) = KNOWN.get(&key) {
            return Some(known);
        }
        let hirs: Vec<&Hir> = sources.iter().map(|source| &source.hir).collect();
        Some(KNOWN.put(&key, Automaton::new(&hirs, semantics)?))
    }

    fn new(hirs: &[&Hir], semantics: Semantics) -> Option<Automaton> {
        let config = thompson::Config::new().nfa_size_limit(Some(SIZE)).which_captures(thompson::WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_many_from_hir(hirs).ok()?;
        let kind = match semantics {
            Semantics::LeftmostFirst => MatchKind::LeftmostFirst,
            Semantics::All => MatchKind::All,
        };
        let config = dense::Config::new()
            .start_kind(StartKind::Anchored)
            .match_kind(kind)
            .accelerate(false)
            .dfa_size_limit(Some(SIZE))
            .determinize_size_limit(Some(4 * SIZE));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        Automaton::copy(&dfa)
    }

    /// Copies the states that can be reached.
    fn copy(dfa: &DFA<Vec<u32>>) -> Option<Automaton> {
        let start_of = |behind: Option<u8>| {
            dfa.start_state(&start::Config::new().anchored(Anchored::Yes).look_behind(behind)).ok()
        };
        let mut starts = [StateID::ZERO; BEHIND.len()];
        for (start, behind) in starts.iter_mut().zip(BEHIND) {
            *start = start_of(behind)?;
        }
        let (classes, examples) = classes(dfa);
        let states = reachable(dfa, &starts, &examples)?;
        let bits = |state: StateID| {
            let count = if dfa.is_match_state(state) { dfa.match_len(state) } else { 0 };
            (0..count).fold(0u64, |bits, index| bits | 1 << dfa.match_pattern(state, index).as_usize())
        };
        let matches = states.iter().filter(|&&state| dfa.is_match_state(state)).count();
        let numbered: HashMap<StateID, u16> = states.iter().copied().zip(0..).collect();
        let number = |state: StateID| numbered.get(&state).copied().unwrap_or(0);
        let stride = examples.len().next_power_of_two().trailing_zeros();
        let mut table = vec![0; states.len() << stride];
        for (row, &state) in table.chunks_mut(1 << stride).zip(&states) {
            for (next, &byte) in row.iter_mut().zip(&examples) {
                *next = number(dfa.next_state(state, byte));
            }
        }
        Some(Automaton {
            classes,
            stride,
            table,
            start: starts.map(number),
            last_match: matches as u16,
            matched: states.iter().map(|&state| bits(state)).collect(),
            at_end: states.iter().map(|&state| bits(dfa.next_eoi_state(state))).collect(),
        })
    }

    /// Bytes that the tables take.
    pub(in crate::pattern) fn memory_usage(&self) -> usize {
        size_of_val(&self.table[..]) + size_of_val(&self.matched[..]) + size_of_val(&self.at_end[..])
    }

    /// The bytes at which a match can start.
    pub(super) fn firsts(&self) -> Bytes {
        Bytes::filter(|byte| self.start.iter().any(|&state| self.next(state, byte) != 0))
    }

    /// Whether a match can start behind such a byte.
    pub(super) fn lives(&self, behind: Behind) -> bool {
        (0..=255).any(|byte| self.next(self.start[behind as usize], byte) != 0)
    }

    #[inline(always)]
    fn next(&self, state: u16, byte: u8) -> u16 {
        let at = (usize::from(state) << self.stride) + usize::from(self.classes[usize::from(byte)]);
        self.table[at]
    }

    /// The patterns that match from `at` on, as bits.
    #[inline]
    pub(super) fn matching(&self, cell: &[u8], at: usize, behind: Behind, steps: &mut usize) -> u64 {
        let mut state = self.start[behind as usize];
        let mut found = 0;
        for (taken, &byte) in cell[at..].iter().enumerate() {
            state = self.next(state, byte);
            if state <= self.last_match {
                if state == 0 {
                    *steps = steps.saturating_sub(taken);
                    return found;
                }
                found |= self.matched[usize::from(state)];
            }
        }
        *steps = steps.saturating_sub(cell.len() - at);
        found | self.at_end[usize::from(state)]
    }

    /// The end of the match that starts at `at`, if there is one.
    #[inline]
    pub(super) fn longest(&self, cell: &[u8], at: usize, behind: Behind, steps: &mut usize) -> Option<usize> {
        let mut state = self.start[behind as usize];
        let mut end = None;
        for (taken, &byte) in cell[at..].iter().enumerate() {
            state = self.next(state, byte);
            if state <= self.last_match {
                if state == 0 {
                    *steps = steps.saturating_sub(taken);
                    return end;
                }
                // A state tells of a match one byte late.
                end = Some(at + taken);
            }
        }
        *steps = steps.saturating_sub(cell.len() - at);
        if self.at_end[usize::from(state)] != 0 { Some(cell.len()) } else { end }
    }
}

/// Classes of bytes that no state tells apart, and one byte of each.
fn classes(dfa: &DFA<Vec<u32>>) -> ([u8; 256], Vec<u8>) {
    let mut classes = [0; 256];
    let mut examples: Vec<u8> = Vec::new();
    for byte in 0..=255u8 {
        let class = dfa.byte_classes().get(byte);
        let known = examples.iter().position(|&example| dfa.byte_classes().get(example) == class);
        classes[usize::from(byte)] = known.unwrap_or(examples.len()) as u8;
        if known.is_none() {
            examples.push(byte);
        }
    }
    (classes, examples)
}

/// The states that can be reached: the dead one, those that tell of a match, the others.
fn reachable(dfa: &DFA<Vec<u32>>, starts: &[StateID], examples: &[u8]) -> Option<Vec<StateID>> {
    let mut seen = HashSet::new();
    let mut states = Vec::new();
    let mut open: Vec<StateID> = starts.to_vec();
    while let Some(state) = open.pop() {
        if dfa.is_quit_state(state) || states.len() > STATES {
            return None;
        }
        if !dfa.is_dead_state(state) && seen.insert(state) {
            states.push(state);
            open.extend(examples.iter().map(|&byte| dfa.next_state(state, byte)));
        }
    }
    states.sort_by_key(|&state| !dfa.is_match_state(state));
    states.insert(0, StateID::ZERO);
    Some(states)
}
