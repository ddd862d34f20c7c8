//! Relabeling: rules that change the labels of a target or a series, or leave it out, one after another.
//!
//! Patterns are those of Go: they match the whole text, a point matches every character, and the classes that Perl gave
//! names to are of ASCII.

mod pattern;

use md5::{Digest as _, Md5};
use regex::Regex;

use crate::config::{Action, RelabelConfig};
use crate::labels::Labels;

pub(crate) use self::pattern::anchored;

/// Rules in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    source_labels: Vec<String>,
    separator: String,
    regex: Regex,
    modulus: u64,
    target_label: String,
    replacement: String,
    action: Action,
}

impl Rules {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// Where one is none; with the place of its rule.
    pub(crate) fn new(configs: &[RelabelConfig]) -> Result<Self, (usize, String)> {
        let rule = |(at, config): (usize, &RelabelConfig)| Rule::new(config).map_err(|error| (at, error));
        configs.iter().enumerate().map(rule).collect::<Result<_, _>>().map(Rules)
    }

    /// Changes the labels. Gives whether that which has them is kept.
    pub(crate) fn apply(&self, labels: &mut Labels) -> bool {
        self.0.iter().all(|rule| rule.apply(labels))
    }
}

impl Rule {
    fn new(config: &RelabelConfig) -> Result<Rule, String> {
        Ok(Rule {
            source_labels: config.source_labels.clone(),
            separator: config.separator.clone(),
            regex: anchored(&config.regex)?,
            modulus: config.modulus,
            target_label: config.target_label.clone(),
            replacement: config.replacement.clone(),
            action: config.action,
        })
    }

    fn apply(&self, labels: &mut Labels) -> bool {
        let value = self.value(labels);
        match self.action {
            Action::Keep => return self.regex.is_match(&value),
            Action::Drop => return !self.regex.is_match(&value),
            Action::KeepEqual => return labels.get(&self.target_label) == value,
            Action::DropEqual => return labels.get(&self.target_label) != value,
            Action::Replace => {
                let Some(captures) = self.regex.captures(&value) else { return true };
                let (mut name, mut text) = (String::new(), String::new());
                captures.expand(&self.target_label, &mut name);
                captures.expand(&self.replacement, &mut text);
                if !name.is_empty() {
                    labels.set(name, text);
                }
            }
            Action::Lowercase => labels.set(self.target_label.as_str(), value.to_lowercase()),
            Action::Uppercase => labels.set(self.target_label.as_str(), value.to_uppercase()),
            Action::HashMod => labels.set(self.target_label.as_str(), hash_mod(&value, self.modulus).to_string()),
            Action::LabelMap => {
                let matches = |name: &str| self.regex.is_match(name);
                let renamed: Vec<(String, String)> = labels
                    .iter()
                    .filter(|(name, _)| matches(name))
                    .map(|(name, value)| {
                        (self.regex.replace(name, self.replacement.as_str()).into_owned(), value.to_owned())
                    })
                    .collect();
                for (name, value) in renamed.into_iter().filter(|(name, _)| !name.is_empty()) {
                    labels.set(name, value);
                }
            }
            Action::LabelDrop => labels.retain(|name| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|name| self.regex.is_match(name)),
        }
        true
    }

    /// The values of the labels that the rule looks at, joined.
    fn value(&self, labels: &Labels) -> String {
        let mut value = String::new();
        for (at, name) in self.source_labels.iter().enumerate() {
            if at > 0 {
                value.push_str(&self.separator);
            }
            value.push_str(labels.get(name));
        }
        value
    }
}

/// What is left of a text's hash: the second half of its MD5, as Prometheus has it.
pub(crate) fn hash_mod(text: &str, modulus: u64) -> u64 {
    let hash = u128::from_be_bytes(Md5::digest(text.as_bytes()).into());
    (hash as u64).checked_rem(modulus).unwrap_or(0)
}

#[cfg(test)]
mod tests;
