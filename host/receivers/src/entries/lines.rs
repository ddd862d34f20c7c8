//! Where entries begin and end in what was read of a file, and what their bytes say as text.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::{BIG5, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;
use regex::bytes::Regex;
use sdk_patterns::from_go_for_host;

use super::operators::is_part;
use super::settings::{Multiline, TooLong};

/// How text is written in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// # Errors
    /// Where nobody knows it.
    pub(crate) fn of(name: &str) -> Result<Encoding, String> {
        Ok(Encoding(match name.to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" | "utf-8-raw" | "ascii" | "us-ascii" => UTF_8,
            "utf-16le" | "utf16le" | "utf-16-le" => UTF_16LE,
            "utf-16be" | "utf16be" | "utf-16-be" | "utf-16" => UTF_16BE,
            "big5" => BIG5,
            "nop" => {
                return Err("`nop` is not supported: an entry is text here; write the encoding of the files".to_owned());
            }
            other => encoding_rs::Encoding::for_label(other.as_bytes()).ok_or_else(|| {
                format!("no encoding is called {other:?}; write its IANA name, such as `utf-8` or `big5`")
            })?,
        }))
    }

    pub(crate) fn text(self, bytes: &[u8]) -> Cow<'_, str> {
        if self.0 == UTF_8 { String::from_utf8_lossy(bytes) } else { self.0.decode_without_bom_handling(bytes).0 }
    }

    fn width(self) -> usize {
        if self.0 == UTF_16LE || self.0 == UTF_16BE { 2 } else { 1 }
    }

    fn line_break(self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        if self.width() == 1 {
            return memchr(b'\n', rest).map(|at| from + at);
        }
        let sought: [u8; 2] = if self.0 == UTF_16LE { *b"\n\0" } else { *b"\0\n" };
        rest.chunks_exact(2).position(|pair| pair == sought).map(|at| from + at * 2)
    }
}

/// A pattern of `multiline`.
///
/// # Errors
/// Where it is none.
pub(crate) fn pattern(text: &str) -> Result<Regex, regex::Error> {
    Regex::new(&from_go_for_host(&format!("(?m){text}")))
}

enum Shape {
    Line,
    Start(Regex),
    End(Regex),
}

/// How entries are to be cut out of bytes.
#[derive(Clone, Copy)]
pub(crate) struct Cut<'c> {
    pub(crate) multiline: Option<&'c Multiline>,
    pub(crate) encoding: &'c str,
    /// The longest entry.
    pub(crate) max: usize,
    pub(crate) too_long: TooLong,
    pub(crate) keeps_leading: bool,
    pub(crate) keeps_trailing: bool,
    /// Whether a line may be a part of one, whose end is in the midst of what was written.
    pub(crate) keeps_parts: bool,
}

/// Cuts bytes into entries.
pub(crate) struct Splitter {
    shape: Shape,
    omits_pattern: bool,
    encoding: Encoding,
    max: usize,
    too_long: TooLong,
    keeps_leading: bool,
    keeps_trailing: bool,
    /// Whether a line may be a part of one, whose end is in the midst of what was written.
    keeps_parts: bool,
}

/// An entry in a slice of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) content: Range<usize>,
    /// Where the next one begins.
    pub(crate) next: usize,
    /// Whether the rest of its line is to be passed over.
    pub(crate) cuts: bool,
}

impl Splitter {
    /// # Errors
    /// Where a pattern or the encoding is none.
    pub(crate) fn new(cut: Cut<'_>) -> Result<Self, String> {
        let compile = |text: &str| pattern(text).map_err(|error| error.to_string());
        let (start, end) = match cut.multiline {
            Some(multiline) => (multiline.line_start_pattern.as_deref(), multiline.line_end_pattern.as_deref()),
            None => (None, None),
        };
        let shape = match (start, end) {
            (Some(start), _) => Shape::Start(compile(start)?),
            (None, Some(end)) => Shape::End(compile(end)?),
            (None, None) => Shape::Line,
        };
        Ok(Splitter {
            shape,
            omits_pattern: cut.multiline.is_some_and(|multiline| multiline.omit_pattern),
            encoding: Encoding::of(cut.encoding)?,
            max: cut.max,
            too_long: cut.too_long,
            keeps_leading: cut.keeps_leading,
            keeps_trailing: cut.keeps_trailing,
            keeps_parts: cut.keeps_parts,
        })
    }

