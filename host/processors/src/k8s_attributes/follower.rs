//! A follower has the API server tell of one kind of objects, for as long as it is let: what fails is asked again.

use std::convert::Infallible;
use std::sync::Arc;

use host_kubernetes::objects::{Meta, Object, Owner, Pod};
use host_kubernetes::{ApiError, Kind, Pauses, Scope, Seen, missing_rule};
use tokio::time::Instant;

use super::cache::{Member, Shared, lock};
use super::meters::Watched;
use super::store::{Change, Entry, Thing, Uid};
use super::view::{self, Encoded, View};

/// The namespace whose UID stands for the cluster.
pub(super) const OF_CLUSTER: &str = "kube-system";

/// Follows one kind until it is dropped.
pub(super) async fn run(shared: Arc<Shared>, kind: Kind) {
    let mut pauses = Pauses::new();
    loop {
        let mut has_listed = false;
        let Err(error) = once(&shared, kind, &mut has_listed).await;
        shared.trouble(kind, Some(told(&shared, kind, &error)));
        pauses.pause(has_listed).await;
    }
}

async fn once(shared: &Shared, kind: Kind, has_listed: &mut bool) -> Result<Infallible, ApiError> {
    let api = shared.followed.server.api().await?;
    let scope = scope(shared, kind);
    let mut follower = Follower::new(shared, kind, has_listed);
    match kind {
        Kind::Pods => api.follow_pods(&scope, |seen| follower.see_pod(seen)).await,
        kind => api.follow_metadata(kind, &scope, |seen| follower.see(seen)).await,
    }
}

/// Which objects of a kind matter.
fn scope(shared: &Shared, kind: Kind) -> Scope {
    let followed = &shared.followed;
    let named = |name: &str| Some(format!("metadata.name={name}"));
    let all = Scope { namespace: followed.pods.namespace.clone(), ..Scope::default() };
    match kind {
        Kind::Pods => followed.pods.clone(),
        Kind::Nodes => Scope { fields: followed.node.as_deref().and_then(named), ..Scope::default() },
        Kind::Namespaces => {
            let any_rules = shared.members().iter().flatten().any(|member| member.plan.has_rules_for(kind));
            Scope { fields: if any_rules { None } else { named(OF_CLUSTER) }, ..Scope::default() }
        }
        _ => all,
    }
}

/// What is wrong, and which rule of RBAC is missing where one is.
fn told(shared: &Shared, kind: Kind, error: &ApiError) -> String {
    if !error.is_denied() {
        return error.to_string();
    }
    let in_namespace = shared.followed.pods.namespace.as_deref().filter(|_| !kind.is_of_cluster());
    format!("{error}; {}", missing_rule(in_namespace, kind.group(), kind.plural()))
}

/// Takes what is told of one kind.
pub(super) struct Follower<'a> {
    shared: &'a Shared,
    kind: Kind,
    is_listed: &'a mut bool,
    /// As they were when the listing began; a member that comes later has all begun anew.
    members: Vec<Option<Arc<Member>>>,
}

impl<'a> Follower<'a> {
    /// `is_listed` is set when all were told.
    pub(super) fn new(shared: &'a Shared, kind: Kind, is_listed: &'a mut bool) -> Self {
        Follower { shared, kind, is_listed, members: Vec::new() }
    }

    fn begin(&mut self) {
        self.members = self.shared.members();
        self.shared.store().begin(self.kind);
    }

    fn end(&mut self) {
        let gone = self.shared.store().end(self.kind, self.forget_at());
        self.count(|meters| meters.deleted.inc_by(gone as u64));
        *self.is_listed = true;
        self.shared.trouble(self.kind, None);
        self.shared.listed(self.kind);
        self.members.clear();
    }

    /// The members that there are: while a listing goes on, those that it was begun for.
    fn with_members<T>(&self, make: impl FnOnce(&[Option<Arc<Member>>]) -> T) -> T {
        if self.members.is_empty() { make(&self.shared.members()) } else { make(&self.members) }
    }

    fn forget_at(&self) -> Instant {
        let grace = |member: &Option<Arc<Member>>| member.as_ref().map(|member| member.plan.grace);
        let longest = self.with_members(|members| members.iter().filter_map(grace).max());
        Instant::now() + longest.unwrap_or_default()
    }

    fn count(&self, count: impl FnOnce(&Watched)) {
        if let Some(meters) = self.shared.meters.get(&self.kind) {
            count(meters);
        }
    }

