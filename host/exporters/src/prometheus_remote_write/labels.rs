//! The labels of a point: its attributes, what its resource and scope say, and what the configuration adds.
//!
//! What a resource and a scope say is made once for all their points. Two attributes whose names become one label are
//! joined there with `;`, in the order of their keys; of what is left, the scope and the resource's identity win over
//! attributes, and attributes over the configuration.

use std::borrow::Cow;

use hashbrown::HashMap;
use host_otlp::view::{KeyValue, Repeated, Resource, Scope};

use super::batch::{Label, Symbol, Symbols};
use super::name::{self, Strategy};
use super::text::text;

const SERVICE_NAME: &str = "service.name";
const SERVICE_NAMESPACE: &str = "service.namespace";
const SERVICE_INSTANCE: &str = "service.instance.id";

/// How labels are made.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) strategy: Strategy,
    /// Names as Prometheus has them, with values; sorted.
    pub(super) external: Vec<(String, String)>,
    pub(super) has_scope: bool,
    pub(super) conversion: Conversion,
    /// Attributes of resources that are taken for absent.
    pub(super) excluded: Vec<String>,
}

/// Which attributes of resources become labels of each point.
#[derive(Clone, Debug, Default)]
pub(super) struct Conversion {
    pub(super) included: Vec<String>,
    pub(super) excluded: Vec<String>,
}

impl Conversion {
    fn takes(&self, key: &str) -> bool {
        let is_any = |patterns: &[String]| patterns.iter().any(|pattern| is_match(pattern, key));
        !is_any(&self.excluded)
            && if self.included.is_empty() { !self.excluded.is_empty() } else { is_any(&self.included) }
    }
}

/// Whether `pattern`, in which `*` stands for any text and `?` for any character, is all of `text`.
fn is_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// A key that makes no label in Prometheus.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadKey(pub(super) String);

/// The names of labels by the keys of attributes, made once a payload.
pub(super) struct Keys<'a> {
    strategy: Strategy,
    known: HashMap<&'a str, Option<Symbol>>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(strategy: Strategy) -> Self {
        Keys { strategy, known: HashMap::new() }
    }

    fn name(&mut self, key: &'a str, symbols: &mut Symbols) -> Result<Symbol, BadKey> {
        let strategy = self.strategy;
        let made = *self.known.entry(key).or_insert_with(|| name::label(key, strategy).map(|name| symbols.add(&name)));
        made.ok_or_else(|| BadKey(key.to_owned()))
    }
}

/// An attribute that becomes a label.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    key: &'a str,
    label: Label,
}

/// What becomes of a label that a point has, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    /// The point's stays.
    External,
    /// They are joined.
    Attribute,
    /// This one stays.
    Own,
}

/// What a resource says.
pub(super) struct ResourceLabels<'a> {
    job: Option<Symbol>,
    instance: Option<Symbol>,
    /// Those that each point has, by key.
    converted: Result<Vec<Entry<'a>>, BadKey>,
    /// Attributes whose values are empty: where a point has them, they are empty there, too.
    emptied: Vec<&'a str>,
    /// Those that `target_info` has, by key; none where the resource says nothing but who it is.
    described: Option<Result<Vec<Entry<'a>>, BadKey>>,
}

impl<'a> ResourceLabels<'a> {
    pub(super) fn new(
        resource: Option<&Resource<'a>>,
        rules: &Rules,
        keys: &mut Keys<'a>,
        symbols: &mut Symbols,
    ) -> Self {
        let attributes = resource.map(|resource| resource.attributes.clone());
        let kept = || {
            let all = attributes.clone().into_iter().flatten();
            all.filter(|pair| !rules.excluded.iter().any(|excluded| excluded == pair.key))
        };
        let first = |key: &str| kept().find(|pair| pair.key == key).map(|pair| text(pair.value.as_ref()));
        let job = first(SERVICE_NAME).filter(|name| !name.is_empty()).map(|name| match first(SERVICE_NAMESPACE) {
            Some(namespace) => symbols.add(&format!("{namespace}/{name}")),
            None => symbols.add(&name),
        });
        let instance = first(SERVICE_INSTANCE).filter(|id| !id.is_empty()).map(|id| symbols.add(&id));
        let is_identity = |key: &str| matches!(key, SERVICE_NAME | SERVICE_NAMESPACE | SERVICE_INSTANCE);
        let converted = kept().filter(|pair| rules.conversion.takes(pair.key));
        let emptied = converted.clone().filter(|pair| text(pair.value.as_ref()).is_empty()).map(|pair| pair.key);
        let emptied = emptied.collect();
        let converted = entries(converted, keys, symbols);
        let described = kept().any(|pair| !is_identity(pair.key));
        let described = described.then(|| entries(kept().filter(|pair| !is_identity(pair.key)), keys, symbols));
        ResourceLabels { job, instance, converted, emptied, described }
    }
}

