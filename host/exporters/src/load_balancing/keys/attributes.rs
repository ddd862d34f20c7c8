//! Keys of attributes: `name=value|` for each, `name=|` where there is none.

use std::borrow::Cow;

use host_otlp::view::{KeyValue, Repeated};

use crate::prometheus_remote_write::text::text;

/// In which order the attributes stand in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As they are configured.
    AsListed,
    /// Those of the resource, those of the scope, those of the item; as they are configured within each.
    ByLevel,
}

/// What is around items: the attributes of the key that their resource and their scope have.
#[derive(Clone)]
pub(super) struct Around<'k> {
    names: &'k [String],
    /// For each name, where it was found and what it is.
    found: Vec<Option<(Level, String)>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Resource,
    Scope,
}

type Attributes<'a> = Repeated<'a, KeyValue<'a>>;

impl<'k> Around<'k> {
    pub(super) fn new(names: &'k [String], resource: Option<Attributes<'_>>) -> Self {
        let mut around = Around { names, found: vec![None; names.len()] };
        around.look(Level::Resource, resource);
        around
    }

    /// The same within a scope.
    pub(super) fn with(&self, scope: Option<Attributes<'_>>) -> Self {
        let mut around = self.clone();
        around.look(Level::Scope, scope);
        around
    }

    fn look(&mut self, level: Level, attributes: Option<Attributes<'_>>) {
        let Some(attributes) = attributes else { return };
        for (name, found) in self.names.iter().zip(&mut self.found).filter(|(_, found)| found.is_none()) {
            *found = self::found(attributes.clone(), name).map(|value| (level, value.into_owned()));
        }
    }

    /// Whether items have nothing to add.
    pub(super) fn is_complete(&self) -> bool {
        self.found.iter().all(Option::is_some)
    }

    /// The key of an item, which has the attributes that `own` says.
    pub(super) fn key<'a>(&self, order: Order, own: impl Fn(&str) -> Option<Cow<'a, str>>) -> String {
        let mut key = String::new();
        let mut part = |name: &str, value: &str| {
            key.push_str(name);
            key.push('=');
            key.push_str(value);
            key.push('|');
        };
        let levels: &[Option<Level>] = match order {
            Order::AsListed => &[None],
            Order::ByLevel => &[Some(Level::Resource), Some(Level::Scope), None],
        };
        for wanted in levels {
            for (name, found) in self.names.iter().zip(&self.found) {
                match (found, wanted) {
                    (Some((level, value)), Some(wanted)) if level == wanted => part(name, value),
                    (Some((_, value)), None) if order == Order::AsListed => part(name, value),
                    (None, None) => part(name, &own(name).unwrap_or_default()),
                    _ => {}
                }
            }
        }
        key
    }
}

/// The text of an attribute; none where there is none of this name.
pub(super) fn found<'a>(mut attributes: Attributes<'a>, name: &str) -> Option<Cow<'a, str>> {
    let pair = attributes.find(|pair| pair.key == name)?;
    Some(text(pair.value.as_ref()))
}
