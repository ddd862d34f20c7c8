//! An action as the operator writes it, and as it is run.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Any, Context, Error, Mode};

use super::constant::Constant;
use crate::pattern::{Pattern, indexed};

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActionConfig {
    key: String,
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Any>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<Any>,
    pattern: String,
    from_attribute: String,
    from_context: String,
    converted_type: String,
}

/// One action.
#[derive(Debug)]
pub(super) struct Action {
    /// Empty where a pattern alone says which keys are meant.
    pub(super) key: String,
    pub(super) does: Does,
}

/// What an action does.
#[derive(Debug)]
pub(super) enum Does {
    Write(Mode, Source),
    Delete(Option<Pattern>),
    Hash(Option<Pattern>),
    /// By a pattern, each of whose groups is an attribute.
    Extract(Pattern, Vec<String>),
    Convert(Target),
}

/// Where a value comes from: the first of these that has one.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) value: Option<Constant>,
    /// A key of the request's metadata.
    pub(super) metadata: Option<String>,
    pub(super) attribute: Option<String>,
    pub(super) default: Option<Constant>,
}

/// The type that an attribute is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Text,
    Int,
    Double,
}

impl Action {
    /// The pattern of keys, where there is one.
    pub(super) fn keys(&self) -> Option<&Pattern> {
        match &self.does {
            Does::Delete(pattern) | Does::Hash(pattern) => pattern.as_ref(),
            _ => None,
        }
    }

    /// Every key that it names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (from, groups): (Option<&str>, &[String]) = match &self.does {
            Does::Write(_, source) => (source.attribute.as_deref(), &[]),
            Does::Extract(_, groups) => (None, groups),
            _ => (None, &[]),
        };
        let own = (!self.key.is_empty()).then_some(self.key.as_str());
        own.into_iter().chain(from).chain(groups.iter().map(String::as_str))
    }

    /// Whether what it does depends on a row by more than whether the key is there.
    fn looks(&self) -> bool {
        match &self.does {
            Does::Write(_, source) => source.attribute.is_some(),
            Does::Delete(pattern) => pattern.is_some(),
            Does::Hash(_) | Does::Extract(..) | Does::Convert(_) => true,
        }
    }
}

impl Source {
    /// The value that does not depend on a row, as far as there is one; that of an attribute comes before the default.
    pub(super) fn metadata(&self, context: &Context) -> Option<String> {
        let wanted = self.metadata.as_deref()?;
        let mut values = context.all_metadata().filter(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, v)| v);
        let mut joined = values.next()?.to_owned();
        for value in values {
            joined.push(';');
            joined.push_str(value);
        }
        Some(joined)
    }
}

/// For each action whether it has to be run row by row.
///
/// A key that one such action names is changed row by row by every action that names it, and so is one that may end as
/// two different values.
pub(super) fn dynamic(list: &[Action]) -> Vec<bool> {
    if list.iter().any(|action| action.keys().is_some()) {
        return vec![true; list.len()];
    }
    let mut dynamic: Vec<bool> = list.iter().map(|action| action.looks() || has_two_ends(list, &action.key)).collect();
    loop {
        let before = dynamic.clone();
        for at in 0..list.len() {
            let shares =
                |other: usize| before[other] && list[other].names().any(|name| list[at].names().any(|own| own == name));
            dynamic[at] |= (0..list.len()).any(shares);
        }
        if dynamic == before {
            return dynamic;
        }
    }
}

/// Whether a row that has the key may get another value than one that has it not.
fn has_two_ends(list: &[Action], key: &str) -> bool {
    let has = |wanted: Mode| {
        list.iter().any(|action| action.key == key && matches!(&action.does, Does::Write(mode, _) if *mode == wanted))
    };
    has(Mode::Insert) && has(Mode::Update)
}

/// Takes the actions under `key`.
pub(super) fn actions(key: &str, configs: Vec<ActionConfig>) -> Result<Vec<Action>, Error> {
    let each = configs.into_iter().enumerate();
    each.map(|(at, config)| action(&indexed(key, at), config)).collect()
}

fn action(at: &str, config: ActionConfig) -> Result<Action, Error> {
    let fail = |field: &str, problem: &str| Err(Error::at(&field_of(at, field), problem));
    let name = config.action.to_ascii_lowercase();
    let by_pattern = matches!(name.as_str(), "delete" | "hash");
    if config.key.is_empty() && (!by_pattern || config.pattern.is_empty()) {
        let problem = if by_pattern { "give a `key`, a `pattern` or both" } else { "is missing" };
        return fail("key", problem);
    }
    refuse_unused(at, &name, &config)?;
    let key = config.key.clone();
    let does = match name.as_str() {
        "insert" => Does::Write(Mode::Insert, source(at, config)?),
        "update" => Does::Write(Mode::Update, source(at, config)?),
        "upsert" => Does::Write(Mode::Upsert, source(at, config)?),
        "delete" => Does::Delete(key_pattern(at, &config)?),
        "hash" => Does::Hash(key_pattern(at, &config)?),
        "extract" => extract(at, &config)?,
        "convert" => Does::Convert(match config.converted_type.as_str() {
            "string" => Target::Text,
            "int" => Target::Int,
            "double" => Target::Double,
            _ => return fail("converted_type", "has to be string, int or double"),
        }),
        "" => return fail("action", "is missing: insert, update, upsert, delete, hash, extract or convert"),
        _ => return fail("action", "is none of insert, update, upsert, delete, hash, extract and convert"),
    };
    Ok(Action { key, does })
}

