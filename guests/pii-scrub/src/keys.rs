//! Key names of a configuration, exact or as globs.

use tidegate_sdk::{Batch, Error, glob};

/// A list of names.
pub(crate) struct KeyNames {
    names: Vec<String>,
}

/// What is known of the keys of one batch.
pub(crate) struct KnownKeys<'k> {
    names: &'k KeyNames,
    /// By number in the batch's dictionary.
    known: Vec<Option<bool>>,
}

/// What means something in a regular expression.
const SPECIAL: &str = r"\.+*?()|[]{}^$#&-~";

impl KeyNames {
    pub(crate) fn new(key: &str, names: &[String]) -> Result<KeyNames, Error> {
        if let Some(at) = names.iter().position(String::is_empty) {
            return Err(Error::at(&format!("{key}[{at}]"), "is empty; give a key, with `*` and `?` for what varies"));
        }
        Ok(KeyNames { names: names.to_vec() })
    }

    /// A pattern that matches a whole key, in letters of either case; `None` without names.
    pub(crate) fn pattern(&self) -> Option<String> {
        let mut pattern = String::from("^(?si:");
        for (at, name) in self.names.iter().enumerate() {
            if at > 0 {
                pattern.push('|');
            }
            for c in name.chars() {
                match c {
                    '*' => pattern.push_str(".*"),
                    '?' => pattern.push('.'),
                    // Not each sign may have a backslash before it: `\\<` is the start of a word.
                    c if SPECIAL.contains(c) => pattern.extend(['\\', c]),
                    c => pattern.push(c),
                }
            }
        }
        pattern.push_str(")$");
        (!self.names.is_empty()).then_some(pattern)
    }

    pub(crate) fn known(&self) -> KnownKeys<'_> {
        KnownKeys { names: self, known: Vec::new() }
    }
}

impl KnownKeys<'_> {
    /// Whether a key of the batch is one of the names.
    pub(crate) fn has(&mut self, batch: &Batch<'_>, number: Option<u32>) -> bool {
        if self.names.names.is_empty() {
            return false;
        }
        // What lies under no key has the empty one, which no name is meant for.
        let key = number.and_then(|number| batch.key(number)).filter(|key| !key.is_empty());
        let (Some(number), Some(key)) = (number, key) else { return false };
        let number = number as usize;
        if number >= self.known.len() {
            self.known.resize(number + 1, None);
        }
        *self.known[number].get_or_insert_with(|| self.names.names.iter().any(|name| glob::matches(name, key)))
    }
}
