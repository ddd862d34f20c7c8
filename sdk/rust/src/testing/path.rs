//! Paths as a test needs them: context, field, keys, reach.

use crate::{Error, Level, Signal};

/// Which values under a field a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The value itself.
    Exact,
    /// `[*]`.
    Values,
    /// `[**]`.
    Deep,
}

#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) level: Level,
    pub(super) field: String,
    pub(super) keys: Vec<String>,
    pub(super) reach: Reach,
}

const CONTEXTS: [(&str, Level, Option<Signal>); 9] = [
    ("resource", Level::Origin, None),
    ("scope", Level::Scope, None),
    ("log", Level::Item, Some(Signal::Logs)),
    ("span", Level::Item, Some(Signal::Traces)),
    ("spanevent", Level::Event, Some(Signal::Traces)),
    ("spanlink", Level::Link, Some(Signal::Traces)),
    ("metric", Level::Metric, Some(Signal::Metrics)),
    ("datapoint", Level::Item, Some(Signal::Metrics)),
    ("exemplar", Level::Exemplar, Some(Signal::Metrics)),
];

/// The level that a context's rows are at.
pub(super) fn level(context: &str) -> Level {
    let found = CONTEXTS.iter().find(|(name, ..)| *name == context);
    found.unwrap_or_else(|| panic!("there is no context {context}")).1
}

/// What a level's rows are called in a signal.
pub(super) fn context(signal: Signal, level: Level) -> &'static str {
    let fits = |of: &Option<Signal>| of.is_none_or(|of| of == signal);
    CONTEXTS.iter().find(|(_, at, of)| *at == level && fits(of)).map_or("row", |(name, ..)| name)
}

impl Path {
    pub(super) fn parse(signal: Signal, source: &str) -> Result<Path, Error> {
        let refuse = |problem: &str| Error::at(source, problem);
        let (context, rest) = source.split_once('.').ok_or_else(|| refuse("a path is a context, a dot and a field"))?;
        let (_, level, only) =
            *CONTEXTS.iter().find(|(name, ..)| *name == context).ok_or_else(|| refuse("there is no such context"))?;
        if only.is_some_and(|only| only != signal) {
            return Err(refuse("the signal has no such context"));
        }
        let (field, mut rest) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
        let mut path = Path { level, field: field.to_owned(), keys: Vec::new(), reach: Reach::Exact };
        while !rest.is_empty() {
            if path.reach != Reach::Exact {
                return Err(refuse("nothing may follow `[*]` or `[**]`"));
            }
            rest = if let Some(rest) = rest.strip_prefix("[**]") {
                path.reach = Reach::Deep;
                rest
            } else if let Some(rest) = rest.strip_prefix("[*]") {
                path.reach = Reach::Values;
                rest
            } else {
                let quoted =
                    rest.strip_prefix('[').ok_or_else(|| refuse("an index is `[\"key\"]`, `[*]` or `[**]`"))?;
                let mut keys = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
                let key = keys.next().and_then(Result::ok).ok_or_else(|| refuse("a key stands in double quotes"))?;
                path.keys.push(key);
                quoted[keys.byte_offset()..].strip_prefix(']').ok_or_else(|| refuse("a key is followed by `]`"))?
            };
        }
        Ok(path)
    }

    /// Whether an edit of a value at these keys of a field is within the path.
    pub(super) fn covers(&self, level: Level, field: &str, keys: &[&str]) -> bool {
        self.level == level
            && self.field == field
            && keys.len() >= self.keys.len()
            && self.keys.iter().zip(keys).all(|(own, key)| own == key)
            && (self.reach != Reach::Values || keys.len() == self.keys.len() + 1)
    }
}
