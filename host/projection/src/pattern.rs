//! The patterns of one read: which of them match in a cell, and where.
//!
//! Most cells match nothing, so a cell passes a [`gate`] first, which looks for bytes that a match must hold. What passes
//! goes to the [`scan`], which tries those patterns that can start at few bytes wherever they can, and to the [`search`]
//! for the others. Each pattern reports its leftmost-first matches that do not overlap, within the cell alone.

mod ascii;
mod bytes;
mod gate;
mod known;
mod scan;
mod search;

use regex_syntax::hir::Hir;

use crate::allowance::Allowance;
use crate::batch::PatternMatch;
use crate::meter::Meter;
use gate::Gate;
pub(crate) use gate::Signs;
use scan::Scanner;
pub(crate) use search::Scratch;
use search::Searcher;

/// Which pattern of a read was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    Long {
        index: usize,
        limit: usize,
    },
    Syntax {
        index: usize,
        message: String,
    },
    Large {
        index: usize,
        limit: usize,
    },
    /// The meter ran out.
    Overrun,
}

impl PatternError {
    /// The position of the pattern.
    pub(crate) fn index(&self) -> usize {
        match self {
            PatternError::Long { index, .. }
            | PatternError::Syntax { index, .. }
            | PatternError::Large { index, .. } => *index,
            PatternError::Overrun => 0,
        }
    }

    /// The sentence, about what the reader calls the pattern.
    pub fn of(&self, name: &str) -> String {
        match self {
            PatternError::Long { limit, .. } => format!("{name} is longer than {limit} bytes"),
            PatternError::Syntax { message, .. } => format!("{name}: {message}"),
            PatternError::Large { limit, .. } => format!(
                "{name} compiles to more than the {limit} bytes that are left to it; bound its repetitions or its \
                 character classes"
            ),
            PatternError::Overrun => "compiling took longer than it may".to_owned(),
        }
    }
}

/// Patterns that one read may have, whatever the limits say: they travel as bits of a word.
pub(crate) const MOST: usize = 64;

/// The caches of one walk that have grown beyond so many bytes are not kept: patterns can be made so that they grow at each byte.
const KEPT: usize = 32 << 20;

/// Leaves what the searches of a walk have written to to those of the next, where that is not more than `kept` bytes.
fn put_back_within(scratches: Vec<Scratch<'_>>, kept: usize) {
    if scratches.iter().map(Scratch::memory_usage).sum::<usize>() <= kept {
        scratches.into_iter().for_each(Scratch::put_back);
    }
}

/// The same, for what may be kept.
pub(crate) fn put_back(scratches: Vec<Scratch<'_>>) {
    put_back_within(scratches, KEPT);
}

/// The patterns of one read, compiled.
#[derive(Debug)]
pub(crate) struct Patterns {
    gate: Gate,
    scanner: Scanner,
    searcher: Searcher,
}

/// A pattern as it is written, and parsed.
#[derive(Debug)]
struct Source<'a> {
    text: &'a str,
    hir: Hir,
}

impl Patterns {
    /// Compiles `sources`, as far as they are not known: [`MOST`] at most, none of which may be longer than `length`;
    /// together they may take `size` bytes. The meter is asked before each.
    pub(crate) fn compile(
        sources: &[String],
        length: usize,
        size: usize,
        meter: &mut dyn Meter,
    ) -> Result<Patterns, PatternError> {
        let mut parsed = Vec::with_capacity(sources.len());
        for (index, text) in sources.iter().enumerate() {
            if text.len() > length {
                return Err(PatternError::Long { index, limit: length });
            }
            let hir = parse(text).map_err(|message| PatternError::Syntax { index, message })?;
            parsed.push(Source { text, hir });
        }
        let searcher = Searcher::new(&parsed, size, meter)?;
        let scanner = Scanner::new(&parsed, size - searcher.memory_usage(), meter).ok_or(PatternError::Overrun)?;
        Ok(Patterns { gate: Gate::new(&parsed), scanner, searcher })
    }

    /// Bytes that the compiled patterns take.
    pub(crate) fn memory_usage(&self) -> usize {
        self.searcher.memory_usage() + self.scanner.memory_usage()
    }

    /// What searches write to, of one thread.
    pub(crate) fn scratch(&self) -> Scratch<'_> {
        self.searcher.scratch()
    }

    /// Whether the cell `start..end` of `buf` may hold a match. Says no to most cells, and quickly.
    #[inline]
    pub(crate) fn may_match(&self, buf: &[u8], start: usize, end: usize) -> bool {
        self.gate.passes(buf, start, end)
    }

    /// Where a match may lie in `start..end` of `buf`, which holds several cells; nothing where it is too long for a look.
    #[inline]
    pub(crate) fn signs(&self, buf: &[u8], start: usize, end: usize) -> Option<Signs> {
        self.gate.signs(buf, start, end)
    }

    /// The same as [`Patterns::may_match`], for a cell in what the signs are of.
    #[inline]
    pub(crate) fn may_match_by(&self, signs: Option<Signs>, buf: &[u8], (start, end): (usize, usize)) -> bool {
        match signs {
            Some(signs) => self.gate.passes_by(signs, start, end),
            None => self.gate.passes(buf, start, end),
        }
    }

    /// Appends the matches in the cell, as those of cell `index`, by start. Says whether there are any. They are not all
    /// there when the allowance is spent.
    pub(crate) fn find(
        &self,
        scratch: &mut Scratch<'_>,
        buf: &[u8],
        (start, end): (usize, usize),
        index: u32,
        matches: &mut Vec<PatternMatch>,
        allowance: &mut Allowance<'_>,
    ) -> bool {
        let before = matches.len();
        let cell = &buf[start..end];
        let mut left = self.scanner.scan(buf, (start, end), index, matches, allowance);
        let scanned = matches.len();
        while left != 0 {
            let pattern = left.trailing_zeros();
            left &= left - 1;
            if self.gate.passes_alone(pattern, buf, start, end) {
                self.searcher.find(scratch, cell, pattern, index, matches, allowance);
            }
        }
        if scanned < matches.len() {
            matches[before..].sort_by_key(|found| (found.start, found.pattern));
        }
        matches.len() > before
    }
}

/// Parses one pattern, with Go's reading of the classes that Perl gave names to.
fn parse(source: &str) -> Result<Hir, String> {
    let fault = |kind: &dyn std::fmt::Display, span: &regex_syntax::ast::Span| {
        let near = source.get(span.start.offset..).unwrap_or_default();
        let near: String = near.chars().take(NEAR).collect();
        format!("{kind}, at byte {} of the pattern, at `{near}`", span.start.offset)
    };
    let parsed = regex_syntax::ast::parse::Parser::new().parse(source);
    let mut ast = parsed.map_err(|error| fault(error.kind(), error.span()))?;
    ascii::rewrite(&mut ast);
    let translated = regex_syntax::hir::translate::Translator::new().translate(source, &ast);
    translated.map_err(|error| fault(error.kind(), error.span()))
}

/// How much of a pattern a message shows.
const NEAR: usize = 24;

#[cfg(test)]
mod tests;