/// The labels that `pairs` make, by key.
fn entries<'a>(
    pairs: impl Iterator<Item = KeyValue<'a>>,
    keys: &mut Keys<'a>,
    symbols: &mut Symbols,
) -> Result<Vec<Entry<'a>>, BadKey> {
    let mut entries = Vec::new();
    add_entries(pairs, keys, symbols, &mut entries)?;
    Ok(entries)
}

fn add_entries<'a>(
    pairs: impl Iterator<Item = KeyValue<'a>>,
    keys: &mut Keys<'a>,
    symbols: &mut Symbols,
    entries: &mut Vec<Entry<'a>>,
) -> Result<(), BadKey> {
    for pair in pairs {
        let value = text(pair.value.as_ref());
        if !value.is_empty() {
            let label = Label { name: keys.name(pair.key, symbols)?, value: symbols.add(&value) };
            entries.push(Entry { key: pair.key, label });
        }
    }
    if !entries.is_sorted_by_key(|entry| entry.key) {
        entries.sort_by_key(|entry| entry.key);
    }
    Ok(())
}

/// Brings entries, which are sorted by key, into the order of their names, and joins those of one name.
fn join(entries: &mut Vec<Entry<'_>>, symbols: &mut Symbols) {
    if !entries
        .is_sorted_by(|a, b| a.label.name == b.label.name || symbols.text(a.label.name) < symbols.text(b.label.name))
    {
        entries.sort_by(|a, b| symbols.text(a.label.name).cmp(symbols.text(b.label.name)));
    }
    entries.dedup_by(|next, kept| {
        let is_same = next.label.name == kept.label.name;
        if is_same && next.label.value != kept.label.value {
            let joined = format!("{};{}", symbols.text(kept.label.value), symbols.text(next.label.value));
            kept.label.value = symbols.add(&joined);
        }
        is_same
    });
}

/// What all points of a scope have in common, sorted by the names.
pub(super) struct Base {
    labels: Vec<(Label, Rank)>,
}

impl Base {
    pub(super) fn of_scope<'a>(
        resource: &ResourceLabels<'a>,
        scope: Option<&Scope<'a>>,
        rules: &Rules,
        symbols: &mut Symbols,
    ) -> Result<Self, BadKey> {
        let converted = resource.converted.as_ref().map_err(|BadKey(key)| BadKey(key.clone()))?;
        Ok(Base::new(resource, converted.clone(), scope.filter(|_| rules.has_scope), rules, symbols))
    }

    fn new(
        resource: &ResourceLabels<'_>,
        mut attributes: Vec<Entry<'_>>,
        scope: Option<&Scope<'_>>,
        rules: &Rules,
        symbols: &mut Symbols,
    ) -> Self {
        join(&mut attributes, symbols);
        let mut base = Base { labels: attributes.iter().map(|entry| (entry.label, Rank::Attribute)).collect() };
        for (name, value) in [("job", resource.job), ("instance", resource.instance)] {
            if let Some(value) = value {
                let name = symbols.add(name);
                base.set(Label { name, value }, Rank::Own);
            }
        }
        for (name, value) in &rules.external {
            let label = Label { name: symbols.add(name), value: symbols.add(value) };
            if !base.labels.iter().any(|(other, _)| other.name == label.name) {
                base.set(label, Rank::External);
            }
        }
        if let Some(scope) = scope {
            base.add_scope(scope, rules.strategy, symbols);
        }
        base.labels.sort_by(|(a, _), (b, _)| symbols.text(a.name).cmp(symbols.text(b.name)));
        base
    }

    fn add_scope(&mut self, scope: &Scope<'_>, strategy: Strategy, symbols: &mut Symbols) {
        let own = [("name", Cow::Borrowed(scope.name)), ("version", Cow::Borrowed(scope.version))];
        let attributes = scope.attributes.clone().map(|pair| (pair.key, text(pair.value.as_ref())));
        let attributes = attributes.filter(|(key, _)| !matches!(*key, "name" | "version" | "schema_url"));
        for (key, value) in own.into_iter().chain(attributes).filter(|(_, value)| !value.is_empty()) {
            let key = format!("otel_scope_{key}");
            if let Some(name) = name::label(&key, strategy) {
                let label = Label { name: symbols.add(&name), value: symbols.add(&value) };
                self.set(label, Rank::Own);
            }
        }
    }

    fn set(&mut self, label: Label, rank: Rank) {
        self.labels.retain(|(other, _)| other.name != label.name);
        self.labels.push((label, rank));
    }
}

