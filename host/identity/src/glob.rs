//! Patterns for names: a text, or one with wildcards, none of which but `**` goes over a `/`.

use globset::{GlobBuilder, GlobMatcher};

use crate::config::Source;

/// A name, or a pattern of names.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Exact(String),
    Glob(GlobMatcher),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn of(text: &str) -> Result<Pattern, String> {
        if text.is_empty() {
            return Err("an empty pattern matches nobody: write a name, or one with `*`".to_owned());
        }
        if is_exact(text) {
            return Ok(Pattern::Exact(text.to_owned()));
        }
        glob(text, Case::Counts).map(Pattern::Glob)
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Exact(text) => text == name,
            Pattern::Glob(glob) => glob.is_match(name),
        }
    }
}

/// An identity, or a pattern of identities. Those that are DNS names are the same in capitals and in small letters; a
/// path of a SPIFFE ID is another one, and of a common name nobody knows.
#[derive(Clone, Debug)]
pub(crate) enum Identities {
    One(String),
    Many { glob: GlobMatcher, of_dns: GlobMatcher },
}

impl Identities {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn of(text: &str) -> Result<Identities, String> {
        Ok(match Pattern::of(text)? {
            Pattern::Exact(text) => Identities::One(text),
            Pattern::Glob(exact) => Identities::Many { glob: exact, of_dns: glob(text, Case::DoesNotCount)? },
        })
    }

    /// Whether an identity that stood there in a certificate is one of these.
    pub(crate) fn have(&self, identity: &str, from: Source) -> bool {
        match (self, from) {
            (Identities::One(text), Source::Dns) => text.eq_ignore_ascii_case(identity),
            (Identities::One(text), Source::Spiffe | Source::CommonName) => text == identity,
            (Identities::Many { of_dns, .. }, Source::Dns) => of_dns.is_match(identity),
            (Identities::Many { glob, .. }, Source::Spiffe | Source::CommonName) => glob.is_match(identity),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Counts,
    DoesNotCount,
}

fn glob(text: &str, case: Case) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).case_insensitive(case == Case::DoesNotCount).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| format!("{text:?} is no pattern: {}", error.kind()))
}

/// Whether a pattern is one name.
pub(crate) fn is_exact(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\'])
}
