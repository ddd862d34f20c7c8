//! From Go's syntax to that of Rust's `regex`, where they differ: brackets, braces, `\Q…\E`, octal numbers and `\s`; and
//! what `(?i)` means beyond ASCII, which the engine of the guest does not know.

/// A pattern that means there what `go` means in Go. What is wrong in Go may come out wrong or as it was.
pub(super) fn from_go(go: &str) -> String {
    let mut translator = Translator { rest: go, out: String::with_capacity(go.len() + 16), folds: vec![false] };
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
        let others = others(c);
        if self.folds() && !others.is_empty() {
            self.out.extend(['[', c]);
            self.out.push_str(&others);
            return self.out.push(']');
        }
        self.plain(c);
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
        let Some((flags, rest)) = flags else { return self.folds.push(folds) };
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
            Some('d') => self.instead("[0-9]"),
            Some('D') => self.instead("[^0-9]"),
            Some('w') if self.folds() => self.instead("[0-9A-Za-z_\u{17f}\u{212a}]"),
            Some('W') if self.folds() => self.instead("[^0-9A-Za-z_\u{17f}\u{212a}]"),
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
            c => self.plain(c),
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
                self.copy(end + 2);
                continue;
            }
            let from = self.rest;
            self.class_item();
            // A range goes on to its end; a `-` before the closing bracket is a literal.
            if self.rest.starts_with('-') && !self.rest[1..].starts_with(']') && self.rest.len() > 1 {
                self.instead("-");
                self.class_item();
            }
            if self.folds() {
                self.fold(&from[..from.len() - self.rest.len()]);
            }
        }
    }

    /// Adds what else is meant by an item of a class.
    fn fold(&mut self, item: &str) {
        let mut ends = item.chars();
        let (first, last) = (ends.next().unwrap_or_default(), ends.next_back());
        let has = |letter: char| match last {
            None => first.eq_ignore_ascii_case(&letter),
            Some(last) => [letter, letter.to_ascii_uppercase()].iter().any(|letter| (first..=last).contains(letter)),
        };
        match last {
            None if !first.is_ascii() => self.out.push_str(&others(first)),
            Some(_) if first == '\\' && item != "\\w" => {}
            _ => {
                let is_word = item == "\\w";
                self.out.extend(['s', 'k'].into_iter().filter(|c| is_word || has(*c)).flat_map(beyond));
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
            Some(c) => self.plain(c),
            None => {}
        }
    }
}

/// Of a letter, the others that it is equal to when case does not matter and that the guest's engine does not know of.
fn others(c: char) -> String {
    let mut others: String = beyond(c.to_ascii_lowercase()).into_iter().filter(|other| *other != c).collect();
    if !c.is_ascii() {
        let cases = [one(c.to_lowercase()), one(c.to_uppercase())];
        others.extend(cases.into_iter().flatten().filter(|other| *other != c));
    }
    others
}

/// The letter beyond ASCII that is equal to this one.
fn beyond(letter: char) -> Option<char> {
    match letter {
        's' => Some('\u{17f}'),
        'k' => Some('\u{212a}'),
        _ => None,
    }
}

fn one(mut case: impl Iterator<Item = char>) -> Option<char> {
    case.next().filter(|_| case.next().is_none())
}
