//! Patterns for names: a text, or one with wildcards, none of which but `**` goes over a `/`.

use globset::{GlobBuilder, GlobMatcher};

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
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        glob.map(|glob| Pattern::Glob(glob.compile_matcher()))
            .map_err(|error| format!("{text:?} is no pattern: {}", error.kind()))
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Pattern::Exact(text) => text == name,
            Pattern::Glob(glob) => glob.is_match(name),
        }
    }
}

/// Whether a pattern is one name.
pub(crate) fn is_exact(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\'])
}