    /// The most bytes that have to be there for an entry to be found.
    pub(crate) fn window(&self) -> usize {
        self.max + self.encoding.width() + 1
    }

    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        self.encoding.text(bytes)
    }

    /// The entry that begins at `at`; none where it has no end yet.
    pub(crate) fn next(&self, bytes: &[u8], at: usize) -> Option<Token> {
        let found = match &self.shape {
            Shape::Line => self.encoding.line_break(bytes, at).map(|end| (at..end, end + self.encoding.width())),
            Shape::Start(pattern) => match pattern.find(bytes.get(at..)?).filter(|first| !first.is_empty()) {
                Some(first) if first.start() > 0 => Some((at..at + first.start(), at + first.start())),
                Some(first) => {
                    let begin = if self.omits_pattern { first.end() } else { 0 };
                    let second = pattern.find_at(bytes.get(at..)?, first.end());
                    second.map(|second| (at + begin..at + second.start(), at + second.start()))
                }
                None => None,
            },
            Shape::End(pattern) => pattern.find(bytes.get(at..)?).filter(|end| end.end() > 0).map(|end| {
                let content_end = if self.omits_pattern { end.start() } else { end.end() };
                (at..at + content_end, at + end.end())
            }),
        };
        match found {
            Some((content, next)) if content.len() <= self.max => {
                Some(Token { content: self.trimmed(bytes, content), next, cuts: false })
            }
            None if bytes.len().saturating_sub(at) <= self.max => None,
            found => Some(self.too_long(bytes, at, found.map(|(_, next)| next))),
        }
    }

    fn too_long(&self, bytes: &[u8], at: usize, next: Option<usize>) -> Token {
        let mut end = at + self.max - self.max % self.encoding.width();
        // A character is not cut in two.
        if self.encoding.0 == UTF_8 {
            let is_inside = |end: usize| bytes.get(end).is_some_and(|byte| byte & 0xc0 == 0x80);
            while is_inside(end) && end > at + self.max.saturating_sub(4) {
                end -= 1;
            }
        }
        let content = self.trimmed(bytes, at..end);
        match (self.too_long, next) {
            (TooLong::Split, _) => Token { content, next: end, cuts: false },
            (TooLong::Truncate, Some(next)) => Token { content, next, cuts: false },
            (TooLong::Truncate, None) => Token { content, next: end, cuts: true },
        }
    }

    /// All that is there from `at`, since no more comes.
    pub(crate) fn rest(&self, bytes: &[u8], at: usize) -> Token {
        let end = bytes.len().min(at + self.max);
        // Half a character is left to what comes.
        let end = end - (end.saturating_sub(at)) % self.encoding.width();
        let begin = match &self.shape {
            Shape::Start(pattern) if self.omits_pattern => {
                let first = bytes.get(at..end).and_then(|rest| pattern.find(rest)).filter(|first| first.start() == 0);
                at + first.map_or(0, |first| first.end())
            }
            _ => at,
        };
        Token { content: self.trimmed(bytes, begin..end), next: end, cuts: false }
    }

    /// Where the line ends that is passed over.
    pub(crate) fn line_end(&self, bytes: &[u8]) -> Option<usize> {
        self.encoding.line_break(bytes, 0).map(|at| at + self.encoding.width())
    }

    fn trimmed(&self, bytes: &[u8], content: Range<usize>) -> Range<usize> {
        let (Range { mut start, mut end }, width) = (content, self.encoding.width());
        let is = |at: usize, wanted: &[u8]| {
            let unit = bytes.get(at..at + width).unwrap_or_default();
            let found = match (self.encoding.0 == UTF_16BE, unit) {
                (_, [only]) | (false, [only, 0]) | (true, [0, only]) => only,
                _ => return false,
            };
            wanted.contains(found)
        };
        let is_blank = |at: usize| is(at, b" \t\r\n");
        while !self.keeps_leading && start < end && is_blank(start) {
            start += width;
        }
        let ends_blank = |end: usize| end >= start + width && is_blank(end - width);
        let keeps_trailing =
            self.keeps_trailing || self.keeps_parts && ends_blank(end) && bytes.get(start..end).is_some_and(is_part);
        while !keeps_trailing && ends_blank(end) {
            end -= width;
        }
        // A carriage return belongs to the line break.
        if keeps_trailing && end >= start + width && is(end - width, b"\r") {
            end -= width;
        }
        start..end
    }
}
