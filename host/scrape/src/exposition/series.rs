//! The name and the labels of a series: where they end, which is all that is asked of a series that is known, and what
//! they are.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

use super::text::{millis, number, token, told};
use crate::labels::{Labels, NAME};

/// Splits a line behind the name and the labels.
pub(super) fn split(line: &str) -> Result<(&str, &str), String> {
    let name_end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    let behind = line.get(name_end..).unwrap_or_default();
    let labels = behind.trim_start_matches([' ', '\t']);
    if !labels.starts_with('{') {
        return Ok(line.split_at(name_end));
    }
    let start = name_end + behind.len() - labels.len();
    let end = closing(labels.as_bytes()).ok_or("a label set has no `}`, or a value no `\"`")?;
    line.split_at_checked(start + end).ok_or_else(|| "a label set ends within a character".to_owned())
}

/// Where the label set that begins here ends, behind its brace.
fn closing(labels: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'}', labels.get(at..)?)?;
        if labels.get(at) == Some(&b'}') {
            return Some(at + 1);
        }
        at = quoted_end(labels, at + 1)?;
    }
}

/// Behind the quote that ends the text which begins at `at`.
fn quoted_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr3(b'"', b'\\', b'\n', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

/// The name of a family, quoted or not, and what stands behind it.
pub(super) fn family(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = quoted_end(text.as_bytes(), 1).ok_or("the name of a metric has no end")?;
        let name = quoted.get(..end - 2).unwrap_or_default();
        return Ok((unescaped(name, label_escape), text.get(end..).unwrap_or_default()));
    }
    let (name, rest) = token(text);
    if is_name(name) {
        Ok((Cow::Borrowed(name), rest))
    } else {
        Err(format!("{:?} is no name of a metric", told(name)))
    }
}

/// The labels of a series, its name among them.
///
/// # Errors
/// When the text is none.
pub(crate) fn labels(series: &str) -> Result<Labels, String> {
    let mut labels = Labels::new();
    let open = series.find('{').unwrap_or(series.len());
    let (name, set) = series.split_at(open);
    let name = name.trim_end_matches([' ', '\t']);
    if !name.is_empty() {
        if !is_name(name) {
            return Err(format!("{:?} is no name of a metric", told(name)));
        }
        labels.set(NAME, name);
    }
    if let Some(set) = set.strip_prefix('{') {
        pairs(set.strip_suffix('}').ok_or("a label set has no end")?, &mut labels)?;
    }
    if labels.has(NAME) { Ok(labels) } else { Err("a sample has no name".to_owned()) }
}

/// Labels that a series may have, whatever `label_limit` says: no target is to take the time of all for its own.
const MOST: usize = 1024;

/// What stands between the braces.
fn pairs(set: &str, labels: &mut Labels) -> Result<(), String> {
    let mut rest = set.trim_start_matches([' ', '\t']);
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    while !rest.is_empty() {
        let (name, is_quoted, behind) = match rest.strip_prefix('"') {
            Some(_) => {
                let (text, behind) = quoted(rest)?;
                (text, true, behind)
            }
            None => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let (name, behind) = rest.split_at(end);
                if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(format!("{:?} begins no label", told(rest)));
                }
                (Cow::Borrowed(name), false, behind)
            }
        };
        let behind = behind.trim_start_matches([' ', '\t']);
        rest = match behind.strip_prefix('=') {
            Some(behind) => {
                let (value, behind) = quoted(behind.trim_start_matches([' ', '\t']))?;
                if seen.len() >= MOST {
                    return Err(format!("a series has more than {MOST} labels"));
                }
                if seen.contains(&name) || name == NAME {
                    return Err(format!("the label {:?} is there twice", told(&name)));
                }
                labels.set(&*name, value);
                seen.push(name);
                behind
            }
            // A quoted text alone is the name of the metric.
            None if is_quoted && !labels.has(NAME) && !name.is_empty() => {
                labels.set(NAME, name);
                behind
            }
            None => return Err(format!("the label {:?} has no value", told(&name))),
        };
        rest = rest.trim_start_matches([' ', '\t']);
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind.trim_start_matches([' ', '\t']),
            None if rest.is_empty() => {}
            None => return Err(format!("{:?} stands behind a label", told(rest))),
        }
    }
    Ok(())
}

/// A text in quotes at the beginning, and what stands behind it.
fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    if !text.starts_with('"') {
        return Err(format!("{:?} begins no quoted text", told(text)));
    }
    let end = quoted_end(text.as_bytes(), 1).ok_or("a quoted text has no end")?;
    let inner = text.get(1..end - 1).unwrap_or_default();
    Ok((unescaped(inner, label_escape), text.get(end..).unwrap_or_default()))
}

fn label_escape(escaped: char) -> Option<char> {
    match escaped {
        'n' => Some('\n'),
        '"' | '\\' => Some(escaped),
        _ => None,
    }
}

/// The text with what stands behind each backslash; what means nothing there stays as it is.
pub(super) fn unescaped(text: &str, meaning: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some(escaped) => match meaning(escaped) {
                Some(meant) => out.push(meant),
                None => out.extend(['\\', escaped]),
            },
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

fn is_name(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

/// A measurement that stands behind a sample as an example.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    /// Milliseconds since the Unix epoch.
    pub(crate) time: Option<i64>,
}

impl Exemplar {
    /// Reads `{labels} value time`.
    pub(super) fn read(text: &str) -> Result<Exemplar, String> {
        let wrong = || format!("{:?} is no exemplar", told(text));
        if !text.starts_with('{') {
            return Err(wrong());
        }
        let end = closing(text.as_bytes()).ok_or_else(wrong)?;
        let (set, rest) = text.split_at_checked(end).ok_or_else(wrong)?;
        let mut labels = Labels::new();
        pairs(set.get(1..end - 1).unwrap_or_default(), &mut labels)?;
        let (value, rest) = token(rest);
        let (time, rest) = token(rest);
        let value = number(value).ok_or_else(wrong)?;
        let time = if time.is_empty() { None } else { Some(number(time).and_then(millis).ok_or_else(wrong)?) };
        if rest.trim().is_empty() { Ok(Exemplar { labels, value, time }) } else { Err(wrong()) }
    }
}