    fn changed(&self, change: Change) {
        match change {
            Change::Added => self.count(|meters| meters.added.inc()),
            Change::Updated => self.count(|meters| meters.updated.inc()),
            Change::Full => self.shared.full(self.kind),
        }
    }

    pub(super) fn see_pod(&mut self, seen: Seen<Pod>) {
        match seen {
            Seen::Begin => self.begin(),
            Seen::All => self.end(),
            Seen::There(pod) => {
                let (entry, most) = self.with_members(|members| entry(self.shared, members, &pod));
                let change = self.shared.store().put(entry, most);
                self.changed(change);
                self.shared.changed.send_modify(|changes| *changes += 1);
            }
            Seen::Gone(pod) => {
                let forget_at = self.forget_at();
                self.shared.store().delete(&Uid::of(&pod.metadata.uid), forget_at);
                self.count(|meters| meters.deleted.inc());
            }
        }
    }

    pub(super) fn see(&mut self, seen: Seen<Object>) {
        match seen {
            Seen::Begin => self.begin(),
            Seen::All => self.end(),
            Seen::There(object) => {
                let (thing, most) = self.with_members(|members| thing(members, self.kind, &object.metadata));
                let key = key(self.kind, &object.metadata);
                let change = self.shared.store().put_thing(self.kind, key, thing, most);
                self.changed(change);
            }
            Seen::Gone(object) => {
                self.shared.store().remove_thing(self.kind, key(self.kind, &object.metadata));
                self.count(|meters| meters.deleted.inc());
            }
        }
    }
}

/// What an object is looked up with: pods name their namespace and node, and have the UIDs of all others.
fn key(kind: Kind, meta: &Meta) -> &str {
    match kind {
        Kind::Namespaces | Kind::Nodes => &meta.name,
        _ => &meta.uid,
    }
}

fn most(members: &[Option<Arc<Member>>]) -> usize {
    members.iter().flatten().map(|member| member.plan.max_objects).max().unwrap_or_default()
}

/// The record of a pod, with what each plan makes of it.
fn entry(shared: &Shared, members: &[Option<Arc<Member>>], pod: &Pod) -> (Entry, usize) {
    let mut interner = lock(&shared.interner);
    let (mut views, mut keys) = (Vec::with_capacity(members.len()), Vec::new());
    for member in members {
        let Some(member) = member else {
            views.push(View::default());
            continue;
        };
        let (view, own) = member.plan.view(member.arrival, pod, &mut interner);
        views.push(view);
        keys.extend(own);
    }
    let meta = &pod.metadata;
    let owner = |owner: &Owner| Some((kind_of(&owner.kind)?, owner.uid.as_str().into()));
    let entry = Entry {
        uid: Uid::of(&meta.uid),
        name: meta.name.as_str().into(),
        namespace: interner.text(&meta.namespace),
        node: interner.text(&pod.spec.node_name),
        started: pod.started().unwrap_or(i64::MIN),
        owners: meta.owner_references.iter().filter_map(owner).collect(),
        views: views.into_boxed_slice(),
        addresses: view::addresses(pod).into_boxed_slice(),
        keys: keys.into_boxed_slice(),
    };
    (entry, most(members))
}

/// The kind of an owner that attributes tell of.
fn kind_of(owner: &str) -> Option<Kind> {
    match owner {
        "ReplicaSet" => Some(Kind::ReplicaSets),
        "StatefulSet" => Some(Kind::StatefulSets),
        "DaemonSet" => Some(Kind::DaemonSets),
        "Job" => Some(Kind::Jobs),
        _ => None,
    }
}

fn thing(members: &[Option<Arc<Member>>], kind: Kind, meta: &Meta) -> (Thing, usize) {
    let any_rules = members.iter().flatten().any(|member| member.plan.has_rules_for(kind));
    let view = |member: &Option<Arc<Member>>| match member {
        Some(member) => (member.arrival, view::of_object(&member.plan, kind, meta)),
        None => (0, Encoded::default()),
    };
    // A ReplicaSet may be of something else, such as a Rollout.
    let above = match kind {
        Kind::ReplicaSets => "Deployment",
        Kind::Jobs => "CronJob",
        _ => "",
    };
    let controls = |owner: &&Owner| owner.controller == Some(true) && owner.kind == above;
    let controller = meta.owner_references.iter().find(controls);
    let thing = Thing {
        uid: meta.uid.as_str().into(),
        owner: controller.map(|owner| owner.uid.as_str()).unwrap_or_default().into(),
        views: if any_rules { members.iter().map(view).collect() } else { Box::default() },
    };
    (thing, most(members))
}
