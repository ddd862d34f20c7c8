//! The processor: what is known of pods is put into each delivery on its way, and what is not known yet is waited for.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::ready;
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Failure, Outcome, Signal};
use host_config::{Check, Wrong};
use host_kubernetes::{Access, Scope, Server};
use host_otlp::edit::EditError;
use host_telemetry::Metrics;
use tokio::time::{Instant, sleep, timeout_at};

use super::association::{self, Index, Value};
use super::cache::{Caches, Followed, Member};
use super::config::{Config, FieldFilter, Filter, Operator};
use super::enrich::{Enriched, enriched, with_address};
use super::meters::{Counts, Why};
use super::plan::Plan;
use super::room::{Place, Room};

/// Pods that are told within this time are looked at together.
const GATHER: Duration = Duration::from_millis(20);

/// What the processor is built with.
pub struct Deps<'a> {
    pub caches: &'a Caches,
    pub metrics: &'a Metrics,
    pub signal: Signal,
}

/// Why a processor cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Config { id: ComponentId, wrong: Wrong },
    #[error(
        "{id}: {variable} is not set: give the container the name of its node, with `valueFrom: {{ fieldRef: {{ fieldPath: \
         spec.nodeName }} }}`, or name another variable in `filter.node_from_env_var`"
    )]
    NoNode { id: ComponentId, variable: String },
    #[error("{id}: not all was told within wait_for_metadata_timeout, {limit:?}: {missing}")]
    NotReady { id: ComponentId, limit: Duration, missing: String },
}

impl Config {
    /// Joins the cache that follows what the section wants, and makes the processor, in front of `next`.
    ///
    /// # Errors
    /// When the section makes no sense, and when `wait_for_metadata` is set and not all is told in time.
    pub async fn build(
        self,
        id: ComponentId,
        next: Arc<dyn Consumer>,
        deps: &Deps<'_>,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        let access = Access { auth_type: self.auth_type, context: self.context.clone(), ..Access::default() };
        self.build_at(Server::As(access), id, next, deps).await
    }

    /// The same, asking another server.
    pub(super) async fn build_at(
        self,
        server: Server,
        id: ComponentId,
        next: Arc<dyn Consumer>,
        deps: &Deps<'_>,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        let wrong = |wrong| BuildError::Config { id: id.clone(), wrong };
        if let Some(broken) = self.wrongs().into_iter().next() {
            return Err(wrong(broken));
        }
        if self.passthrough {
            return Ok(Arc::new(Passthrough { id, next }));
        }
        let node = self.node().map_err(|variable| BuildError::NoNode { id: id.clone(), variable })?;
        if Plan::leaves_out_connections(&self) {
            tracing::warn!(
                processor = %id,
                "pods are not looked up by the connection: without `filter.node` or `filter.node_from_env_var` it may be that of \
                 a relay"
            );
        }
        let plan = Plan::new(&self).map_err(wrong)?;
        let followed = Followed { server, pods: self.filter.scope(node.as_deref()), node };
        let member = deps.caches.join(followed, plan, deps.metrics);
        if self.wait_for_metadata {
            let limit = self.wait_for_metadata_timeout;
            let late = |missing| BuildError::NotReady { id: id.clone(), limit, missing };
            member.ready(limit).await.map_err(late)?;
        }
        Ok(self.with(member, id, next, deps))
    }

    /// The processor on a part in a cache.
    pub(super) fn with(
        &self,
        member: Arc<Member>,
        id: ComponentId,
        next: Arc<dyn Consumer>,
        deps: &Deps<'_>,
    ) -> Arc<dyn Consumer> {
        let counts = Counts::new(&id.to_string(), deps.signal, &member.plan, deps.metrics);
        let room = Room::new(self.hold_mib.saturating_mul(1 << 20), counts.held_bytes.clone());
        Arc::new(K8sAttributes { id, member, hold: self.hold, room, counts, next })
    }

    /// The node whose pods matter, where there is one.
    ///
    /// # Errors
    /// The variable that should name it.
    fn node(&self) -> Result<Option<String>, String> {
        let filter = &self.filter;
        if filter.node_from_env_var.is_empty() {
            return Ok(Some(filter.node.clone()).filter(|node| !node.is_empty()));
        }
        let node = std::env::var(&filter.node_from_env_var).ok().filter(|node| !node.is_empty());
        node.map(Some).ok_or_else(|| filter.node_from_env_var.clone())
    }
}

