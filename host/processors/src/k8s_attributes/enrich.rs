//! Puts what is known of pods into the resources of encoded requests.
//!
//! A request is walked by its resources alone, items are stepped over, and one splice writes the result. What a resource
//! says of itself stays as it is, and where nothing is added, the bytes that came go on.

use std::net::IpAddr;

use bytes::Bytes;
use host_kubernetes::Kind;
use host_otlp::edit::{self, EditError, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::view::{AnyValue, KeyValue};
use host_otlp::wire::{Field, Fields, WireType, put_len};
use host_otlp::{Payload, Segment};

use super::association::{self, Index, Source, Value};
use super::attribute::Attribute;
use super::cache::Member;
use super::follower::OF_CLUSTER;
use super::meters::Tally;
use super::store::{Entry, Store};
use super::view::{ContainerView, View};

/// What may be added to a request: a few megabytes have room for hundreds of thousands of resources.
const MOST_ADDED: usize = 64 << 20;

/// Fields of a request, of what it has for each resource, of the resource, of an attribute, and of a value.
const GROUP: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE: u32 = 2;
const ATTRIBUTE: u32 = 1;
const KEY: u32 = 1;
const VALUE: u32 = 2;
const TEXT: u32 = 1;

/// A request with what is known of the pods of its resources, and what is not.
#[derive(Debug)]
pub(super) struct Enriched {
    pub(super) payload: Payload,
    pub(super) tally: Tally,
    /// What was looked up of pods that are not known.
    pub(super) unknown: Vec<u64>,
    /// What was looked up, whether it was found or not.
    pub(super) tried: Vec<u64>,
}

/// Puts what `store` knows into a payload that came from `peer`.
///
/// # Errors
/// When more would be added than there is room for.
pub(super) fn enriched(
    member: &Member,
    store: &Store,
    payload: &Payload,
    peer: Option<IpAddr>,
) -> Result<Enriched, EditError> {
    let mut tally = Tally::new(member.plan.associations.len());
    let (mut unknown, mut tried) = (Vec::new(), Vec::new());
    let payload = edited(payload, |resource| {
        let found = Finder { member, store, peer, tried: &mut tried }.find(resource);
        match &found {
            Found::Pod { at, .. } => tally.found[*at] += 1,
            Found::Ignored => tally.unsaid += 1,
            Found::Unknown { first, looked_up } => {
                tally.missed[*first] += 1;
                unknown.extend_from_slice(looked_up);
            }
            Found::Unsaid => tally.unsaid += 1,
        }
        tell(member, store, &found, resource);
    })?;
    Ok(Enriched { payload, tally, unknown, tried })
}

/// Puts the address that a payload came from into its resources, where they say of none.
///
/// # Errors
/// As [`enriched`].
pub(super) fn with_address(payload: &Payload, peer: IpAddr) -> Result<Payload, EditError> {
    edited(payload, |resource| {
        // The older name counts, as in the Collector.
        if resource.text("ip").is_none() {
            resource.add(Attribute::PodIp.key(), &peer.to_string());
        }
    })
}

/// What became of the search for a resource's pod.
enum Found<'s> {
    Pod {
        /// The association that has found it.
        at: usize,
        entry: &'s Entry,
        view: &'s View,
    },
    /// A pod that is to be left alone.
    Ignored,
    Unknown {
        /// The first association for which the resource says something.
        first: usize,
        looked_up: Vec<u64>,
    },
    /// The resource says nothing of a pod.
    Unsaid,
}

struct Finder<'a, 's> {
    member: &'a Member,
    store: &'s Store,
    peer: Option<IpAddr>,
    tried: &'a mut Vec<u64>,
}

