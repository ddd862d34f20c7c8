//! The exporter: it parts a delivery by the keys of its items, and sends each backend what belongs to it.
//!
//! Backends are sent to side by side. What one gives back is sent by the backends as they are then, where that one has gone;
//! else it is tried again, where that is wanted, or given back to the sender with the rest: whoever sends a delivery again
//! sends all of it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream;
use host_component::{
    BoxFuture, ComponentId, Consumer, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Payload, spawn,
};
use host_config::Wrong;
use host_config::delivery::SendingQueue;
use host_otlp::split::Division;
use tokio::sync::watch;

use super::backends::{Backend, Known, Maker, Table};
use super::keys::Keys;
use super::resolver::follow;
use crate::Deps;
use crate::resolve::{Lookup, Name};
use crate::sending::{Denial, Line};

/// How many parts of one delivery are under way at a time: each may have all that is around its items.
const AT_ONCE: usize = 16;

/// The exporter.
pub(crate) struct LoadBalancing {
    keys: Keys,
    maker: Arc<Maker>,
    line: Line,
    /// Whether what a backend has given back is tried again here.
    retries: bool,
    lookup: Arc<dyn Lookup>,
    known: OnceLock<watch::Receiver<Known>>,
}

/// What is left of a delivery between two attempts.
struct Left {
    payload: Payload,
    so_far: Tally,
}

/// What became of the parts of a delivery.
#[derive(Default)]
struct Tally {
    is_any_taken: bool,
    /// Parts that nobody will ever take.
    never: Vec<(Payload, Failure)>,
    /// What may be taken later.
    later: Option<(Payload, Failure)>,
}

impl Tally {
    fn give_back(&mut self, part: Payload, failure: Failure) {
        match &mut self.later {
            Some((payload, _)) => payload.join(part),
            later @ None => *later = Some((part, failure)),
        }
    }
}

impl LoadBalancing {
    /// # Errors
    /// Where a backend that is named cannot be prepared.
    pub(super) fn new(
        config: super::Config,
        id: &ComponentId,
        deps: &Deps<'_>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Wrong> {
        let off = || SendingQueue { enabled: false, ..SendingQueue::default() };
        let queue = config.sending_queue.clone().unwrap_or_else(off);
        let is_kept = queue.storage.is_some();
        let retries = config.retry_on_failure.as_ref().map_or(is_kept, |retry| retry.enabled);
        let retry = config.retry_on_failure.clone().unwrap_or_default();
        let exporter = LoadBalancing {
            keys: Keys::new(config.routing_attributes.clone()),
            line: Line::new(id, retry, &queue, deps.metrics),
            retries,
            lookup,
            known: OnceLock::new(),
            maker: Arc::new(Maker::new(config, id, deps)),
        };
        exporter.take_named()?;
        Ok(exporter)
    }

    /// Takes those that are named for the backends; where they are to be found, sees whether one could be prepared.
    fn take_named(&self) -> Result<(), Wrong> {
        let mut addresses = self.maker.config().hostnames().to_vec();
        if addresses.is_empty() {
            return self.maker.check();
        }
        addresses.sort_unstable();
        addresses.dedup();
        let table = self.maker.table(&addresses, None)?;
        self.maker.counts.resolved(true);
        self.maker.counts.updated(table.backends.len());
        let (_, known) = watch::channel(Known::Backends(table));
        self.known.get_or_init(|| known);
        Ok(())
    }

    /// What is known of the backends; the first who asks starts the task that looks for them.
    fn known(&self) -> &watch::Receiver<Known> {
        self.known.get_or_init(|| {
            let (publish, known) = watch::channel(Known::NotYet);
            if let Some(dns) = self.maker.config().resolver.dns.clone() {
                let name = Name::new(Arc::clone(&self.lookup), &dns.hostname, dns.timeout, &self.line.id);
                spawn("resolve", &self.line.id, follow(Arc::clone(&self.maker), dns, name, publish));
            }
            known
        })
    }

    /// The backends at present.
    async fn table(&self) -> Result<Arc<Table>, Failure> {
        let mut known = self.known().clone();
        loop {
            let now = known.borrow_and_update().clone();
            match now {
                Known::Backends(table) => return Ok(table),
                Known::None(reason) => return Err(Failure::retryable(reason)),
                Known::NotYet => {}
            }
            known
                .changed()
                .await
                .map_err(|_| Failure::retryable(format!("{}: the exporter has ended", self.line.id)))?;
        }
    }

