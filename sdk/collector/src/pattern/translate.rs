//! From Go's syntax to that of Rust's `regex`, where they differ: brackets, braces, `\Q…\E`, octal numbers and `\s`.

/// A pattern that means there what `go` means in Go. What is wrong in Go may come out wrong or as it was.
pub(super) fn from_go(go: &str) -> String {
    let mut translator = Translator { rest: go, out: String::with_capacity(go.len() + 16) };
    while let Some(c) = translator.next() {
        match c {
            '\\' => translator.escape(),
            '[' => translator.class(),
            '{' => translator.brace(),
            '}' | ']' => translator.literal(c),
            c => translator.out.push(c),
        }
    }
    translator.out
}

struct Translator<'g> {
    rest: &'g str,
    out: String,
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

    fn literal(&mut self, c: char) {
        if META.contains(c) {
            self.out.push('\\');
        }
        self.out.push(c);
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
            Some('d') => self.instead("[0-9]"),
            Some('D') => self.instead("[^0-9]"),
            Some('w') => self.instead("[0-9A-Za-z_]"),
            Some('W') => self.instead("[^0-9A-Za-z_]"),
            Some('s') => self.instead("[\\t\\n\\f\\r ]"),
            Some('S') => self.instead("[^\\t\\n\\f\\r ]"),
            _ => self.character(),
        }
    }

    /// Takes one character of the rest and writes this in its place.
    fn instead(&mut self, out: &str) {
        self.next();
        self.out.push_str(out);
    }

    /// What follows a backslash and stands for characters, in brackets and outside.
    fn character(&mut self) {
        let Some(c) = self.next() else { return self.out.push('\\') };
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
            }
            'p' | 'P' | 'x' => {
                self.out.extend(['\\', c]);
                if self.rest.starts_with('{') {
                    let end = self.rest.find('}').map_or(self.rest.len(), |at| at + 1);
                    self.copy(end);
                }
            }
            c if c.is_ascii_alphanumeric() => self.out.extend(['\\', c]),
            c => self.literal(c),
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
            None => self.literal('{'),
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
                self.copy(end + 2);
                continue;
            }
            self.class_item();
            // A range goes on to its end; a `-` before the closing bracket is a literal.
            if self.rest.starts_with('-') && !self.rest[1..].starts_with(']') && self.rest.len() > 1 {
                self.instead("-");
                self.class_item();
            }
        }
    }

    fn class_item(&mut self) {
        match self.next() {
            Some('\\') => match self.peek() {
                Some('d') => self.instead("0-9"),
                Some('w') => self.instead("0-9A-Za-z_"),
                Some('s') => self.instead("\\t\\n\\f\\r "),
                _ => self.character(),
            },
            Some(c) => self.literal(c),
            None => {}
        }
    }
}
