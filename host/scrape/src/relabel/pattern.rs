//! A pattern in Go's syntax, made into one that means the same here.

use regex::{Regex, RegexBuilder};

/// How large a compiled pattern may be.
const SIZE: usize = 1 << 20;

/// A pattern that matches the whole of a text.
pub(crate) fn anchored(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(&format!("^(?s:{})$", translated(pattern))).size_limit(SIZE).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(most) => format!("{pattern:?} takes more than {most} bytes when it is compiled"),
        _ => format!("{pattern:?} is no pattern: {}", last_line(&error)),
    })
}

/// The line of an error that says what is wrong: those before it draw the pattern.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

/// Writes classes of ASCII where Go has them under a short name, and takes the meaning from what has none inside a class
/// in Go.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut is_in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str(r"[\t\n\f\r ]"),
                Some('S') => out.push_str(r"[^\t\n\f\r ]"),
                Some('b') if !is_in_class => out.push_str(r"(?-u:\b)"),
                Some('Q') if !is_in_class => quote(&mut chars, &mut out),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' if is_in_class && chars.peek() == Some(&':') => {
                // The name of a class: `[:alpha:]`.
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' if is_in_class => out.push_str(r"\["),
            '[' => {
                is_in_class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // First in its class, it stands for itself.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
            }
            ']' if is_in_class => {
                is_in_class = false;
                out.push(']');
            }
            '&' | '~' if is_in_class => out.extend(['\\', char]),
            '-' if is_in_class && chars.peek() == Some(&'-') => out.push_str(r"\-"),
            other => out.push(other),
        }
    }
    out
}

/// What stands between `\Q` and `\E` stands for itself.
fn quote(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(char) = chars.next() {
        if char == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(char.encode_utf8(&mut [0; 4])));
    }
}