    async fn export(&self, Delivery { payload, origin, .. }: Delivery) -> Outcome {
        let items = payload.items();
        let _place = self.line.place(&payload).await?;
        let left = Mutex::new(Left { payload, so_far: Tally::default() });
        let attempt = || self.attempt(&left, &origin);
        let sent = match self.retries {
            true => self.line.attempts(items, || false, attempt).await,
            false => attempt().await,
        };
        sent.map_err(Denial::into_failure)?;
        let Left { so_far: Tally { is_any_taken, mut never, .. }, .. } =
            left.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !is_any_taken && let Some((_, failure)) = never.pop() {
            return Err(failure);
        }
        // Whoever is told so may send the rest again, which must not arrive twice.
        for (part, failure) in never {
            self.line.bury(part, &origin, &failure.to_string()).await;
        }
        Ok(())
    }

    /// Sends what is left, and leaves what may be taken later.
    async fn attempt(&self, left: &Mutex<Left>, origin: &Arc<Origin>) -> Result<(), Denial> {
        let limit = self.maker.config().timeout;
        let payload = lock(left).payload.clone();
        let sending = self.send(payload, origin);
        let tally = match limit.is_zero() {
            true => sending.await,
            false => tokio::time::timeout(limit, sending).await.map_err(|_| {
                Denial::Failed(Failure::retryable(format!("{}: not taken within {limit:?}", self.line.id)))
            })?,
        };
        let mut left = lock(left);
        left.so_far.is_any_taken |= tally.is_any_taken;
        left.so_far.never.extend(tally.never);
        let Some((payload, failure)) = tally.later else { return Ok(()) };
        left.payload = payload;
        Err(Denial::Failed(failure))
    }

    /// Sends a payload to the backends that it belongs to, and what one that has gone meanwhile gives back to whom that belongs
    /// to then.
    async fn send(&self, mut payload: Payload, origin: &Arc<Origin>) -> Tally {
        let mut tally = Tally::default();
        loop {
            let table = match self.table().await {
                Ok(table) => table,
                Err(failure) => {
                    tally.give_back(payload, failure);
                    return tally;
                }
            };
            let key = self.maker.config().key_of(payload.signal());
            let places = match self.keys.places(key, &payload, &table.ring) {
                Ok(places) => places,
                Err(reason) => {
                    tally.never.push((payload, Failure::permanent(format!("{}: {reason}", self.line.id))));
                    return tally;
                }
            };
            match self.send_apart(&table, payload, &places, origin, &mut tally).await {
                Some(again) => payload = again,
                None => return tally,
            }
        }
    }

    /// Sends each item to its place; what is to be sent by other backends.
    async fn send_apart(
        &self,
        table: &Table,
        payload: Payload,
        places: &[u32],
        origin: &Arc<Origin>,
        tally: &mut Tally,
    ) -> Option<Payload> {
        let mut wanted = if places.is_empty() { vec![0] } else { places.to_vec() };
        wanted.sort_unstable();
        wanted.dedup();
        let signal = payload.signal();
        let division = payload.divide(places);
        let sends = wanted.into_iter().map(|place| part(table, &division, place, origin));
        let mut sent = stream::iter(sends).buffer_unordered(AT_ONCE);
        let mut again = Payload::empty(signal);
        while let Some((backend, part, outcome)) = sent.next().await {
            match outcome {
                Ok(()) => tally.is_any_taken = true,
                Err(failure) if failure.is_permanent() => tally.never.push((part, failure)),
                Err(_) if backend.is_gone() && !self.line.is_ending() => again.join(part),
                Err(failure) => tally.give_back(part, failure),
            }
        }
        (!again.is_empty()).then_some(again)
    }

    /// The backends that are known by now.
    fn present(&self) -> Vec<Arc<Backend>> {
        match self.known.get().map(|known| known.borrow().clone()) {
            Some(Known::Backends(table)) => table.backends.clone(),
            _ => Vec::new(),
        }
    }
}

/// Sends what goes to one place.
fn part<'a>(
    table: &'a Table,
    division: &'a Division,
    place: u32,
    origin: &'a Arc<Origin>,
) -> BoxFuture<'a, (&'a Backend, Payload, Outcome)> {
    Box::pin(async move {
        let backend = &table.backends[place as usize];
        let part = division.part(place);
        let outcome = backend.send(part.clone(), origin).await;
        (&**backend, part, outcome)
    })
}

fn lock(left: &Mutex<Left>) -> MutexGuard<'_, Left> {
    left.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Consumer for LoadBalancing {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.export(delivery))
    }
}

impl Exporter for LoadBalancing {
    fn start(&self) {
        self.known();
    }

    fn stop_retrying(&self) {
        self.line.stop_retrying();
        self.maker.end();
        self.present().iter().for_each(|backend| backend.exporter().stop_retrying());
    }

    fn keep_undeliverable(&self, letters: Arc<dyn DeadLetters>) {
        self.present().iter().for_each(|backend| backend.exporter().keep_undeliverable(Arc::clone(&letters)));
        self.maker.keep_undeliverable(Arc::clone(&letters));
        self.line.keep_undeliverable(letters);
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            for backend in self.present() {
                backend.exporter().drain().await;
            }
        })
    }
}