/// The labels of one point, sorted, but for the name of the metric and what tells its series apart.
#[derive(Default)]
pub(super) struct PointLabels<'a> {
    /// By key.
    entries: Vec<Entry<'a>>,
    /// By name, each name once.
    joined: Vec<Entry<'a>>,
    labels: Vec<Label>,
}

impl<'a> PointLabels<'a> {
    pub(super) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Sets them to those of a point with these attributes.
    pub(super) fn set(
        &mut self,
        base: &Base,
        resource: &ResourceLabels<'a>,
        attributes: Repeated<'a, KeyValue<'a>>,
        keys: &mut Keys<'a>,
        symbols: &mut Symbols,
    ) -> Result<(), BadKey> {
        self.entries.clear();
        add_entries(attributes, keys, symbols, &mut self.entries)?;
        let is_emptied = |entry: &Entry<'_>| resource.emptied.contains(&entry.key);
        if !resource.emptied.is_empty() && self.entries.iter().any(is_emptied) {
            self.entries.retain(|entry| !is_emptied(entry));
        }
        self.joined.clear();
        self.joined.extend_from_slice(&self.entries);
        join(&mut self.joined, symbols);
        if self.merge(base, symbols, false) {
            return Ok(());
        }
        // An attribute of the resource makes the same label as one of the point's: all of them have to be seen at once, and
        // those of the resource replace those of the same key.
        let converted = resource.converted.as_deref().unwrap_or_default();
        let is_replaced = |entry: &Entry<'_>| converted.iter().any(|other| other.key == entry.key);
        self.joined.clear();
        self.joined.extend(self.entries.iter().filter(|entry| !is_replaced(entry)));
        self.joined.extend_from_slice(converted);
        self.joined.sort_by_key(|entry| entry.key);
        join(&mut self.joined, symbols);
        self.merge(base, symbols, true);
        Ok(())
    }

    /// Merges the attributes with the base. Whether that could be done without joining any with the resource's, which are
    /// left out where they are among the point's already.
    fn merge(&mut self, base: &Base, symbols: &Symbols, is_joined: bool) -> bool {
        self.labels.clear();
        let mut own = self.joined.iter().map(|entry| entry.label).peekable();
        for (label, rank) in &base.labels {
            if is_joined && *rank == Rank::Attribute {
                continue;
            }
            let name = symbols.text(label.name);
            while let Some(before) = own.next_if(|other| symbols.text(other.name) < name) {
                self.labels.push(before);
            }
            let Some(same) = own.next_if(|other| other.name == label.name) else {
                self.labels.push(*label);
                continue;
            };
            match rank {
                Rank::External => self.labels.push(same),
                Rank::Attribute => return false,
                Rank::Own => self.labels.push(*label),
            }
        }
        self.labels.extend(own);
        true
    }

    /// Sets them to those of `target_info`; false where the resource has none, since it says nothing but who it is, or not
    /// even that.
    pub(super) fn set_target(
        &mut self,
        resource: &ResourceLabels<'a>,
        rules: &Rules,
        symbols: &mut Symbols,
    ) -> Result<bool, BadKey> {
        let described = match &resource.described {
            None => return Ok(false),
            Some(Err(BadKey(key))) => return Err(BadKey(key.clone())),
            Some(Ok(described)) => described,
        };
        let base = Base::new(resource, described.clone(), None, rules, symbols);
        self.labels.clear();
        self.labels.extend(base.labels.iter().map(|(label, _)| *label));
        Ok(self.labels.iter().any(|label| matches!(symbols.text(label.name), "job" | "instance")))
    }

    /// Takes out the labels of these names and says where they belong.
    pub(super) fn place<const N: usize>(&mut self, names: [Symbol; N], symbols: &Symbols) -> Places<'_, N> {
        self.labels.retain(|label| !names.contains(&label.name));
        let before = |name: Symbol| {
            let name = symbols.text(name);
            self.labels.iter().position(|label| symbols.text(label.name) > name).unwrap_or(self.labels.len())
        };
        Places { at: names.map(before), names, labels: &self.labels }
    }
}

/// Labels, and where others belong among them. Those are in the order of their names.
pub(super) struct Places<'p, const N: usize> {
    labels: &'p [Label],
    at: [usize; N],
    names: [Symbol; N],
}

impl<const N: usize> Places<'_, N> {
    /// The labels with the others, of these values, in their places.
    pub(super) fn with(&self, values: [Symbol; N]) -> impl Iterator<Item = Label> {
        let end = self.labels.len();
        let parts = std::iter::once(0).chain(self.at).zip(self.at.into_iter().chain([end]));
        let names = self.names;
        let labels = self.labels;
        parts.enumerate().flat_map(move |(part, (from, to))| {
            let other = names.get(part).zip(values.get(part)).map(|(name, value)| Label { name: *name, value: *value });
            labels[from..to].iter().copied().chain(other)
        })
    }
}
