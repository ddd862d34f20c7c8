//! Patterns of clusters: for which of them a module is, and which of two patterns is the closer one.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;

use crate::manifest::ManifestError;

/// A longer one names no cluster.
const LONGEST: usize = 253;
/// What other patterns have as wildcards, and could mean here one day.
const RESERVED: [char; 7] = ['?', '[', ']', '{', '}', '\\', ','];

/// A `cluster.id`, or a pattern of them in which `*` stands for any text. `*` alone is also for data that names no cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterPattern(String);

impl fmt::Display for ClusterPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ClusterPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let wrong = |problem: String| ManifestError::Value { key: "clusters", problem };
        if text.is_empty() || text.len() > LONGEST {
            return Err(wrong(format!("a pattern has 1 to {LONGEST} bytes")));
        }
        if text.contains(RESERVED) {
            return Err(wrong(format!(
                "{text:?} has a character of {}: `*` is the only wildcard",
                String::from_iter(RESERVED)
            )));
        }
        if text.contains("**") {
            return Err(wrong(format!("{text:?} has `**`, which is no more than `*`")));
        }
        Ok(ClusterPattern(text.to_owned()))
    }

    /// Reads several.
    ///
    /// # Errors
    /// What is wrong with the first that is none.
    pub fn read_all(texts: &[String]) -> Result<Vec<Self>, ManifestError> {
        texts.iter().map(|text| ClusterPattern::read(text)).collect()
    }

    pub fn matches(&self, cluster: &str) -> bool {
        if self.0 == "*" {
            return true;
        }
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| cluster.strip_prefix(first)) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        // `a*` is for what begins so, and not for data that names no cluster.
        !cluster.is_empty() && rest.ends_with(last)
    }

    /// How close it is: a name before all patterns, and of two patterns the one that says more of the name.
    pub fn closeness(&self) -> Closeness {
        Closeness { is_name: self.is_name(), said: self.0.chars().filter(|c| *c != '*').count() }
    }

    /// Whether there are clusters for which both are, and neither is closer.
    pub fn ties_with(&self, other: &ClusterPattern) -> bool {
        self.closeness().cmp(&other.closeness()) == Ordering::Equal && self.meets(other)
    }

    fn is_name(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether some name is matched by both.
    fn meets(&self, other: &ClusterPattern) -> bool {
        let (ours, theirs): (Vec<char>, Vec<char>) = (self.0.chars().collect(), other.0.chars().collect());
        let (mut open, mut seen) = (vec![(0, 0)], HashSet::new());
        while let Some((at, there)) = open.pop() {
            if !seen.insert((at, there)) {
                continue;
            }
            match (ours.get(at), theirs.get(there)) {
                (None, None) => return true,
                // A wildcard stands for nothing, or for one character more of the other.
                (Some('*'), theirs) => {
                    open.push((at + 1, there));
                    open.extend(theirs.map(|_| (at, there + 1)));
                }
                (ours, Some('*')) => {
                    open.push((at, there + 1));
                    open.extend(ours.map(|_| (at + 1, there)));
                }
                (Some(a), Some(b)) if a == b => open.push((at + 1, there + 1)),
                _ => {}
            }
        }
        false
    }
}

/// How close a pattern is to those that it matches; the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closeness {
    is_name: bool,
    /// Characters that it says.
    said: usize,
}

#[cfg(test)]
mod tests;