impl<'s> Finder<'_, 's> {
    fn find(&mut self, resource: &Additions<'_>) -> Found<'s> {
        let (slot, arrival) = (self.member.slot, self.member.arrival);
        let (mut first, before) = (None, self.tried.len());
        let mut names_other = false;
        for (at, association) in self.member.plan.associations.iter().enumerate() {
            // What says of which pod it is was at most relayed by the one that it came from.
            if names_other && association.sources.contains(&Source::Connection) {
                continue;
            }
            let values = association.sources.iter().map(|source| source.value(self.peer, |key| resource.text(key)));
            let Some(values) = values.collect::<Option<Vec<Value<'_>>>>() else { continue };
            let index = association.index();
            self.tried.push(association::fingerprint(index, at, &values));
            let entry = match (index, values.as_slice()) {
                (Index::Ip, [Value::Ip(ip)]) => self.store.by_ip(*ip),
                (Index::Uid, [Value::Text(uid)]) => self.store.by_uid(uid),
                _ => self.store.by_key(&association::key(arrival, at, &values)),
            };
            // What was told before a plan was there is told again for it.
            let view = |entry: &'s Entry| entry.views.get(slot).filter(|view| view.arrival == arrival);
            match entry.and_then(|entry| Some((entry, view(entry)?))) {
                Some((_, view)) if view.is_ignored => return Found::Ignored,
                Some((entry, view)) => return Found::Pod { at, entry, view },
                None => {
                    first = first.or(Some(at));
                    names_other |= association.names_pod();
                }
            }
        }
        match first {
            Some(first) => Found::Unknown { first, looked_up: self.tried.split_at(before).1.to_vec() },
            None => Found::Unsaid,
        }
    }
}

/// Tells a resource what is known of its pod, and of what that belongs to.
fn tell(member: &Member, store: &Store, found: &Found<'_>, resource: &mut Additions<'_>) {
    let wanted = member.plan.wanted;
    let entry = match found {
        Found::Pod { entry, view, .. } => {
            resource.add_all(&view.attributes);
            tell_container(member, entry, view, resource);
            if wanted.has(Attribute::ClusterUid)
                && let Some(cluster) = store.thing(Kind::Namespaces, OF_CLUSTER)
            {
                resource.add(Attribute::ClusterUid.key(), &cluster.uid);
            }
            Some(*entry)
        }
        _ => None,
    };
    // What a resource says of these itself counts where its pod is not known.
    let or_said = |known: Option<&str>, attribute: Attribute, resource: &Additions<'_>| {
        let known = known.filter(|known| !known.is_empty());
        known.or_else(|| resource.text(attribute.key())).map(str::to_owned)
    };
    let namespace = or_said(entry.map(|entry| &*entry.namespace), Attribute::Namespace, resource);
    if let Some(namespace) = namespace {
        tell_thing(member, store, Kind::Namespaces, &namespace, resource);
        if wanted.has(Attribute::ServiceNamespace) {
            resource.add(Attribute::ServiceNamespace.key(), &namespace);
        }
    }
    let node = or_said(entry.map(|entry| &*entry.node), Attribute::Node, resource);
    if let Some(node) = node {
        tell_thing(member, store, Kind::Nodes, &node, resource);
        if let (true, Some(thing)) = (wanted.has(Attribute::NodeUid), store.thing(Kind::Nodes, &node)) {
            resource.add(Attribute::NodeUid.key(), &thing.uid);
        }
    }
    let owner = |kind| entry.and_then(|entry| entry.owners.iter().find(|(of, _)| *of == kind)).map(|(_, uid)| &**uid);
    let above = |kind: Kind, uid: Option<&str>| uid.and_then(|uid| store.thing(kind, uid)).map(|thing| &*thing.owner);
    let (replica_set, job) = (owner(Kind::ReplicaSets), owner(Kind::Jobs));
    let (deployment, cron_job) = (above(Kind::ReplicaSets, replica_set), above(Kind::Jobs, job));
    let workloads = [
        (Kind::Deployments, Attribute::DeploymentUid, deployment),
        (Kind::ReplicaSets, Attribute::ReplicaSetUid, replica_set),
        (Kind::StatefulSets, Attribute::StatefulSetUid, owner(Kind::StatefulSets)),
        (Kind::DaemonSets, Attribute::DaemonSetUid, owner(Kind::DaemonSets)),
        (Kind::Jobs, Attribute::JobUid, job),
        (Kind::CronJobs, Attribute::CronJobUid, cron_job),
    ];
    for (kind, attribute, uid) in workloads {
        let Some(uid) = or_said(uid, attribute, resource) else { continue };
        tell_thing(member, store, kind, &uid, resource);
        if entry.is_some() && wanted.has(attribute) {
            resource.add(attribute.key(), &uid);
        }
    }
}

fn tell_thing(member: &Member, store: &Store, kind: Kind, key: &str, resource: &mut Additions<'_>) {
    match store.thing(kind, key).and_then(|thing| thing.views.get(member.slot)) {
        Some((arrival, view)) if *arrival == member.arrival => resource.add_all(view),
        _ => {}
    }
}

