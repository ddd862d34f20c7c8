//! What every match of a pattern must hold: sets of bytes, at least one byte of each.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::super::bytes::Bytes;

/// Sets that are tried for one pattern; a long list of words has no need that is worth the search.
const TRIED: usize = 48;

/// The needs of a pattern, the rarest bytes first.
pub(super) fn of(hir: &Hir) -> Vec<Bytes> {
    let mut sets = Vec::new();
    collect(hir, &mut sets);
    sets.retain(|set| needed(hir, set));
    sets.sort_by(|a, b| a.share().total_cmp(&b.share()));
    sets
}

/// The byte sets that stand in the pattern: single bytes and small ASCII classes.
fn collect(hir: &Hir, sets: &mut Vec<Bytes>) {
    let mut add = |ranges: &[(u8, u8)]| {
        let set = Bytes::of(ranges);
        if sets.len() < TRIED && set.is_small() && !sets.contains(&set) {
            sets.push(set);
        }
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|&byte| add(&[(byte, byte)])),
        HirKind::Class(class) => add(&ascii(class).unwrap_or_default()),
        HirKind::Repetition(repetition) => collect(&repetition.sub, sets),
        HirKind::Capture(capture) => collect(&capture.sub, sets),
        HirKind::Concat(list) | HirKind::Alternation(list) => list.iter().for_each(|sub| collect(sub, sets)),
    }
}

/// Whether each match of `hir` has a byte of `set`.
fn needed(hir: &Hir, set: &Bytes) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().any(|&byte| set.has(byte)),
        HirKind::Class(class) => ascii(class).is_some_and(|ranges| {
            !ranges.is_empty() && ranges.iter().all(|&(from, to)| (from..=to).all(|byte| set.has(byte)))
        }),
        HirKind::Repetition(repetition) => repetition.min > 0 && needed(&repetition.sub, set),
        HirKind::Capture(capture) => needed(&capture.sub, set),
        HirKind::Concat(list) => list.iter().any(|sub| needed(sub, set)),
        HirKind::Alternation(list) => list.iter().all(|sub| needed(sub, set)),
    }
}

/// The ranges of a class that has ASCII characters only.
fn ascii(class: &Class) -> Option<Vec<(u8, u8)>> {
    match class {
        Class::Unicode(class) => {
            let byte = |c: char| c.is_ascii().then_some(c as u8);
            class.ranges().iter().map(|range| Some((byte(range.start())?, byte(range.end())?))).collect()
        }
        Class::Bytes(class) => {
            let ranges = class.ranges().iter();
            ranges.map(|range| range.end().is_ascii().then_some((range.start(), range.end()))).collect()
        }
    }
}
