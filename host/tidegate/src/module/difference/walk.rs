//! The walk goes through two requests at once, field by field, and notes where they part.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::align::{Step, align};
use super::{Change, Difference, show};

/// Members of a oneof and fields whose presence says something: absent is not the same as 0.
const PRESENT: [&str; 16] = [
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
    "asInt",
    "asDouble",
    "gauge",
    "sum",
    "histogram",
    "exponentialHistogram",
    "summary",
    "min",
    "max",
];

/// Where two requests that take this route differ.
pub(super) fn between(route: Option<&str>, old: &Value, new: &Value) -> Vec<Difference> {
    let mut walk = Walk { found: Vec::new() };
    let place = route.map(|route| format!("route {route:?}: ")).unwrap_or_default();
    walk.message(&place, fields(Some(old)), fields(Some(new)));
    walk.found
}

/// Takes out what a reader takes for absent.
pub(super) fn forget_defaults(tree: &mut Value) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(forget_defaults),
        Value::Object(fields) => {
            fields.values_mut().for_each(forget_defaults);
            fields.retain(|key, value| !is_default(key, value));
        }
        _ => {}
    }
}

fn is_default(key: &str, value: &Value) -> bool {
    if PRESENT.contains(&key) {
        return false;
    }
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text == "0" && show::is_wide(key),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

struct Walk {
    found: Vec<Difference>,
}

impl Walk {
    fn note(&mut self, place: &str, change: Change) {
        self.found.push(Difference { place: place.to_owned(), change });
    }

    fn message(&mut self, place: &str, old: &Map<String, Value>, new: &Map<String, Value>) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let dot = if place.is_empty() || place.ends_with(' ') { "" } else { "." };
            self.field(&format!("{place}{dot}{key}"), key, old.get(key), new.get(key));
        }
    }

    fn field(&mut self, place: &str, key: &str, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        let told = self.found.len();
        match key {
            "attributes" | "filteredAttributes" | "metadata" => self.pairs(place, items(old), items(new)),
            "body" => self.any(place, old, new),
            _ if has_messages(old) || has_messages(new) => self.rows(place, key, items(old), items(new)),
            // What a metric is is told as a whole where it becomes something else.
            _ if [old, new].into_iter().flatten().all(Value::is_object)
                && !(PRESENT.contains(&key) && is_one(old, new)) =>
            {
                self.message(place, fields(old), fields(new));
            }
            _ => self.scalar(place, old.map(|old| show::scalar(key, old)), new.map(|new| show::scalar(key, new))),
        }
        // What is not the same is told, though nobody may have thought of how.
        if self.found.len() == told {
            let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            let (old, new) = show::cut(&text(old), &text(new));
            self.note(place, Change::Changed { old, new });
        }
    }

    fn scalar(&mut self, place: &str, old: Option<String>, new: Option<String>) {
        match (old, new) {
            (Some(old), Some(new)) => {
                let (old, new) = show::cut(&old, &new);
                self.note(place, Change::Changed { old, new });
            }
            (Some(old), None) => self.note(place, Change::Removed(show::cut_one(&old))),
            (None, Some(new)) => self.note(place, Change::Added(show::cut_one(&new))),
            (None, None) => {}
        }
    }

    /// Attributes, found by their keys.
    fn pairs(&mut self, place: &str, old: &[Value], new: &[Value]) {
        let (old, new) = (keyed(old), keyed(new));
        let (in_old, in_new): (HashMap<_, _>, HashMap<_, _>) =
            (old.iter().copied().collect(), new.iter().copied().collect());
        for (key, value) in &old {
            let place = format!("{place}{}", key.bracket());
            match in_new.get(key) {
                Some(now) => self.value(&place, *value, *now),
                None => self.note(&place, Change::Removed(show::cut_one(&show::any(*value)))),
            }
        }
        for (key, value) in new.iter().filter(|(key, _)| !in_old.contains_key(key)) {
            self.note(&format!("{place}{}", key.bracket()), Change::Added(show::cut_one(&show::any(*value))));
        }
        let order = |one: &[(Key<'_>, Option<&Value>)], other: &HashMap<Key<'_>, Option<&Value>>| -> Vec<String> {
            one.iter().filter(|(key, _)| other.contains_key(key)).map(|(key, _)| format!("{:?}", key.name)).collect()
        };
        let (before, after) = (order(&old, &in_new), order(&new, &in_old));
        if before != after {
            let (old, new) = show::cut(&before.join(", "), &after.join(", "));
            self.note(place, Change::Reordered { old, new });
        }
    }

    /// A field that holds a value of any type.
    fn any(&mut self, place: &str, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (Some(_), Some(_)) => self.value(place, old, new),
            _ => self.scalar(place, old.map(|_| show::any(old)), new.map(|_| show::any(new))),
        }
    }

    /// A value of any type; none is one of no type.
    fn value(&mut self, place: &str, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        if let (Some(old), Some(new)) = (member(old, "kvlistValue"), member(new, "kvlistValue")) {
            return self.pairs(place, old, new);
        }
        if let (Some(old), Some(new)) = (member(old, "arrayValue"), member(new, "arrayValue")) {
            return self.list(place, old, new);
        }
        let (old, new) = show::cut(&show::any(old), &show::any(new));
        self.note(place, Change::Changed { old, new });
    }

    /// The items of an array, by their numbers.
    fn list(&mut self, place: &str, old: &[Value], new: &[Value]) {
        for at in 0..old.len().max(new.len()) {
            let place = format!("{place}[{at}]");
            match (old.get(at), new.get(at)) {
                (Some(old), None) => self.note(&place, Change::Removed(show::cut_one(&show::any(Some(old))))),
                (None, Some(new)) => self.note(&place, Change::Added(show::cut_one(&show::any(Some(new))))),
                (old, new) => self.value(&place, old, new),
            }
        }
    }

    /// Resources, scopes, items and what lies under them.
    fn rows(&mut self, place: &str, key: &str, old: &[Value], new: &[Value]) {
        for step in align(old, new) {
            match step {
                Step::Pair(i, j) => self.message(&format!("{place}[{i}]"), fields(old.get(i)), fields(new.get(j))),
                Step::Removed(i) => {
                    let gone = old.get(i).map(|row| show::row(key, row)).unwrap_or_default();
                    self.note(&format!("{place}[{i}]"), Change::Removed(gone));
                }
                Step::Added(j) => {
                    let come = new.get(j).map(|row| show::row(key, row)).unwrap_or_default();
                    self.note(&format!("{place}[{j}]"), Change::Added(come));
                }
            }
        }
    }
}

