//! The shape of a pattern: which bytes a match of it can begin with, end with and hold, and whether it can be empty.
//!
//! Whoever replaces the matches of one pattern knows by the shape of the next whether new matches can have come about. What
//! is not understood counts as everything.

/// Bytes; those from 0x80 up stand for all characters beyond ASCII together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes(u128, bool);

/// What is known of a pattern's matches. It may be more than there is, and never less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub first: Bytes,
    pub last: Bytes,
    pub all: Bytes,
    pub may_be_empty: bool,
}

const EVERY: Bytes = Bytes(u128::MAX, true);

impl Bytes {
    fn of(c: char) -> Bytes {
        if c.is_ascii() { Bytes(1 << (c as u32), false) } else { Bytes(0, true) }
    }

    /// Whether a byte is among them.
    pub fn has(&self, byte: u8) -> bool {
        if byte.is_ascii() { self.0 >> byte & 1 == 1 } else { self.1 }
    }

    /// Whether any byte of a text is among them.
    pub fn has_any(&self, text: &[u8]) -> bool {
        text.iter().any(|byte| self.has(*byte))
    }

    fn or(self, other: Bytes) -> Bytes {
        Bytes(self.0 | other.0, self.1 | other.1)
    }

    /// With each letter's other case.
    fn folded(self) -> Bytes {
        let mut folded = self;
        for letter in b'a'..=b'z' {
            let upper = letter.to_ascii_uppercase();
            if self.has(letter) || self.has(upper) {
                folded = folded.or(Bytes::of(char::from(letter))).or(Bytes::of(char::from(upper)));
            }
        }
        // `ſ` folds to s, and the Kelvin sign to k.
        folded.1 |= folded.has(b's') || folded.has(b'k');
        folded
    }
}

impl Shape {
    /// The shape of a pattern in the syntax of Rust's `regex`.
    pub fn of(source: &str) -> Shape {
        let mut reader = Reader { rest: source, folds: false };
        let shape = reader.alternatives(0).filter(|_| reader.rest.is_empty()).unwrap_or(Shape::anything());
        if !reader.folds {
            return shape;
        }
        Shape { first: shape.first.folded(), last: shape.last.folded(), all: shape.all.folded(), ..shape }
    }

    fn anything() -> Shape {
        Shape { first: EVERY, last: EVERY, all: EVERY, may_be_empty: true }
    }

    fn nothing() -> Shape {
        Shape { may_be_empty: true, ..Shape::default() }
    }

    fn one_of(bytes: Bytes) -> Shape {
        Shape { first: bytes, last: bytes, all: bytes, may_be_empty: false }
    }

    fn then(self, next: Shape) -> Shape {
        Shape {
            first: if self.may_be_empty { self.first.or(next.first) } else { self.first },
            last: if next.may_be_empty { next.last.or(self.last) } else { next.last },
            all: self.all.or(next.all),
            may_be_empty: self.may_be_empty && next.may_be_empty,
        }
    }

    fn or(self, other: Shape) -> Shape {
        Shape {
            first: self.first.or(other.first),
            last: self.last.or(other.last),
            all: self.all.or(other.all),
            may_be_empty: self.may_be_empty || other.may_be_empty,
        }
    }
}

/// Reads a pattern; `None` is what it does not understand.
struct Reader<'s> {
    rest: &'s str,
    folds: bool,
}

