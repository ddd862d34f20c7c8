//! What becomes of a text: allowed, masked in parts, or left.
//!
//! The blocked patterns come one after the other, each on what those before it have left. The host has run all of them on
//! the text as it was. That is enough wherever a mask cannot have made a new match or cut one off; elsewhere the patterns
//! that follow are run here.

use sdk_collector::pattern::{Pattern, Shape};
use tidegate_sdk::{Error, PatternMatch};

use crate::config::Config;
use crate::mask::Mask;

/// The patterns of values.
pub(crate) struct Values {
    blocked: Vec<Blocked>,
    allowed: Vec<Pattern>,
    pub(crate) mask: Mask,
}

struct Blocked {
    pattern: Pattern,
    shape: Shape,
}

/// What becomes of a text.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Left,
    Allowed,
    /// These parts go, each for a mask; by start.
    Parts(Vec<(u32, u32)>),
    /// It becomes this.
    Text(String),
}

impl Values {
    pub(crate) fn new(config: &Config) -> Result<Values, Error> {
        let blocked: Vec<Blocked> = Pattern::list("blocked_values", &config.blocked_values)?
            .into_iter()
            .map(|pattern| Blocked { shape: pattern.shape(), pattern })
            .collect();
        let allowed = Pattern::list("allowed_values", &config.allowed_values)?;
        // The first is never run on what another has left.
        let later = blocked.iter().skip(1).map(|blocked| &blocked.pattern);
        let printed = config.redact_all_types.then_some(());
        let all = printed.into_iter().flat_map(|()| blocked.iter().map(|blocked| &blocked.pattern).chain(&allowed));
        later.chain(all).try_for_each(|pattern| pattern.own_regex().map(|_| ()))?;
        Ok(Values { blocked, allowed, mask: Mask::new(config)? })
    }

    /// For the host: blocked ones first.
    pub(crate) fn for_host(&self) -> impl Iterator<Item = tidegate_sdk::Pattern> {
        self.blocked.iter().map(|blocked| &blocked.pattern).chain(&self.allowed).map(Pattern::for_host)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocked.is_empty() && self.allowed.is_empty()
    }

    /// What becomes of a text that the host has not seen.
    pub(crate) fn judge_alone(&self, text: &str) -> Verdict {
        if self.allowed.iter().filter_map(Pattern::regex).any(|regex| regex.is_match(text)) {
            return Verdict::Allowed;
        }
        self.masked_by(&self.blocked, text.to_owned(), text)
    }

    /// What becomes of a text in which the host found these matches, which are all there are.
    pub(crate) fn judge(&self, text: &str, matches: &[PatternMatch]) -> Verdict {
        let blocked = self.blocked.len();
        if matches.iter().any(|found| found.pattern as usize >= blocked) {
            return Verdict::Allowed;
        }
        let mut parts: Vec<(u32, u32)> = Vec::new();
        for (number, blocked) in self.blocked.iter().enumerate() {
            let of_this = matches.iter().filter(|found| found.pattern as usize == number);
            let found: Vec<(u32, u32)> = of_this.map(|found| (found.start, found.end)).collect();
            if !self.is_settled(blocked, text.as_bytes(), &parts, &found) {
                return self.masked_by(&self.blocked[number..], self.replaced(text, &parts), text);
            }
            if !found.is_empty() {
                parts.extend(found);
                parts.sort_unstable();
            }
        }
        if parts.is_empty() { Verdict::Left } else { Verdict::Parts(parts) }
    }

    /// Whether a pattern finds in what is left after `parts` just what it found before.
    ///
    /// A match that is new, or is no longer there, holds a mask or begins or ends at one: inside what was left, a pattern
    /// sees the same characters on both sides of each place as before.
    fn is_settled(&self, blocked: &Blocked, text: &[u8], parts: &[(u32, u32)], found: &[(u32, u32)]) -> bool {
        let shape = &blocked.shape;
        if parts.is_empty() {
            return true;
        }
        if shape.may_be_empty || self.mask.characters().iter().any(|byte| shape.all.has(*byte)) {
            return false;
        }
        // They do not overlap, so that their ends are sorted, too.
        let touches = |start: u32, end: u32| {
            let first = found.partition_point(|&(_, to)| to < start);
            found.get(first).is_some_and(|&(from, _)| from <= end)
        };
        parts.iter().all(|&(start, end)| {
            let before = (start as usize).checked_sub(1).and_then(|at| text.get(at));
            let after = text.get(end as usize);
            !before.is_some_and(|byte| shape.last.has(*byte))
                && !after.is_some_and(|byte| shape.first.has(*byte))
                && !touches(start, end)
        })
    }

    /// The text with a mask for each part.
    pub(crate) fn replaced(&self, text: &str, parts: &[(u32, u32)]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for &(start, end) in parts {
            out.push_str(text.get(from..start as usize).unwrap_or_default());
            out.push_str(&self.mask.of(text.get(start as usize..end as usize).unwrap_or_default()));
            from = end as usize;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    }

    /// Runs patterns one after the other on `left`; `text` is what it was at first.
    fn masked_by(&self, blocked: &[Blocked], mut left: String, text: &str) -> Verdict {
        for regex in blocked.iter().filter_map(|blocked| blocked.pattern.regex()) {
            let found: Vec<(u32, u32)> =
                regex.find_iter(&left).map(|found| (found.start() as u32, found.end() as u32)).collect();
            if !found.is_empty() {
                left = self.replaced(&left, &found);
            }
        }
        if left == text { Verdict::Left } else { Verdict::Text(left) }
    }
}
