//! A rule is a kind of finding and what happens to it; rules come in the order in which they win.

use tidegate_sdk::{Error, Pattern};

use crate::config::{ActionName, Config};
use crate::detector::Detector;
use crate::field::Field;
use crate::keys::KeyNames;

/// What a configuration looks for.
pub(crate) struct Rules {
    /// Own patterns first, then detectors.
    pub(crate) list: Vec<Rule>,
    /// Matches a blocked key; the pattern after those of the rules.
    blocked: Option<String>,
    /// Whether any rule drops items.
    pub(crate) drop_items: bool,
    /// Whether anything may be removed with its key.
    pub(crate) remove: bool,
}

/// One kind of finding.
pub(crate) struct Rule {
    pub(crate) name: String,
    /// What the configuration calls the pattern.
    key: String,
    pattern: String,
    /// Whose matches are checked; `None` where the pattern decides.
    pub(crate) verified: Option<Detector>,
    pub(crate) action: Action,
}

/// What happens to a finding.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    /// This takes its place.
    Write(String),
    Hash,
    Drop,
    DropItem,
}

/// As many as the host takes in one read.
const PATTERNS: usize = 64;

/// The name of blocked keys among the rules, in counters and the audit.
const BLOCKED_KEY: &str = "blocked_key";

impl Rules {
    pub(crate) fn new(config: &Config) -> Result<Rules, Error> {
        let mut rules = Rules {
            list: Vec::new(),
            blocked: KeyNames::new("blocked_keys", &config.blocked_keys)?.pattern(),
            drop_items: false,
            remove: false,
        };
        for (at, own) in config.patterns.iter().enumerate() {
            let key = |name: &str| format!("patterns[{at}].{name}");
            if own.regex.is_empty() {
                return Err(Error::at(&key("regex"), "is empty, which matches everywhere and nothing"));
            }
            if own.name.is_empty() || !own.name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')) {
                return Err(Error::at(
                    &key("name"),
                    "has to be lower-case letters, digits and `_`, for it names a counter",
                ));
            }
            let action = action(config, &own.name, own.action, own.mask.as_deref(), own.placeholder.as_deref());
            let (name, pattern) = (own.name.clone(), own.regex.clone());
            let rule = Rule { name, key: key("regex"), pattern, verified: None, action };
            rules.add(rule, config, || key("name"))?;
        }
        for (detector, options) in &config.detectors.0 {
            let name = detector.name();
            let action = action(config, name, options.action, options.mask.as_deref(), options.placeholder.as_deref());
            let verified = (options.verify && !detector.is_exact()).then_some(*detector);
            let (key, pattern) = (format!("detectors.{name}"), detector.pattern().to_owned());
            let rule = Rule { name: name.to_owned(), key: key.clone(), pattern, verified, action };
            rules.add(rule, config, || key)?;
        }
        if rules.list.is_empty() && rules.blocked.is_none() {
            return Err(Error::at("detectors", "nothing to look for; name a detector, a pattern or a blocked key"));
        }
        if rules.list.len() + usize::from(rules.blocked.is_some()) > PATTERNS {
            return Err(Error::at(
                "patterns",
                "with the detectors and `blocked_keys` there may be 64; join some by `|`",
            ));
        }
        rules.remove |= rules.blocked.is_some();
        Ok(rules)
    }

    fn add(&mut self, rule: Rule, config: &Config, key: impl FnOnce() -> String) -> Result<(), Error> {
        if rule.name == BLOCKED_KEY || self.list.iter().any(|known| known.name == rule.name) {
            return Err(Error::at(&key(), "the name is taken; each detector and pattern has its own"));
        }
        if rule.action == Action::Hash && config.hash.is_none() {
            return Err(Error::at(
                "hash.key",
                "is missing, and an action is `hash`; give a secret of 16 bytes or more",
            ));
        }
        self.drop_items |= rule.action == Action::DropItem;
        self.remove |= rule.action == Action::Drop;
        self.list.push(rule);
        Ok(())
    }

    /// The patterns for a field, by number of their rule; that of blocked keys comes last and where there are keys only.
    pub(crate) fn patterns_for(&self, field: Field) -> impl Iterator<Item = Pattern> {
        let blocked = self.blocked.as_deref().filter(|_| field.has_keys());
        let rules = self.list.iter().map(|rule| Pattern::named(rule.key.as_str(), rule.pattern.as_str()));
        rules.chain(blocked.map(|pattern| Pattern::named("blocked_keys", pattern)))
    }

    /// The number of blocked keys, as if they were a rule.
    pub(crate) fn blocked_key(&self) -> usize {
        self.list.len()
    }

    /// The name of a rule, or of blocked keys.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.list.get(number).map_or(BLOCKED_KEY, |rule| &rule.name)
    }
}

impl Action {
    /// What takes a finding's place, as far as that is known before there is one.
    pub(crate) fn text(&self) -> &str {
        match self {
            Action::Write(text) => text,
            Action::Hash | Action::Drop | Action::DropItem => "",
        }
    }
}

/// The action of a rule: its own options before those of all.
fn action(
    config: &Config,
    name: &str,
    action: Option<ActionName>,
    mask: Option<&str>,
    placeholder: Option<&str>,
) -> Action {
    match action.unwrap_or(config.action) {
        ActionName::Mask => Action::Write(mask.unwrap_or(&config.mask).to_owned()),
        ActionName::Replace => Action::Write(placeholder.unwrap_or(&config.placeholder).replace("{name}", name)),
        ActionName::Hash => Action::Hash,
        ActionName::Drop => Action::Drop,
        ActionName::DropItem => Action::DropItem,
    }
}
