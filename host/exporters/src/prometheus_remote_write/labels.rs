//! The labels of a point: its attributes, what its resource and scope say, and what the configuration adds.
//!
//! What a resource and a scope say is made once for all their points. Two attributes whose names become one label are
//! joined there with `;`, in the order of their keys; of what is left, the scope and the resource's identity win over
//! attributes, and attributes over the configuration.

mod order;
mod resource;

use std::borrow::Cow;

use hashbrown::HashMap;
use host_otlp::view::{KeyValue, Repeated, Scope};

use self::order::Order;
pub(super) use self::resource::ResourceLabels;
use super::batch::{Label, Symbol, Symbols};
use super::name::{self, Strategy};
use super::text::text;

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

    /// The name for the next key of a row.
    fn name(&mut self, key: &'a str, row: &mut Row<'a>, symbols: &mut Symbols) -> Result<Symbol, BadKey> {
        let at = row.at;
        row.at += 1;
        if let Some((before, name)) = row.before.get(at)
            && *before == key
        {
            return Ok(*name);
        }
        let strategy = self.strategy;
        let made = *self.known.entry(key).or_insert_with(|| name::label(key, strategy).map(|name| symbols.add(&name)));
        let name = made.ok_or_else(|| BadKey(key.to_owned()))?;
        row.before.truncate(at);
        row.before.push((key, name));
        Ok(name)
    }
}

/// The keys of one set of attributes, and the names that they became: the next set has the same ones mostly.
#[derive(Default)]
struct Row<'a> {
    before: Vec<(&'a str, Symbol)>,
    at: usize,
}

/// What the bases of one payload have in common.
pub(super) struct Common<'a> {
    job: Symbol,
    instance: Symbol,
    external: Vec<Label>,
    /// The keys of resources.
    row: Row<'a>,
    /// The scope before, as it was encoded, and its labels.
    scope: (&'a [u8], Vec<Label>),
}

impl<'a> Common<'a> {
    pub(super) fn new(rules: &Rules, symbols: &mut Symbols) -> Self {
        let external = rules.external.iter();
        let external =
            external.map(|(name, value)| Label { name: symbols.add(name), value: symbols.add(value) }).collect();
        let (job, instance) = (symbols.add("job"), symbols.add("instance"));
        Common { job, instance, external, row: Row::default(), scope: (&[], Vec::new()) }
    }

    /// The labels of a scope.
    fn scope(&mut self, scope: &Scope<'a>, strategy: Strategy, symbols: &mut Symbols) -> &[Label] {
        let encoded = scope.fields.bytes();
        if self.scope.0 != encoded {
            self.scope = (encoded, scope_labels(scope, strategy, symbols));
        }
        &self.scope.1
    }
}

fn scope_labels(scope: &Scope<'_>, strategy: Strategy, symbols: &mut Symbols) -> Vec<Label> {
    let own = [("name", Cow::Borrowed(scope.name)), ("version", Cow::Borrowed(scope.version))];
    let attributes = scope.attributes.clone().map(|pair| (pair.key, text(pair.value.as_ref())));
    let attributes = attributes.filter(|(key, _)| !matches!(*key, "name" | "version" | "schema_url"));
    let all = own.into_iter().chain(attributes).filter(|(_, value)| !value.is_empty());
    let named = all.filter_map(|(key, value)| {
        let key = format!("otel_scope_{key}");
        let name = symbols.add(&name::label(&key, strategy)?);
        Some(Label { name, value: symbols.add(&value) })
    });
    named.collect()
}

/// An attribute that becomes a label.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    key: &'a str,
    label: Label,
}