fn tell_container(member: &Member, entry: &Entry, view: &View, resource: &mut Additions<'_>) {
    let wanted = member.plan.wanted;
    let Some(container) = container(view, resource) else { return };
    resource.add_all(&container.attributes);
    if wanted.has(Attribute::ServiceInstance) {
        let instance = format!("{}.{}.{}", entry.namespace, entry.name, container.name);
        resource.add(Attribute::ServiceInstance.key(), &instance);
    }
    // Where the resource says which run it is of, the container of another one is not its.
    let is_run = match resource.value("k8s.container.restart_count") {
        None => true,
        Some(AnyValue::Int(count)) => *count == container.restarts,
        Some(AnyValue::Text(count)) => count.parse() == Ok(container.restarts),
        Some(_) => false,
    };
    if is_run && !container.id.is_empty() {
        if wanted.has(Attribute::ContainerId) {
            resource.add(Attribute::ContainerId.key(), &container.id);
        }
        if let Some(digest) = &container.digest {
            resource.add_all(digest);
        }
    }
}

/// The container that a resource is of: that which it names, or the only one.
fn container<'v>(view: &'v View, resource: &Additions<'_>) -> Option<&'v ContainerView> {
    let mut containers = view.containers.iter();
    if let Some(name) = resource.text(Attribute::Container.key()) {
        return containers.find(|container| &*container.name == name);
    }
    if let Some(id) = resource.text(Attribute::ContainerId.key()) {
        return containers.find(|container| &*container.id == id);
    }
    match &*view.containers {
        [only] => Some(only),
        _ => {
            let mut running = containers.filter(|container| !container.id.is_empty());
            running.next().filter(|_| running.next().is_none())
        }
    }
}

/// Has `change` look at each resource of a payload, and adds what that adds.
fn edited(payload: &Payload, mut change: impl FnMut(&mut Additions<'_>)) -> Result<Payload, EditError> {
    let mut scratch = Scratch::default();
    let mut walk = Walk::default();
    let mut is_changed = false;
    let mut edited = |segment: &Segment| {
        let bytes = walk.segment(segment.bytes(), &mut change, &mut scratch)?;
        is_changed |= bytes.is_some();
        Ok((bytes.unwrap_or_else(|| segment.bytes().clone()), segment.items()))
    };
    let segments: Vec<(Bytes, u32)> = payload.segments().iter().map(&mut edited).collect::<Result<_, EditError>>()?;
    Ok(if is_changed { payload.edited(segments) } else { payload.clone() })
}

/// The changes to one request so far.
#[derive(Default)]
struct Walk {
    frames: Vec<Frame>,
    patches: Vec<Patch>,
    side: Vec<u8>,
}

impl Walk {
    /// The request after the change; none where nothing changes.
    fn segment(
        &mut self,
        buf: &Bytes,
        change: &mut impl FnMut(&mut Additions<'_>),
        scratch: &mut Scratch,
    ) -> Result<Option<Bytes>, EditError> {
        self.frames.clear();
        self.patches.clear();
        self.side.clear();
        for group in Fields::new(buf, 0, buf.len()).filter(|field| is(field, GROUP)) {
            // A resource of which nothing is told needs nothing: a request has room for millions of these.
            if Fields::new(buf, group.start, group.end).all(|field| field.number != SCOPE) {
                continue;
            }
            if self.side.len() > MOST_ADDED {
                return Err(EditError::Size);
            }
            let resource = Fields::new(buf, group.start, group.end).filter(|field| is(field, RESOURCE)).last();
            let mut additions = Additions::of(buf, resource.as_ref());
            change(&mut additions);
            self.take(&group, resource.as_ref(), additions);
        }
        if self.patches.is_empty() {
            return Ok(None);
        }
        let edits = Edits { frames: &self.frames, patches: &self.patches, side: &self.side };
        edit::splice(buf, &edits, scratch).map(|bytes| Some(Bytes::from(bytes)))
    }

    fn take(&mut self, group: &Field, resource: Option<&Field>, additions: Additions<'_>) {
        let Additions { mut instead, behind, .. } = additions;
        if instead.is_empty() && behind.is_empty() {
            return;
        }
        let outer = self.frame(group, REQUEST);
        let Some(resource) = resource else {
            let start = self.side.len();
            put_len(&mut self.side, RESOURCE, &behind);
            return self.patch((group.start, group.start), outer, start);
        };
        let inner = self.frame(resource, outer);
        instead.sort_by_key(|(place, _)| *place);
        for (place, bytes) in instead {
            let start = self.side.len();
            self.side.extend_from_slice(&bytes);
            self.patch(place, inner, start);
        }
        if !behind.is_empty() {
            let start = self.side.len();
            self.side.extend_from_slice(&behind);
            self.patch((resource.end, resource.end), inner, start);
        }
    }

    fn frame(&mut self, field: &Field, parent: u32) -> u32 {
        self.frames.push(Frame { tag: field.tag as u32, content: field.start as u32, end: field.end as u32, parent });
        (self.frames.len() - 1) as u32
    }

    /// Puts what stands in `side` from `from` on in the place of a range.
    fn patch(&mut self, (start, end): (usize, usize), frame: u32, from: usize) {
        let with = (from as u32, self.side.len() as u32);
        self.patches.push(Patch { start: start as u32, end: end as u32, frame, with });
    }
}

/// A resource, and what is added to it: what is there and says something stays.
struct Additions<'a> {
    known: Vec<Known<'a>>,
    /// Attributes that take the place of some that say nothing.
    instead: Vec<((usize, usize), Vec<u8>)>,
    /// Attributes that come behind all others, encoded, and where their keys are in there.
    behind: Vec<u8>,
    keys: Vec<(usize, usize)>,
}

/// An attribute that is there.
struct Known<'a> {
    key: &'a str,
    value: Option<AnyValue<'a>>,
    place: (usize, usize),
    is_replaced: bool,
}

