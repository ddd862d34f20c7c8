//! What becomes of a key: ignored, removed, its value masked, or its value looked at.

use sdk_collector::pattern::Pattern;
use tidegate_sdk::{Batch, Error};

use crate::config::Config;

/// The names and patterns of keys.
pub(crate) struct Keys {
    allow_all: bool,
    allowed: Vec<String>,
    ignored: Vec<String>,
    ignored_patterns: Vec<Pattern>,
    blocked_patterns: Vec<Pattern>,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Ignored,
    Removed,
    Masked,
    Looked,
}

/// The attributes in which this processor tells what it did, as far as the Collector allows them on its own.
const OWN: [&str; 5] = [
    "redaction.redacted.keys",
    "redaction.redacted.count",
    "redaction.masked.keys",
    "redaction.masked.count",
    "redaction.ignored.count",
];

impl Keys {
    pub(crate) fn new(config: &Config) -> Result<Keys, Error> {
        let ignored_patterns = Pattern::list("ignored_key_patterns", &config.ignored_key_patterns)?;
        let blocked_patterns = Pattern::list("blocked_key_patterns", &config.blocked_key_patterns)?;
        ignored_patterns.iter().chain(&blocked_patterns).try_for_each(|pattern| pattern.own_regex().map(|_| ()))?;
        let allowed = config.allowed_keys.iter().cloned().chain(OWN.map(str::to_owned)).collect();
        let (allow_all, ignored) = (config.allow_all_keys, config.ignored_keys.clone());
        Ok(Keys { allow_all, allowed, ignored, ignored_patterns, blocked_patterns })
    }

    pub(crate) fn fate(&self, key: &str) -> Fate {
        let matches =
            |patterns: &[Pattern]| patterns.iter().filter_map(Pattern::regex).any(|regex| regex.is_match(key));
        if self.ignored.iter().any(|ignored| ignored == key) || matches(&self.ignored_patterns) {
            Fate::Ignored
        } else if !self.allow_all && !self.allowed.iter().any(|allowed| allowed == key) {
            Fate::Removed
        } else if matches(&self.blocked_patterns) {
            Fate::Masked
        } else {
            Fate::Looked
        }
    }

    /// Whether every attribute has to be seen.
    pub(crate) fn look_at_all(&self) -> bool {
        !self.allow_all
    }

    /// Whether any key is more than looked at.
    pub(crate) fn are_plain(&self) -> bool {
        self.allow_all && !self.any_ignored() && self.blocked_patterns.is_empty()
    }

    fn any_ignored(&self) -> bool {
        !self.ignored.is_empty() || !self.ignored_patterns.is_empty()
    }

    /// Patterns of keys whose values are masked, and with `ignored` of those that are counted as ignored.
    pub(crate) fn for_host(&self, ignored: bool) -> Vec<tidegate_sdk::Pattern> {
        let mut patterns: Vec<_> = self.blocked_patterns.iter().map(Pattern::for_host).collect();
        if ignored {
            patterns.extend(self.ignored_patterns.iter().map(Pattern::for_host));
            let names = Pattern::exactly("ignored_keys", self.ignored.iter().map(String::as_str));
            patterns.extend(names.iter().map(Pattern::for_host));
        }
        patterns
    }
}

/// What is known of the keys of one batch, by number in its dictionary.
pub(crate) struct Fates<'k> {
    keys: &'k Keys,
    known: Vec<Option<Fate>>,
}

impl<'k> Fates<'k> {
    pub(crate) fn new(keys: &'k Keys) -> Fates<'k> {
        Fates { keys, known: Vec::new() }
    }

    pub(crate) fn of(&mut self, batch: &Batch<'_>, number: u32) -> Fate {
        let at = number as usize;
        if at >= self.known.len() {
            self.known.resize(at + 1, None);
        }
        *self.known[at].get_or_insert_with(|| self.keys.fate(batch.key(number).unwrap_or_default()))
    }
}
