//! Where the word is that each claim has in its key: what has it nowhere claims nothing, and need not be looked into.
//!
//! Most attributes of most telemetry are skipped by this, at a tenth of what it takes to look at each of their keys.

use std::iter::Peekable;
use std::sync::LazyLock;

use regex::bytes::{Matches, Regex};

/// In whatever letters, as [`ClusterKey`](host_component::ClusterKey) takes it; a key has it whole, whatever surrounds it.
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?i-u)cluster").expect("the expression is valid"));

/// The places in a message at which the word begins.
pub(crate) struct Words<'a> {
    found: Peekable<Matches<'static, 'a>>,
    /// Where the message begins.
    base: usize,
}

impl<'a> Words<'a> {
    /// Those between two places of a buffer.
    pub(crate) fn between(buf: &'a [u8], start: usize, end: usize) -> Self {
        Words { found: WORD.find_iter(&buf[start..end]).peekable(), base: start }
    }

    /// Whether one of them is in a range. Ranges are asked for in the order in which they begin.
    pub(crate) fn any_in(&mut self, start: usize, end: usize) -> bool {
        while self.found.next_if(|found| self.base + found.start() < start).is_some() {}
        self.found.peek().is_some_and(|found| self.base + found.start() < end)
    }
}
