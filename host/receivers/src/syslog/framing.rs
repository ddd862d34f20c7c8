//! Where messages begin and end in the bytes of a connection or a datagram.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::entries::lines::{Cut, Encoding, Splitter};

/// More digits than the number of octets may have.
const MAX_DIGITS: usize = 10;

/// How messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// As lines, or as `multiline` has it.
    Lines,
    /// Each has a NUL at its end.
    Nul,
    /// Each has the number of its octets before it (RFC 6587, 3.4.1). What does not begin with one is a line.
    Octets,
    /// All that comes is one.
    Whole,
}

/// Cuts bytes into messages.
pub(super) struct Framer {
    framing: Framing,
    splitter: Splitter,
    encoding: Encoding,
    max: usize,
}

/// A message in a slice of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) content: Range<usize>,
    /// Where the next one begins, which may be behind the slice's end.
    pub(super) next: usize,
    /// Bytes of it that are passed over, since it is too long.
    pub(super) cut: usize,
}

impl Framer {
    pub(super) fn new(framing: Framing, cut: Cut<'_>) -> Result<Self, String> {
        let encoding = Encoding::of(cut.encoding)?;
        Ok(Framer { framing, splitter: Splitter::new(cut)?, encoding, max: cut.max })
    }

    pub(super) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        self.encoding.text(bytes)
    }

    /// The most bytes that have to be there for a message to be found.
    pub(super) fn window(&self) -> usize {
        self.splitter.window() + MAX_DIGITS + 1
    }

    /// The message that begins at `at`; none where it has no end yet.
    pub(super) fn next(&self, bytes: &[u8], at: usize) -> Option<Frame> {
        match self.framing {
            Framing::Lines => self.line(bytes, at),
            Framing::Nul => self.until_nul(bytes, at),
            Framing::Octets => self.counted(bytes, at),
            // Whatever is more than one message may have is passed over.
            Framing::Whole if at > 0 => None,
            Framing::Whole => (bytes.len() > self.max).then(|| Frame {
                content: 0..self.max,
                next: usize::MAX,
                cut: bytes.len() - self.max,
            }),
        }
    }

    /// Whether what is passed over is counted as it comes, since nobody knows how much there will be.
    pub(super) fn is_open(&self) -> bool {
        self.framing == Framing::Whole
    }

    /// What is there from `at`, since no more comes; nothing where nothing is there.
    pub(super) fn rest(&self, bytes: &[u8], at: usize) -> Option<Frame> {
        let token = (at < bytes.len()).then(|| self.splitter.rest(bytes, at))?;
        Some(Frame { content: token.content, next: bytes.len(), cut: 0 })
    }

    fn line(&self, bytes: &[u8], at: usize) -> Option<Frame> {
        self.splitter.next(bytes, at).map(|token| Frame { content: token.content, next: token.next, cut: 0 })
    }

    fn until_nul(&self, bytes: &[u8], at: usize) -> Option<Frame> {
        let rest = bytes.get(at..)?;
        let (end, next) = match memchr(0, rest) {
            Some(end) if end <= self.max => (at + end, at + end + 1),
            None if rest.len() <= self.max => return None,
            _ => (at + self.max, at + self.max),
        };
        Some(Frame { content: at..end, next, cut: 0 })
    }

    fn counted(&self, bytes: &[u8], at: usize) -> Option<Frame> {
        let rest = bytes.get(at..)?;
        // Some senders end messages with a line break all the same.
        let separators = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r' | b' ' | 0)).count();
        if separators > 0 {
            // Nobody keeps those.
            return Some(Frame { content: at..at, next: at + separators, cut: 0 });
        }
        let digits = rest.iter().take(MAX_DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
        let is_number = digits > 0 && rest.first() != Some(&b'0');
        if is_number && digits == rest.len() {
            return None;
        }
        let number = std::str::from_utf8(rest.get(..digits)?).ok().and_then(|number| number.parse::<usize>().ok());
        let Some(octets) = number.filter(|_| is_number && rest.get(digits) == Some(&b' ')) else {
            return self.line(bytes, at);
        };
        let content = at + digits + 1;
        let kept = octets.min(self.max);
        let end = content + kept;
        (end <= bytes.len()).then(|| Frame { content: at..end, next: content + octets, cut: octets - kept })
    }
}

/// Frames of bytes, with settings drawn from `how`: they follow one another, and no more is waited for than is kept.
pub fn probe(how: u8, bytes: &[u8]) {
    let framing = [Framing::Lines, Framing::Nul, Framing::Octets, Framing::Whole][usize::from(how & 3)];
    let cut = Cut {
        multiline: None,
        encoding: if how & 4 == 0 { "utf-8" } else { "big5" },
        max: 256,
        too_long: crate::entries::settings::TooLong::Split,
        keeps_leading: how & 8 != 0,
        keeps_trailing: how & 16 != 0,
        keeps_parts: false,
    };
    let framer = Framer::new(framing, cut).expect("these are encodings");
    let mut at = 0;
    while let Some(Frame { content, next, .. }) = framer.next(bytes, at) {
        assert!(next > at, "it goes on");
        assert!(
            content.start >= at && content.end <= next && content.end <= bytes.len(),
            "a message lies where it came"
        );
        let _text = framer.text(&bytes[content]);
        if next >= bytes.len() {
            return;
        }
        at = next;
    }
    assert!(bytes.len() - at <= framer.window(), "no more is waited for than is kept");
    if let Some(Frame { content, next, .. }) = framer.rest(bytes, at) {
        assert!(content.start >= at && content.end <= next && next <= bytes.len());
    }
}