impl Filter {
    /// The pods that fit it.
    fn scope(&self, node: Option<&str>) -> Scope {
        let selector = |filter: &FieldFilter| {
            let FieldFilter { key, value, op } = filter;
            match op {
                Operator::Equals => format!("{key}={value}"),
                Operator::NotEquals => format!("{key}!={value}"),
                Operator::Exists => key.clone(),
                Operator::DoesNotExist => format!("!{key}"),
            }
        };
        let some = |parts: Vec<String>| (!parts.is_empty()).then(|| parts.join(","));
        let of_node = node.map(|node| format!("spec.nodeName={node}"));
        Scope {
            namespace: Some(self.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            labels: some(self.labels.iter().map(selector).collect()),
            fields: some(self.fields.iter().map(selector).chain(of_node).collect()),
        }
    }
}

/// The `k8s_attributes` processor.
struct K8sAttributes {
    id: ComponentId,
    member: Arc<Member>,
    hold: Duration,
    room: Arc<Room>,
    counts: Counts,
    next: Arc<dyn Consumer>,
}

impl Consumer for K8sAttributes {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let Ok(found) = self.enriched(&delivery) else { return self.too_large() };
        let peer = delivery.origin.peer();
        let mut senders: Vec<u64> = peer.map(of_peer).into_iter().collect();
        senders.extend_from_slice(&found.tried);
        let behind = self.room.waiting(&senders);
        let Some(first) = behind.or(senders.first().copied()).filter(|_| behind.is_some() || !found.unknown.is_empty())
        else {
            return self.pass(&delivery, found, None);
        };
        let why = match (self.hold.is_zero(), behind.is_none() && self.room.are_strangers(&found.unknown)) {
            (true, _) => Some(Why::NotHeld),
            (_, true) => Some(Why::Stranger),
            _ => None,
        };
        if why == Some(Why::Stranger) {
            // For as long as it goes on sending it is one.
            self.room.estrange(&found.unknown);
        }
        if why.is_some() {
            return self.pass(&delivery, found, why);
        }
        // Who is known by an address is one sender; else what is not known is.
        let sender = match (behind, peer) {
            (None, None) => found.unknown.first().copied().unwrap_or(first),
            _ => first,
        };
        match self.room.enter(sender, delivery.payload.len()) {
            Some(place) => Box::pin(self.wait(delivery, place)),
            None => {
                let why = (!found.unknown.is_empty()).then_some(Why::NoRoom);
                self.pass(&delivery, found, why)
            }
        }
    }
}

impl K8sAttributes {
    fn enriched(&self, delivery: &Delivery) -> Result<Enriched, EditError> {
        enriched(&self.member, &self.member.store(), &delivery.payload, delivery.origin.peer())
    }

    fn too_large(&self) -> BoxFuture<'_, Outcome> {
        let told = format!("{}: what is known of the pods of its resources would add more than 64 MiB", self.id);
        Box::pin(ready(Err(Failure::permanent(told))))
    }

    /// Sends on what was found.
    fn pass(&self, delivery: &Delivery, found: Enriched, why: Option<Why>) -> BoxFuture<'_, Outcome> {
        self.counts.count(&found.tally);
        if let Some(why) = why {
            self.counts.unenriched(why, delivery.payload.items());
        }
        let origin = delivery.origin.without_peer();
        self.next.consume(Delivery { payload: found.payload, origin, route: delivery.route })
    }

    /// Waits until all pods of a delivery are known, or for as long as it may, and until those before it have gone on.
    async fn wait(&self, delivery: Delivery, place: Place) -> Outcome {
        let until = Instant::now() + self.hold;
        self.counts.held.inc_by(delivery.payload.items());
        let turn = place.turn().await;
        let mut changes = self.member.changes();
        let (found, why) = loop {
            changes.mark_unchanged();
            let Ok(found) = self.enriched(&delivery) else { return self.too_large().await };
            if found.unknown.is_empty() {
                break (found, None);
            }
            if self.room.are_strangers(&found.unknown) {
                // Nobody is waited for in vain again and again, whoever is in the same line.
                self.room.estrange(&found.unknown);
                break (found, Some(Why::Stranger));
            }
            if Instant::now() >= until {
                self.room.estrange(&found.unknown);
                break (found, Some(Why::Late));
            }
            if timeout_at(until, changes.changed()).await.is_ok() {
                sleep(GATHER.min(until.saturating_duration_since(Instant::now()))).await;
            }
        };
        let mut passing = pin!(self.pass(&delivery, found, why));
        // Whoever comes next may do so as soon as this has gone on, and need not wait for its outcome.
        let outcome = poll_fn(|context| Poll::Ready(passing.as_mut().poll(context))).await;
        drop(turn);
        drop(place);
        match outcome {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => passing.await,
        }
    }
}

/// What a sender is known by that has an address.
fn of_peer(peer: IpAddr) -> u64 {
    association::fingerprint(Index::Ip, 0, &[Value::Ip(peer)])
}

/// The `k8s_attributes` processor that asks nobody.
struct Passthrough {
    id: ComponentId,
    next: Arc<dyn Consumer>,
}

impl Consumer for Passthrough {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let Some(peer) = delivery.origin.peer() else { return self.next.consume(delivery) };
        match with_address(&delivery.payload, peer) {
            Ok(payload) => {
                let origin = delivery.origin.without_peer();
                self.next.consume(Delivery { payload, origin, route: delivery.route })
            }
            Err(error) => Box::pin(ready(Err(Failure::permanent(format!("{}: {error}", self.id))))),
        }
    }
}
