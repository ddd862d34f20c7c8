//! Topics, and the signal and the form of the records in each.
//!
//! Which topics a pattern means is decided twice: by the client, which knows the extended regular expressions of POSIX, and
//! here. Patterns are held to what both understand alike.

mod posix;

use host_component::Signal;
use host_config::Wrong;
use regex::Regex;

use super::config::Config;
use crate::client::{Form, TOPICS};
use crate::exporter::is_topic;

/// What is read.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    wanted: Vec<Wanted>,
    forms: [Form; 3],
}

#[derive(Clone, Debug)]
struct Wanted {
    signal: Signal,
    /// As the broker is told.
    text: String,
    pattern: Option<Regex>,
}

/// What compiling one pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

impl Topics {
    /// # Errors
    /// Where a name or pattern cannot be one, or means two signals.
    pub(crate) fn new(config: &Config) -> Result<Self, Wrong> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut forms = [Form::Proto; 3];
        let mut excluded = Vec::new();
        for signal in Signal::ALL {
            let of = config.of(signal);
            let key = format!("{signal}.topics");
            forms[signal as usize] = of.encoding.form(&format!("{signal}.encoding"))?;
            let standard = [TOPICS[signal as usize].to_owned()];
            let names = if of.topics.is_empty() { &standard[..] } else { &of.topics };
            for text in names {
                if let Some(other) = wanted.iter().find(|other| other.text == *text) {
                    let message =
                        format!("{text:?} is named for {} already: a record has one signal here", other.signal);
                    return Err(Wrong::new(key, message));
                }
                wanted.push(Wanted { signal, pattern: pattern(text, &key)?, text: text.clone() });
            }
            let has_pattern = names.iter().any(|name| name.starts_with('^'));
            let key = format!("{signal}.exclude_topics");
            if !of.exclude_topics.is_empty() && !has_pattern {
                let message = format!("none of {signal}.topics is a pattern, which begins with `^`: take it out");
                return Err(Wrong::new(key, message));
            }
            for text in &of.exclude_topics {
                if text.is_empty() || text.contains(',') {
                    return Err(Wrong::new(key, "an entry is empty or has a comma, which a pattern here may not have"));
                }
                excluded.push((key.clone(), text, compiled(text, &key)?));
            }
        }
        let topics = Topics { wanted, forms };
        match excluded.into_iter().find_map(|(key, text, pattern)| topics.clash(key, text, &pattern)) {
            Some(wrong) => Err(wrong),
            None => Ok(topics),
        }
    }

    /// What is wrong with leaving out what this pattern means: the client leaves it out of every signal, names too.
    fn clash(&self, key: String, text: &str, pattern: &Regex) -> Option<Wrong> {
        let is_left_out = |wanted: &&Wanted| wanted.pattern.is_none() && pattern.is_match(&wanted.text);
        let Wanted { signal, text: name, .. } = self.wanted.iter().find(is_left_out)?;
        let message = format!(
            "{text:?} means {name:?} too, which is named for {signal}, and what is left out is left out for all signals: \
             write a pattern that does not mean it, such as one that ends with `$`"
        );
        Some(Wrong::new(key, message))
    }

    /// The names and patterns to read for these signals.
    pub(crate) fn of(&self, takes: impl Fn(Signal) -> bool) -> Vec<&str> {
        self.wanted.iter().filter(|wanted| takes(wanted.signal)).map(|wanted| wanted.text.as_str()).collect()
    }

    /// What the records of a topic are; a name goes before a pattern.
    pub(crate) fn signal(&self, topic: &str) -> Option<(Signal, Form)> {
        let by_name = self.wanted.iter().find(|wanted| wanted.pattern.is_none() && wanted.text == topic);
        let by_pattern =
            || self.wanted.iter().find(|wanted| wanted.pattern.as_ref().is_some_and(|p| p.is_match(topic)));
        by_name.or_else(by_pattern).map(|wanted| (wanted.signal, self.forms[wanted.signal as usize]))
    }
}

fn pattern(text: &str, key: &str) -> Result<Option<Regex>, Wrong> {
    match text.starts_with('^') {
        true => compiled(text, key).map(Some),
        false if is_topic(text) => Ok(None),
        false => {
            let message = format!(
                "{text:?} is no name for a topic (letters, digits, `.`, `_` and `-`, 249 at most) and no pattern, which \
                 begins with `^`"
            );
            Err(Wrong::new(key, message))
        }
    }
}

fn compiled(text: &str, key: &str) -> Result<Regex, Wrong> {
    posix::check(text).map_err(|reason| Wrong::new(key, format!("{text:?} is no pattern here: {reason}")))?;
    let built = regex::RegexBuilder::new(text).size_limit(PATTERN_BYTES).build();
    built.map_err(|error| Wrong::new(key, format!("{text:?} is no pattern: {error}")))
}

#[cfg(test)]
mod tests;