/// Groups within groups that are read.
const DEPTH: u32 = 32;

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn takes(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn alternatives(&mut self, depth: u32) -> Option<Shape> {
        let mut shape = self.sequence(depth)?;
        while self.takes("|") {
            shape = shape.or(self.sequence(depth)?);
        }
        Some(shape)
    }

    fn sequence(&mut self, depth: u32) -> Option<Shape> {
        let mut shape = Shape::nothing();
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let mut item = self.item(depth)?;
            item.may_be_empty |= self.repeats()?;
            shape = shape.then(item);
        }
        Some(shape)
    }

    /// Whether what comes before may be left out.
    fn repeats(&mut self) -> Option<bool> {
        let mut optional = false;
        loop {
            match self.rest.chars().next() {
                Some('*' | '?') => {
                    optional = true;
                    self.next();
                }
                Some('+') => {
                    self.next();
                }
                Some('{') => {
                    let end = self.rest.find('}')?;
                    let least = self.rest[1..end].split(',').next()?;
                    optional |= least.parse::<u32>().ok()? == 0;
                    self.rest = &self.rest[end + 1..];
                }
                _ => return Some(optional),
            }
        }
    }

    fn item(&mut self, depth: u32) -> Option<Shape> {
        match self.next()? {
            '(' => self.group(depth),
            '[' => self.class().map(Shape::one_of),
            '.' => Some(Shape::one_of(EVERY)),
            '^' | '$' => Some(Shape::nothing()),
            '\\' => self.escape(),
            c => Some(Shape::one_of(Bytes::of(c))),
        }
    }

    fn group(&mut self, depth: u32) -> Option<Shape> {
        if depth == DEPTH {
            return None;
        }
        if self.takes("?P<") || self.takes("?<") {
            self.rest = &self.rest[self.rest.find('>')? + 1..];
        } else if self.takes("?") {
            let end = self.rest.find([':', ')'])?;
            self.folds |= self.rest[..end].contains('i');
            let closes = self.rest[end..].starts_with(')');
            self.rest = &self.rest[end + 1..];
            if closes {
                return Some(Shape::nothing());
            }
        }
        let shape = self.alternatives(depth + 1)?;
        self.takes(")").then_some(shape)
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<Shape> {
        match self.rest.chars().next()? {
            'b' | 'B' | 'A' | 'z' => {
                self.next();
                // `\b{start}` and the like are Rust's own.
                (!self.rest.starts_with('{')).then_some(Shape::nothing())
            }
            _ => Some(Shape::one_of(self.character().map_or(EVERY, Bytes::of))),
        }
    }

    /// A character that is written with a backslash; `None` where it is a class of them.
    fn character(&mut self) -> Option<char> {
        match self.next()? {
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'f' => Some('\x0c'),
            'v' => Some('\x0b'),
            'a' => Some('\x07'),
            'x' if self.takes("{") => {
                let end = self.rest.find('}')?;
                let code = u32::from_str_radix(&self.rest[..end], 16).ok()?;
                self.rest = &self.rest[end + 1..];
                char::from_u32(code)
            }
            'x' => {
                let code = u32::from_str_radix(self.rest.get(..2)?, 16).ok()?;
                self.rest = &self.rest[2..];
                char::from_u32(code)
            }
            'p' | 'P' => {
                match self.takes("{") {
                    true => self.rest = &self.rest[self.rest.find('}')? + 1..],
                    false => drop(self.next()),
                }
                None
            }
            c if c.is_ascii_alphanumeric() => None,
            c => Some(c),
        }
    }

    /// The characters of a class, of which the bracket has been read.
    fn class(&mut self) -> Option<Bytes> {
        let negated = self.takes("^");
        let mut bytes = Bytes::default();
        while !self.takes("]") {
            if self.takes("[:") {
                self.rest = &self.rest[self.rest.find(":]")? + 2..];
                bytes = EVERY;
                continue;
            }
            let Some(from) = self.class_character()? else {
                bytes = EVERY;
                continue;
            };
            let mut to = from;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                to = self.class_character()??;
            }
            let ascii = from as u32..=(to as u32).min(127);
            bytes = ascii.fold(bytes, |bytes, code| bytes.or(Bytes(1 << code, false)));
            bytes.1 |= !to.is_ascii();
        }
        // What a negated class leaves out is not worth knowing beyond ASCII.
        let complement = if bytes == EVERY { EVERY } else { Bytes(!bytes.0, true) };
        Some(if negated { complement } else { bytes })
    }

    /// One character of a class; the inner `None` is a class of characters.
    fn class_character(&mut self) -> Option<Option<char>> {
        match self.next()? {
            '\\' => Some(self.character()),
            c => Some(Some(c)),
        }
    }
}

#[cfg(test)]
mod tests;