impl Known<'_> {
    /// What the Collector writes as a text without letters.
    fn is_empty(&self) -> bool {
        matches!(&self.value, None | Some(AnyValue::Empty | AnyValue::Text("") | AnyValue::Bytes([])))
    }
}

impl<'a> Additions<'a> {
    fn of(buf: &'a [u8], resource: Option<&Field>) -> Self {
        let fields = resource.map(|resource| Fields::new(buf, resource.start, resource.end));
        let attributes = fields.into_iter().flatten().filter(|field| is(field, ATTRIBUTE));
        let known = attributes.map(|field| {
            let KeyValue { key, value, .. } = KeyValue::read(Fields::new(buf, field.start, field.end));
            Known { key, value, place: (field.tag, field.end), is_replaced: false }
        });
        Additions { known: known.collect(), instead: Vec::new(), behind: Vec::new(), keys: Vec::new() }
    }

    /// What the resource itself says; of two attributes of one key the first counts.
    fn value(&self, key: &str) -> Option<&AnyValue<'a>> {
        self.known.iter().find(|known| known.key == key)?.value.as_ref()
    }

    /// The same, where it is a text and not empty.
    fn text(&self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            AnyValue::Text(text) => Some(*text).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    fn add(&mut self, key: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let (mut value, mut pair, mut field) = (Vec::new(), Vec::new(), Vec::new());
        put_len(&mut value, TEXT, text.as_bytes());
        put_len(&mut pair, KEY, key.as_bytes());
        put_len(&mut pair, VALUE, &value);
        put_len(&mut field, ATTRIBUTE, &pair);
        self.add_all(&field);
    }

    /// Adds attributes that are encoded as fields of a resource.
    fn add_all(&mut self, fields: &[u8]) {
        for field in Fields::new(fields, 0, fields.len()) {
            let key = Fields::new(fields, field.start, field.end).find(|part| is(part, KEY));
            let Some(key) = key else { continue };
            let (start, encoded) = (key.start - field.tag, &fields[field.tag..field.end]);
            self.add_one(&fields[key.start..key.end], start, encoded);
        }
    }

    /// Adds an attribute whose key stands at `at` in it.
    fn add_one(&mut self, key: &[u8], at: usize, encoded: &[u8]) {
        if let Some(known) = self.known.iter_mut().find(|known| known.key.as_bytes() == key) {
            if known.is_empty() && !std::mem::replace(&mut known.is_replaced, true) {
                self.instead.push((known.place, encoded.to_vec()));
            }
            return;
        }
        if self.keys.iter().any(|(start, end)| &self.behind[*start..*end] == key) {
            return;
        }
        let start = self.behind.len() + at;
        self.keys.push((start, start + key.len()));
        self.behind.extend_from_slice(encoded);
    }
}

fn is(field: &Field, number: u32) -> bool {
    field.number == number && field.wire == WireType::Len
}
