//! From Go's syntax to that of Rust's `regex`, where they differ: brackets, braces, `\Q…\E`, octal numbers and `\s`; and
//! what `(?i)` means beyond ASCII, which the engine of the guest does not know.

mod fold;

use fold::others;

/// A pattern for either engine that means there what `go` means in Go. What is wrong in Go may come out wrong or as it was.
pub fn from_go(go: &str) -> String {
    translated(go, ["\\b", "\\B"])
}

/// The same for the host's engine alone, whose `\b` would be at home in every script.
pub fn from_go_for_host(go: &str) -> String {
    translated(go, ["(?-u:\\b)", "(?-u:\\B)"])
}

fn translated(go: &str, boundaries: [&'static str; 2]) -> String {
    let out = String::with_capacity(go.len() + 16);
    let mut translator = Translator { rest: go, out, folds: vec![false], boundaries };
    while let Some(c) = translator.next() {
        match c {
            '\\' => translator.escape(),
            '[' => translator.class(),
            '{' => translator.brace(),
            '(' => translator.open(),
            ')' => translator.close(),
            '.' | '*' | '+' | '?' | '|' | '^' | '$' => translator.out.push(c),
            c => translator.literal(c),
        }
    }
    translator.out
}

struct Translator<'g> {
    rest: &'g str,
    out: String,
    /// Whether letters of either case are meant, for each open group from the outside in.
    folds: Vec<bool>,
    /// What `\b` and `\B` are.
    boundaries: [&'static str; 2],
}

/// What has a meaning of its own in Rust's syntax somewhere.
const META: &str = r"\.+*?()|[]{}^$#&-~";

impl<'g> Translator<'g> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn folds(&self) -> bool {
        self.folds.last().copied().unwrap_or_default()
    }

    /// A character that stands for itself, outside of brackets.
    fn literal(&mut self, c: char) {
        let others = if self.folds() { fold::beyond(c..=c) } else { String::new() };
        if others.is_empty() {
            return self.plain(c);
        }
        self.out.extend(['[', c]);
        self.out.push_str(&others);
        self.out.push(']');
    }

    fn plain(&mut self, c: char) {
        if META.contains(c) {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    /// What follows an opening parenthesis, as far as it says how letters are meant.
    fn open(&mut self) {
        self.out.push('(');
        let flags = self.rest.strip_prefix('?').and_then(|rest| {
            let end = rest.find(|c: char| !matches!(c, 'i' | 'm' | 's' | 'U' | '-'))?;
            Some((&rest[..end], &rest[end..])).filter(|(_, rest)| rest.starts_with([':', ')']))
        });
        let mut folds = self.folds();
        let Some((flags, rest)) = flags else {
            self.folds.push(folds);
            // A name is no text that matches.
            let is_named = ["?P<", "?<"].iter().any(|start| self.rest.starts_with(start));
            if let Some(end) = self.rest.find('>').filter(|_| is_named) {
                self.copy(end + 1);
            }
            return;
        };
        let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
        folds = (folds || on.contains('i')) && !off.contains('i');
        if rest.starts_with(')') {
            // They are for the group around them.
            self.folds.pop();
            self.folds.push(folds);
        }
        self.folds.push(folds);
        self.copy(1 + flags.len());
    }

    fn close(&mut self) {
        self.out.push(')');
        if self.folds.len() > 1 {
            self.folds.pop();
        }
    }

    /// Copies all up to `end` of the rest.
    fn copy(&mut self, end: usize) {
        self.out.push_str(&self.rest[..end]);
        self.rest = &self.rest[end..];
    }

    /// What follows a backslash, outside of brackets.
    fn escape(&mut self) {
        match self.peek() {
            Some('Q') => {
                let quoted = &self.rest[1..];
                let end = quoted.find("\\E").unwrap_or(quoted.len());
                let text: &'g str = &quoted[..end];
                text.chars().for_each(|c| self.literal(c));
                self.rest = quoted[end..].strip_prefix("\\E").unwrap_or_default();
            }
            Some('b') => self.instead(self.boundaries[0]),
            Some('B') => self.instead(self.boundaries[1]),
            Some('d') => self.instead("[0-9]"),
            Some('D') => self.instead("[^0-9]"),
            Some('w') if self.folds() => self.instead("[0-9A-Za-z_\u{17f}\u{212a}]"),
            Some('W') if self.folds() => self.instead("[^0-9A-Za-z_\u{17f}\u{212a}]"),
            Some('w') => self.instead("[0-9A-Za-z_]"),
            Some('W') => self.instead("[^0-9A-Za-z_]"),
            Some('s') => self.instead("[\\t\\n\\f\\r ]"),
            Some('S') => self.instead("[^\\t\\n\\f\\r ]"),
            _ => {
                let start = self.out.len();
                if let Some(c) = self.character().filter(|_| self.folds()).filter(|c| others(*c).next().is_some()) {
                    self.out.truncate(start);
                    self.literal(c);
                }
            }
        }
    }

    /// Takes one character of the rest and writes this in its place.
    fn instead(&mut self, out: &str) {
        self.next();
        self.out.push_str(out);
    }

    /// What follows a backslash and stands for characters, in brackets and outside; the character, where it is a certain one.
    fn character(&mut self) -> Option<char> {
        let Some(c) = self.next() else {
            self.out.push('\\');
            return None;
        };
        match c {
            '0'..='7' if c == '0' || self.peek().is_some_and(|next| ('0'..='7').contains(&next)) => {
                let mut value = c.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    self.next();
                }
                self.out.push_str("\\x{");
                for shift in [4, 0] {
                    self.out.push(char::from_digit(value >> shift & 15, 16).unwrap_or('0'));
                }
                self.out.push('}');
                char::from_u32(value)
            }
            'p' | 'P' | 'x' => {
                self.out.extend(['\\', c]);
                let from = self.rest;
                let len = match from.starts_with('{') {
                    true => from.find('}').map_or(from.len(), |at| at + 1),
                    false => from.chars().take(if c == 'x' { 2 } else { 1 }).map(char::len_utf8).sum(),
                };
                self.copy(len);
                let digits = from[..len].trim_matches(['{', '}']);
                u32::from_str_radix(digits, 16).ok().filter(|_| c == 'x').and_then(char::from_u32)
            }
            c if c.is_ascii_alphanumeric() => {
                self.out.extend(['\\', c]);
                None
            }
            c => {
                self.plain(c);
                Some(c)
            }
        }
    }

    /// A brace is a literal unless it is a repetition.
    fn brace(&mut self) {
        let end = self.rest.find('}');
        let is_repetition = end.is_some_and(|end| {
            let (first, last) = self.rest[..end].split_once(',').unwrap_or((&self.rest[..end], ""));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            !first.is_empty() && digits(first) && digits(last)
        });
        match end.filter(|_| is_repetition) {
            Some(end) => {
                self.out.push('{');
                self.copy(end + 1);
            }
            None => self.plain('{'),
        }
    }

    /// A bracketed class: Go has no classes within, and no operators.
    fn class(&mut self) {
        self.out.push('[');
        if self.peek() == Some('^') {
            self.instead("^");
        }
        let mut first = true;
        while let Some(c) = self.peek() {
            if c == ']' && !first {
                self.instead("]");
                return;
            }
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.find(":]")
            {
                let folds = self.folds() && WITH_LETTERS.contains(&&self.rest[2..end]);
                self.copy(end + 2);
                self.out.push_str(if folds { FOLDED } else { "" });
                continue;
            }
            let start = self.class_item();
            // A range goes on to its end; a `-` before the closing bracket is a literal.
            let mut end = start;
            if self.rest.starts_with('-') && !self.rest[1..].starts_with(']') && self.rest.len() > 1 {
                self.instead("-");
                end = self.class_item();
            }
            if let (true, Some(start), Some(end)) = (self.folds(), start, end) {
                self.out.push_str(&fold::beyond(start..=end));
            }
        }
    }

    /// An item of a class, or one end of a range; the character, where it is a certain one.
    fn class_item(&mut self) -> Option<char> {
        match self.next()? {
            '\\' => {
                let folds = self.folds();
                let class = match self.peek() {
                    Some('d') => "0-9",
                    Some('D') => "\\x{0}-/:-\\x{10ffff}",
                    Some('w') if folds => "0-9A-Za-z_\u{17f}\u{212a}",
                    Some('W') if folds => "\\x{0}-/:-@\\[-\\^`\\{-\\x{17e}\\x{180}-\\x{2129}\\x{212b}-\\x{10ffff}",
                    Some('w') => "0-9A-Za-z_",
                    Some('W') => "\\x{0}-/:-@\\[-\\^`\\{-\\x{10ffff}",
                    Some('s') => "\\t\\n\\f\\r ",
                    Some('S') => "\\x{0}-\\x{8}\\x{b}\\x{e}-\\x{1f}!-\\x{10ffff}",
                    _ => return self.character(),
                };
                self.instead(class);
                None
            }
            c => {
                self.plain(c);
                Some(c)
            }
        }
    }
}

/// The letters beyond ASCII that are equal to one within it when case does not matter.
const FOLDED: &str = "\u{17f}\u{212a}";

/// Named classes that have the letters in them to which these are equal.
const WITH_LETTERS: [&str; 8] = ["alnum", "alpha", "ascii", "graph", "lower", "print", "upper", "word"];

#[cfg(test)]
mod tests;
