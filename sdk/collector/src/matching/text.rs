//! A filter of texts: equal to one of a list, or matched by one of a list of patterns.

use tidegate_sdk::Error;

use super::config::MatchType;
use crate::pattern::Pattern;

/// What texts pass.
pub(super) struct TextFilter {
    /// For the host, and for what the host does not see.
    patterns: Vec<Pattern>,
}

impl TextFilter {
    pub(super) fn new(key: &str, texts: &[String], how: MatchType) -> Result<TextFilter, Error> {
        let patterns = match how {
            MatchType::Strict => Pattern::exactly(key, texts.iter().map(String::as_str)),
            MatchType::Regexp => Pattern::list(key, texts)?,
        };
        patterns.iter().try_for_each(|pattern| pattern.own_regex().map(|_| ()))?;
        Ok(TextFilter { patterns })
    }

    pub(super) fn for_host(&self) -> impl Iterator<Item = tidegate_sdk::Pattern> {
        self.patterns.iter().map(Pattern::for_host)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.patterns.iter().filter_map(Pattern::regex).any(|regex| regex.is_match(text))
    }
}
