//! Folding: which characters are equal when case does not matter, as Unicode's simple folding has it.

use std::ops::RangeInclusive;

#[cfg(test)]
mod tests;

/// Characters that are equal, where it takes more than upper and lower case to tell.
const SETS: [&str; 31] = [
    "Kk\u{212a}",
    "Ss\u{17f}",
    "\u{b5}\u{39c}\u{3bc}",
    "\u{c5}\u{e5}\u{212b}",
    "\u{1c4}\u{1c5}\u{1c6}",
    "\u{1c7}\u{1c8}\u{1c9}",
    "\u{1ca}\u{1cb}\u{1cc}",
    "\u{1f1}\u{1f2}\u{1f3}",
    "\u{345}\u{399}\u{3b9}\u{1fbe}",
    "\u{392}\u{3b2}\u{3d0}",
    "\u{395}\u{3b5}\u{3f5}",
    "\u{398}\u{3b8}\u{3d1}\u{3f4}",
    "\u{39a}\u{3ba}\u{3f0}",
    "\u{3a0}\u{3c0}\u{3d6}",
    "\u{3a1}\u{3c1}\u{3f1}",
    "\u{3a3}\u{3c2}\u{3c3}",
    "\u{3a6}\u{3c6}\u{3d5}",
    "\u{3a9}\u{3c9}\u{2126}",
    "\u{412}\u{432}\u{1c80}",
    "\u{414}\u{434}\u{1c81}",
    "\u{41e}\u{43e}\u{1c82}",
    "\u{421}\u{441}\u{1c83}",
    "\u{422}\u{442}\u{1c84}\u{1c85}",
    "\u{42a}\u{44a}\u{1c86}",
    "\u{462}\u{463}\u{1c87}",
    "\u{1c88}\u{a64a}\u{a64b}",
    "\u{1e60}\u{1e61}\u{1e9b}",
    "\u{df}\u{1e9e}",
    "\u{390}\u{1fd3}",
    "\u{3b0}\u{1fe3}",
    "\u{fb05}\u{fb06}",
];

/// No character behind it has a case.
const LAST: char = '\u{1e943}';

/// Of a character, the others that are equal to it.
pub(super) fn others(c: char) -> impl Iterator<Item = char> {
    let set = SETS.iter().find(|set| set.contains(c));
    let other = if set.is_none() { other_case(c) } else { None };
    set.into_iter().flat_map(|set| set.chars()).filter(move |other| *other != c).chain(other)
}

/// The other case of a letter that has two.
fn other_case(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_alphabetic().then(|| char::from(c as u8 ^ 0x20));
    }
    // What becomes two letters has a single one for headlines.
    let title = match c {
        '\u{1f80}'..='\u{1faf}' => char::from_u32(c as u32 ^ 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(c as u32 + 9),
        '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}' => char::from_u32(c as u32 - 9),
        _ => None,
    };
    let lower = || one(c.to_lowercase()).filter(|lower| *lower != c && one(lower.to_uppercase()) == Some(c));
    let upper = || one(c.to_uppercase()).filter(|upper| *upper != c && one(upper.to_lowercase()) == Some(c));
    title.or_else(lower).or_else(upper)
}

fn one(mut case: impl Iterator<Item = char>) -> Option<char> {
    case.next().filter(|_| case.next().is_none())
}

/// What has to stand beside a range in brackets, so that whatever is equal to a character of it is meant, too: in a pattern
/// for which case does not matter within ASCII.
pub(super) fn beyond(range: RangeInclusive<char>) -> String {
    let end = LAST.min(*range.end());
    // Sorted as it grows: it stays short.
    let mut all: Vec<char> = Vec::new();
    for c in *range.start()..=end {
        for other in others(c).filter(|other| !range.contains(other)).filter(|other| !c.is_ascii() || !other.is_ascii())
        {
            if let Err(at) = all.binary_search(&other) {
                all.insert(at, other);
            }
        }
    }
    let mut out = String::new();
    for run in all.chunk_by(|a, b| *a as u32 + 1 == *b as u32) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        out.push(*first);
        if run.len() > 2 {
            out.push('-');
        }
        if run.len() > 1 {
            out.push(*last);
        }
    }
    out
}