/// Names a field that the action has no use for.
fn refuse_unused(at: &str, action: &str, config: &ActionConfig) -> Result<(), Error> {
    let writes = matches!(action, "insert" | "update" | "upsert");
    let fields = [
        ("value", is_given(config.value.as_ref()), writes),
        ("default_value", is_given(config.default_value.as_ref()), writes),
        ("from_attribute", !config.from_attribute.is_empty(), writes),
        ("from_context", !config.from_context.is_empty(), writes),
        ("pattern", !config.pattern.is_empty(), matches!(action, "delete" | "hash" | "extract")),
        ("converted_type", !config.converted_type.is_empty(), action == "convert"),
    ];
    let known = writes || matches!(action, "delete" | "hash" | "extract" | "convert");
    match fields.into_iter().find(|(_, given, used)| *given && !used && known) {
        Some((field, ..)) => {
            let problem = ["the action `", action, "` does not use it; take it out"].concat();
            Err(Error::at(&field_of(at, field), &problem))
        }
        None => Ok(()),
    }
}

/// Nothing behind a key is as good as no key.
fn is_given(value: Option<&Any>) -> bool {
    value.is_some_and(|value| *value != Any::Empty)
}

fn source(at: &str, config: ActionConfig) -> Result<Source, Error> {
    let constant = |value: Option<Any>| value.filter(|value| *value != Any::Empty).map(Constant::new);
    let text = |text: String| (!text.is_empty()).then_some(text);
    let metadata = text(config.from_context).map(|from| metadata(at, &from)).transpose()?;
    let source = Source {
        value: constant(config.value),
        metadata,
        attribute: text(config.from_attribute),
        default: constant(config.default_value),
    };
    let given = [source.value.is_some(), source.metadata.is_some(), source.attribute.is_some()];
    match given.into_iter().filter(|given| *given).count() {
        0 if source.default.is_none() => {
            Err(Error::at(at, "give one of `value`, `from_attribute`, `from_context` and `default_value`"))
        }
        0 | 1 => Ok(source),
        _ => Err(Error::at(at, "`value`, `from_attribute` and `from_context` exclude each other; keep one")),
    }
}

/// The keys of request metadata that actions look at, in lower case.
pub fn request_keys(configs: &[ActionConfig]) -> Vec<String> {
    let named = configs.iter().map(|config| config.from_context.as_str()).filter(|from| !from.is_empty());
    named.map(|from| from.strip_prefix("metadata.").unwrap_or(from).to_ascii_lowercase()).collect()
}

/// The key of the metadata that `from_context` means.
fn metadata(at: &str, from: &str) -> Result<String, Error> {
    let key = from.strip_prefix("metadata.").unwrap_or(from);
    if from == "client.address" || from.starts_with("auth.") {
        let problem = "a processor is not told the client's address or who it is; `metadata.<key>` is served, or keep \
                       the processor in a Collector";
        return Err(Error::at(&field_of(at, "from_context"), problem));
    }
    Ok(key.to_owned())
}

fn key_pattern(at: &str, config: &ActionConfig) -> Result<Option<Pattern>, Error> {
    let given = !config.pattern.is_empty();
    given.then(|| Pattern::new(field_of(at, "pattern"), &config.pattern)).transpose()
}

fn extract(at: &str, config: &ActionConfig) -> Result<Does, Error> {
    let name = field_of(at, "pattern");
    if config.pattern.is_empty() {
        return Err(Error::at(&name, "is missing; `extract` makes an attribute of each of its named groups"));
    }
    let pattern = Pattern::new(name.as_str(), &config.pattern)?;
    let groups: Option<Vec<String>> =
        pattern.own_regex()?.capture_names().skip(1).map(|group| group.map(str::to_owned)).collect();
    match groups {
        Some(groups) if !groups.is_empty() => Ok(Does::Extract(pattern, groups)),
        Some(_) => Err(Error::at(&name, "has no named group; write one as `(?P<attribute>…)`")),
        None => Err(Error::at(&name, "has a group without a name; write `(?P<attribute>…)`, or `(?:…)` for none")),
    }
}

fn field_of(at: &str, field: &str) -> String {
    [at, ".", field].concat()
}
