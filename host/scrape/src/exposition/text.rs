//! The text formats: Prometheus' own, 0.0.4 and 1.0.0, and OpenMetrics. A line at a time.

use std::borrow::Cow;

use memchr::memchr;

use super::series::{self, Exemplar};
use super::{Kind, ParseError};

/// Which of the text formats it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Prometheus,
    OpenMetrics,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    Type(Cow<'a, str>, Kind),
    Help(Cow<'a, str>, Cow<'a, str>),
    Unit(Cow<'a, str>, &'a str),
    Sample(Sample<'a>),
}

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample<'a> {
    /// Name and labels, as they stand there.
    pub(crate) series: &'a str,
    pub(crate) value: f64,
    /// Milliseconds since the Unix epoch.
    pub(crate) time: Option<i64>,
    pub(crate) exemplar: Option<Exemplar>,
}

/// Reads a text to its end, or to the first thing that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a str,
    format: Format,
    line: usize,
    is_over: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str, format: Format) -> Self {
        Reader { rest: text, format, line: 0, is_over: false }
    }

    /// The next line; nothing at the end.
    fn line(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', self.rest.as_bytes());
        let (line, rest) = match end.and_then(|end| self.rest.split_at_checked(end)) {
            Some((line, rest)) => (line, rest.get(1..).unwrap_or_default()),
            None => (self.rest, ""),
        };
        self.rest = rest;
        self.line += 1;
        Some(line)
    }

    fn event(&mut self) -> Result<Option<Event<'a>>, String> {
        while let Some(line) = self.line() {
            let trimmed = line.trim_start_matches([' ', '\t']);
            if let Some(comment) = trimmed.strip_prefix('#') {
                match self.comment(comment)? {
                    Some(event) => return Ok(Some(event)),
                    None if self.is_over => return Ok(None),
                    None => {}
                }
            } else if !trimmed.is_empty() {
                return sample(trimmed, self.format).map(Event::Sample).map(Some);
            }
        }
        match self.format {
            Format::OpenMetrics => Err("the text does not end with `# EOF`: a part of it is missing".to_owned()),
            Format::Prometheus => Ok(None),
        }
    }

    fn comment(&mut self, comment: &'a str) -> Result<Option<Event<'a>>, String> {
        let comment = comment.trim_start_matches([' ', '\t']);
        let (word, rest) = comment.split_once([' ', '\t']).unwrap_or((comment, ""));
        if word == "EOF" && self.format == Format::OpenMetrics {
            if !self.rest.is_empty() {
                return Err("there is something behind `# EOF`".to_owned());
            }
            self.is_over = true;
            return Ok(None);
        }
        if !matches!(word, "TYPE" | "HELP" | "UNIT") || word == "UNIT" && self.format == Format::Prometheus {
            return Ok(None);
        }
        let (name, rest) = series::family(rest.trim_start_matches([' ', '\t']))?;
        Ok(Some(match word {
            "TYPE" => {
                let word = rest.trim();
                Event::Type(name, Kind::of(word).ok_or_else(|| format!("{word:?} is no type of a metric"))?)
            }
            "HELP" => Event::Help(name, help(rest.trim_start_matches([' ', '\t']), self.format)),
            _ => Event::Unit(name, rest.trim()),
        }))
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Event<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let event = self.event();
        self.is_over |= !matches!(event, Ok(Some(_)));
        event.map_err(|what| ParseError { place: "line", number: self.line, what }).transpose()
    }
}

fn help(text: &str, format: Format) -> Cow<'_, str> {
    let quotes = format == Format::OpenMetrics;
    series::unescaped(text, |escaped| match escaped {
        'n' => Some('\n'),
        '\\' => Some('\\'),
        '"' if quotes => Some('"'),
        _ => None,
    })
}

fn sample(line: &str, format: Format) -> Result<Sample<'_>, String> {
    let (series, rest) = series::split(line)?;
    let (value, rest) = token(rest);
    let value = number(value).ok_or_else(|| format!("{:?} is no value", told(value)))?;
    let (rest, exemplar) = match rest.split_once('#') {
        Some((rest, exemplar)) if format == Format::OpenMetrics => (rest, Some(Exemplar::read(exemplar.trim())?)),
        _ => (rest, None),
    };
    let (time, rest) = token(rest);
    let read = match (time, format) {
        ("", _) => Some(None),
        (text, Format::Prometheus) => text.parse().ok().map(Some),
        (text, Format::OpenMetrics) => number(text).and_then(millis).map(Some),
    };
    let time = read.ok_or_else(|| format!("{:?} is no time", told(time)))?;
    if !rest.trim().is_empty() {
        return Err(format!("{:?} stands behind the sample", told(rest.trim())));
    }
    Ok(Sample { series, value, time, exemplar })
}

/// The first word, and what stands behind it.
pub(super) fn token(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    text.split_at(end)
}

/// A number as Go reads it, hexadecimal ones apart.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Milliseconds of a time in seconds.
pub(super) fn millis(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    (millis.is_finite() && millis.abs() < 9.0e18).then_some(millis as i64)
}

/// The beginning of what is told of: a log line has an end.
pub(crate) fn told(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests;
