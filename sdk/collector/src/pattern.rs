//! A pattern is a regular expression in Go's syntax, which the host runs and the guest can run as well.
//!
//! The host finds matches in what crosses over. What a processor has changed or made itself it searches here, with an
//! engine that has no tables of Unicode: it knows no `\p{…}`.

mod shape;

use regex_lite::Regex;
use tidegate_sdk::Error;

pub use shape::{Bytes, Shape};

#[cfg(test)]
mod tests;

/// Bytes that the host takes as one pattern.
const LONGEST: usize = 4096;

/// One pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What the configuration calls it.
    name: String,
    /// In the syntax of Rust's `regex`.
    source: String,
    /// Or why this side cannot run it.
    regex: Result<Regex, String>,
}

impl Pattern {
    /// Takes a pattern that stands at `name` in the configuration. Whether it is sound the host says.
    ///
    /// # Errors
    /// It is empty.
    pub fn new(name: impl Into<String>, go: &str) -> Result<Pattern, Error> {
        let name = name.into();
        if go.is_empty() {
            return Err(Error::at(&name, "is empty, which matches everywhere and nothing"));
        }
        let source = sdk_patterns::from_go(go);
        let regex = compiled(&source);
        Ok(Pattern { name, source, regex })
    }

    /// A list of patterns under one key.
    ///
    /// # Errors
    /// One of them is empty.
    pub fn list(key: &str, go: &[String]) -> Result<Vec<Pattern>, Error> {
        let each = go.iter().enumerate();
        each.map(|(at, go)| Pattern::new(indexed(key, at), go)).collect()
    }

    /// Patterns that match these texts and nothing else: none where there is no text, and more than one where one would be
    /// too long for the host.
    pub fn exactly<'t>(name: &str, texts: impl IntoIterator<Item = &'t str>) -> Vec<Pattern> {
        const START: &str = "^(?:";
        const END: &str = ")$";
        let mut sources: Vec<String> = Vec::new();
        for text in texts.into_iter().map(regex_lite::escape) {
            match sources.last_mut() {
                Some(source) if source.len() + 1 + text.len() + END.len() <= LONGEST => {
                    source.push('|');
                    source.push_str(&text);
                }
                _ => sources.push([START, &text].concat()),
            }
        }
        let pattern = |mut source: String| {
            source.push_str(END);
            let regex = compiled(&source);
            Pattern { name: name.to_owned(), source, regex }
        };
        sources.into_iter().map(pattern).collect()
    }

    /// What the configuration calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For the host.
    pub fn for_host(&self) -> tidegate_sdk::Pattern {
        tidegate_sdk::Pattern::named(self.name.as_str(), self.source.as_str())
    }

    /// What its matches look like.
    pub fn shape(&self) -> Shape {
        Shape::of(&self.source)
    }

    /// For this side, where it can run it.
    pub fn regex(&self) -> Option<&Regex> {
        self.regex.as_ref().ok()
    }

    /// For this side, which has to run it.
    ///
    /// # Errors
    /// It cannot.
    pub fn own_regex(&self) -> Result<&Regex, Error> {
        self.regex.as_ref().map_err(|why| {
            let hint = if self.source.contains("\\p") { "; write the characters of `\\p` out in brackets" } else { "" };
            Error::at(&self.name, &["cannot be run by the module: ", why, hint].concat())
        })
    }
}

fn compiled(source: &str) -> Result<Regex, String> {
    Regex::new(source).map_err(|error| error.to_string())
}

/// `key[3]`.
pub fn indexed(key: &str, at: usize) -> String {
    let mut name = key.to_owned();
    name.push('[');
    name.push_str(&at.to_string());
    name.push(']');
    name
}