impl<'a> Entry<'a> {
    fn new(
        key: &'a str,
        value: &str,
        row: &mut Row<'a>,
        keys: &mut Keys<'a>,
        symbols: &mut Symbols,
    ) -> Result<Self, BadKey> {
        let name = keys.name(key, row, symbols)?;
        Ok(Entry { key, label: Label { name, value: symbols.add(value) } })
    }
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

/// Brings entries into the order of their names, and joins those of one name in the order of their keys.
fn join(entries: &mut Vec<Entry<'_>>, symbols: &mut Symbols) {
    let by_name = |a: &Entry<'_>, b: &Entry<'_>| {
        let by_name = || symbols.text(a.label.name).cmp(symbols.text(b.label.name));
        if a.label.name == b.label.name { a.key.cmp(b.key) } else { by_name() }
    };
    if !entries.is_sorted_by(|a, b| by_name(a, b).is_le()) {
        entries.sort_by(by_name);
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
        common: &mut Common<'a>,
        symbols: &mut Symbols,
    ) -> Result<Self, BadKey> {
        let converted = resource.converted.as_ref().map_err(|BadKey(key)| BadKey(key.clone()))?;
        let mut base = Base::new(resource, converted.clone(), common, symbols);
        if let Some(scope) = scope.filter(|_| rules.has_scope) {
            common.scope(scope, rules.strategy, symbols).iter().for_each(|label| base.set(*label, Rank::Own));
        }
        base.sort(symbols);
        Ok(base)
    }

    /// Without a scope, and not sorted yet.
    fn new(
        resource: &ResourceLabels<'_>,
        mut attributes: Vec<Entry<'_>>,
        common: &Common<'_>,
        symbols: &mut Symbols,
    ) -> Self {
        join(&mut attributes, symbols);
        let mut base = Base { labels: Vec::with_capacity(attributes.len() + 4 + common.external.len()) };
        base.labels.extend(attributes.iter().map(|entry| (entry.label, Rank::Attribute)));
        for (name, value) in [(common.instance, resource.instance), (common.job, resource.job)] {
            if let Some(value) = value {
                base.set(Label { name, value }, Rank::Own);
            }
        }
        for label in &common.external {
            if !base.labels.iter().any(|(other, _)| other.name == label.name) {
                base.set(*label, Rank::External);
            }
        }
        base
    }

    fn sort(&mut self, symbols: &Symbols) {
        self.labels.sort_by(|(a, _), (b, _)| symbols.text(a.name).cmp(symbols.text(b.name)));
    }

    fn set(&mut self, label: Label, rank: Rank) {
        self.labels.retain(|(other, _)| other.name != label.name);
        self.labels.push((label, rank));
    }
}

/// The labels of one point, sorted, but for the name of the metric and what tells its series apart.
#[derive(Default)]
pub(super) struct PointLabels<'a> {
    entries: Vec<Entry<'a>>,
    row: Row<'a>,
    /// By name, each name once.
    joined: Vec<Entry<'a>>,
    /// What the base has and the point, as they came.
    given: Vec<Label>,
    order: Order,
    order_of_target: Order,
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
        self.row.at = 0;
        for KeyValue { key, value, .. } in attributes {
            let value = text(value.as_ref());
            if !value.is_empty() {
                self.entries.push(Entry::new(key, &value, &mut self.row, keys, symbols)?);
            }
        }
        let is_emptied = |entry: &Entry<'_>| resource.emptied.contains(&entry.key);
        if !resource.emptied.is_empty() && self.entries.iter().any(is_emptied) {
            self.entries.retain(|entry| !is_emptied(entry));
        }
        self.given.clear();
        self.given.extend(base.labels.iter().map(|(label, _)| *label));
        self.given.extend(self.entries.iter().map(|entry| entry.label));
        if !self.order.arrange(&self.given, &mut self.labels) {
            self.sort(base, resource, symbols);
            self.order.learn(&self.given, &self.labels);
        }
        Ok(())
    }

    /// Makes the labels, those of one name as one.
    fn sort(&mut self, base: &Base, resource: &ResourceLabels<'a>, symbols: &mut Symbols) {
        self.joined.clear();
        self.joined.extend_from_slice(&self.entries);
        join(&mut self.joined, symbols);
        if self.merge(base, symbols, false) {
            return;
        }
        // An attribute of the resource makes the same label as one of the point's: all of them have to be seen at once, and
        // those of the resource replace those of the same key.
        let converted = resource.converted.as_deref().unwrap_or_default();
        let is_replaced = |entry: &Entry<'_>| converted.iter().any(|other| other.key == entry.key);
        self.joined.clear();
        self.joined.extend(self.entries.iter().filter(|entry| !is_replaced(entry)));
        self.joined.extend_from_slice(converted);
        join(&mut self.joined, symbols);
        self.merge(base, symbols, true);
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
        common: &Common<'a>,
        symbols: &mut Symbols,
    ) -> Result<bool, BadKey> {
        let described = match &resource.described {
            None => return Ok(false),
            Some(Err(BadKey(key))) => return Err(BadKey(key.clone())),
            Some(Ok(described)) => described,
        };
        let own = [(common.job, resource.job), (common.instance, resource.instance)];
        self.given.clear();
        self.given.extend(described.iter().map(|entry| entry.label));
        self.given.extend(own.iter().filter_map(|(name, value)| Some(Label { name: *name, value: (*value)? })));
        self.given.extend_from_slice(&common.external);
        if !self.order_of_target.arrange(&self.given, &mut self.labels) {
            let mut base = Base::new(resource, described.clone(), common, symbols);
            base.sort(symbols);
            self.labels.extend(base.labels.iter().map(|(label, _)| *label));
            self.order_of_target.learn(&self.given, &self.labels);
        }
        Ok(self.labels.iter().any(|label| [common.job, common.instance].contains(&label.name)))
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
    /// Adds the labels to others, with those of these values in their places.
    pub(super) fn with(&self, values: [Symbol; N]) -> impl FnOnce(&mut Vec<Label>) {
        move |out| {
            let mut from = 0;
            for ((at, name), value) in self.at.into_iter().zip(self.names).zip(values) {
                out.extend_from_slice(&self.labels[from..at]);
                out.push(Label { name, value });
                from = at;
            }
            out.extend_from_slice(&self.labels[from..]);
        }
    }
}
