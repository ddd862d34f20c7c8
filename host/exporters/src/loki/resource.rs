//! A resource and a scope, looked at once for all the records below them: which attributes are labels, and what each entry
//! is to tell of the others.

use std::borrow::Cow;

use host_otlp::view::{AnyValue, Resource, Scope};

use super::hints::{Hints, is_hint};
use super::labels::{self, Label, LabelSet, Plan};
use super::line::Attribute;
use super::metadata::{Room, Writer};
use super::names;
use super::severity;

/// The room that a resource and a scope leave to what is below them.
const RESOURCE: Room = Room { pairs: 64, bytes: 32 << 10 };
const SCOPE: Room = Room { pairs: 24, bytes: 8 << 10 };

/// What records have in common.
pub(super) struct Common<'a> {
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) labels: LabelSet<'a>,
    /// The pairs of metadata that each entry has.
    pub(super) metadata: Vec<u8>,
    pub(super) pairs: usize,
    pub(super) hints: Hints<'a>,
    /// The streams of records whose own label is their severity at most, by it.
    pub(super) streams: [Option<usize>; severity::COUNT],
    /// Labels and pairs that did not fit.
    pub(super) cut_labels: u64,
    pub(super) cut_metadata: u64,
}

impl<'a> Common<'a> {
    /// Looks at a resource; `more` are keys that a record wants to be labels, too.
    pub(super) fn of(plan: &Plan, resource: Option<&Resource<'a>>, more: &[Cow<'a, str>], is_metadata: bool) -> Self {
        let mut common = Common {
            attributes: Vec::new(),
            labels: LabelSet::default(),
            metadata: Vec::new(),
            pairs: 0,
            hints: Hints::default(),
            streams: [None; severity::COUNT],
            cut_labels: 0,
            cut_metadata: 0,
        };
        for pair in resource.into_iter().flat_map(|resource| resource.attributes.clone()) {
            if is_hint(pair.key) {
                common.hints.take(&pair);
            } else if !plan.excluded.contains(pair.key) {
                common.attributes.push(Attribute { pair, is_label: false });
            }
        }
        common.choose(plan, more);
        if is_metadata {
            let mut writer = Writer::new(&mut common.metadata, RESOURCE);
            for attribute in common.attributes.iter().filter(|attribute| !attribute.is_label) {
                if let Some(value) = &attribute.pair.value {
                    writer.attribute(attribute.pair.key, value);
                }
            }
            (common.pairs, common.cut_metadata) = (writer.pairs, writer.cut);
        }
        common
    }

    /// The text of an attribute, empty where there is none.
    pub(super) fn text(&self, key: &str) -> Cow<'a, str> {
        let found = self.attributes.iter().find(|attribute| attribute.pair.key == key);
        found.map(|attribute| labels::value(attribute.pair.value.as_ref())).unwrap_or_default()
    }

    /// Decides which attributes are labels: first what tells most, so that it is the rest that has to stand back.
    fn choose(&mut self, plan: &Plan, more: &[Cow<'a, str>]) {
        // What records add finds room.
        let room = plan.attributes.len() + usize::from(plan.level);
        let (name, namespace) = (self.text("service.name"), self.text("service.namespace"));
        let defaults = [
            (plan.exporter, "exporter", Cow::Borrowed("OTLP")),
            (plan.job, "job", job(name, &namespace)),
            (plan.instance, "instance", self.text("service.instance.id")),
        ];
        for (_, name, value) in defaults.into_iter().filter(|(is_wanted, _, value)| *is_wanted && !value.is_empty()) {
            self.cut_labels += u64::from(!self.labels.add(Label::new(name, value), room));
        }
        let mut wanted: Vec<(usize, String, usize)> = Vec::new();
        let hinted = self.hints.resource_labels.iter().chain(more);
        let hinted: Vec<&str> = hinted.map(|key| &**key).collect();
        for (at, attribute) in self.attributes.iter().enumerate() {
            let key = attribute.pair.key;
            let of_hint =
                || hinted.iter().position(|hint| *hint == key).map(|at| (usize::MAX / 2 + at, names::valid(key)));
            let rank = plan.of_resource(key).map(|(rank, name)| (rank, name.to_owned())).or_else(of_hint);
            wanted.extend(rank.map(|(rank, name)| (rank, name, at)));
        }
        wanted.sort_unstable();
        for (_, name, at) in wanted {
            let Some(attribute) = self.attributes.get_mut(at) else { continue };
            let value = labels::value(attribute.pair.value.as_ref());
            if value.is_empty() {
                continue;
            }
            attribute.is_label = self.labels.add(Label::new(name, value), room);
            self.cut_labels += u64::from(!attribute.is_label);
        }
    }
}

fn job<'a>(name: Cow<'a, str>, namespace: &str) -> Cow<'a, str> {
    match name.is_empty() || namespace.is_empty() {
        true => name,
        false => Cow::Owned(format!("{namespace}/{name}")),
    }
}

/// A scope, likewise.
pub(super) struct ScopePart<'a> {
    pub(super) scope: Option<Scope<'a>>,
    pub(super) metadata: Vec<u8>,
    pub(super) pairs: usize,
    pub(super) cut_metadata: u64,
}

impl<'a> ScopePart<'a> {
    pub(super) fn of(scope: Option<Scope<'a>>, is_metadata: bool) -> Self {
        let mut part = ScopePart { scope, metadata: Vec::new(), pairs: 0, cut_metadata: 0 };
        if let Some(scope) = part.scope.as_ref().filter(|_| is_metadata) {
            let mut writer = Writer::new(&mut part.metadata, SCOPE);
            writer.text("scope_name", scope.name);
            writer.text("scope_version", scope.version);
            if scope.dropped_attributes_count != 0 {
                writer.integer("scope_dropped_attributes_count", scope.dropped_attributes_count);
            }
            for pair in scope.attributes.clone() {
                writer.attribute(pair.key, pair.value.as_ref().unwrap_or(&AnyValue::Empty));
            }
            (part.pairs, part.cut_metadata) = (writer.pairs, writer.cut);
        }
        part
    }
}