/// A key, and how many of the same name stand before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key<'a> {
    name: &'a str,
    nth: usize,
}

impl Key<'_> {
    fn bracket(self) -> String {
        match self.nth {
            0 => format!("[{:?}]", self.name),
            nth => format!("[{:?}; {}]", self.name, nth + 1),
        }
    }
}

fn keyed(pairs: &[Value]) -> Vec<(Key<'_>, Option<&Value>)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let pair = |pair| {
        let name = Value::get(pair, "key").and_then(Value::as_str).unwrap_or_default();
        let nth = seen.entry(name).and_modify(|nth| *nth += 1).or_default();
        (Key { name, nth: *nth }, pair.get("value"))
    };
    pairs.iter().map(pair).collect()
}

fn has_messages(value: Option<&Value>) -> bool {
    items(value).first().is_some_and(Value::is_object)
}

/// Whether a member of a oneof is there on one side only.
fn is_one(old: Option<&Value>, new: Option<&Value>) -> bool {
    old.is_some() != new.is_some()
}

/// What a value of this type has in it.
fn member<'v>(value: Option<&'v Value>, name: &str) -> Option<&'v [Value]> {
    value?.get(name).map(|list| items(list.get("values")))
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn fields(value: Option<&Value>) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.and_then(Value::as_object).unwrap_or(&NONE)
}
