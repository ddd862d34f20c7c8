//! The processor is the guest as the pipeline sees it: a consumer that hands each delivery to the pool and sends on what
//! comes out.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::{BoxFuture, join_all};
use host_component::{Consumer, Delivery, Failure, Origin, Outcome};
use tokio::sync::oneshot;

use crate::bound::Bound;
use crate::guest::Guest;
use crate::instance::Context;
use crate::pool::{Pool, QueueId};

/// When to try again where the queue is full: a batch takes a few milliseconds.
const QUEUE_FULL: Duration = Duration::from_millis(200);

/// A guest in a pipeline.
pub(crate) struct Processor {
    guests: Guests,
    /// The keys of request metadata that the module may see.
    metadata: Vec<String>,
    /// What a guest is told of where data came from that brings nothing along for it.
    nowhere: Arc<Origin>,
    pool: Pool,
    queue: QueueId,
    seeds: Seeds,
    next: Arc<dyn Consumer>,
}

/// Who does the work.
pub(crate) enum Guests {
    One(Arc<Guest>),
    /// By the cluster that data was bound to.
    Bound(Arc<Bound>),
}

impl Processor {
    pub(crate) fn new(
        guests: Guests,
        metadata: Vec<String>,
        pool: Pool,
        queue: QueueId,
        next: Arc<dyn Consumer>,
    ) -> Self {
        Processor { guests, metadata, nowhere: Arc::default(), pool, queue, seeds: Seeds::default(), next }
    }

    /// What the module is told of where data came from.
    fn known(&self, origin: &Origin) -> Arc<Origin> {
        granted(origin, &self.metadata).map_or_else(|| Arc::clone(&self.nowhere), Arc::new)
    }

    /// Who has a delivery.
    fn guest(&self, delivery: &Delivery) -> Result<Arc<Guest>, Failure> {
        match &self.guests {
            Guests::One(guest) => Ok(Arc::clone(guest)),
            Guests::Bound(bound) => {
                let cluster = delivery.origin.cluster().unwrap_or_default();
                bound.of(cluster).map_err(|vacant| vacant.turn_away(&delivery.payload, cluster))
            }
        }
    }

    async fn process(&self, delivery: Delivery) -> Outcome {
        let guest = self.guest(&delivery)?;
        let cluster = delivery.origin.cluster().filter(|cluster| !cluster.is_empty()).map(str::to_owned);
        let context = Context { now: now(), seed: self.seeds.next(), cluster, origin: self.known(&delivery.origin) };
        let came = Instant::now();
        let (reply, answer) = oneshot::channel();
        let (served_by, payload) = (Arc::clone(&guest), delivery.payload.clone());
        let (step, waits) = (guest.step(&payload), guest.meters.waits());
        let job = Box::new(move || {
            drop(waits);
            // Whoever has gone away takes the batch back.
            if reply.is_closed() {
                return;
            }
            let served = match &step {
                None => served_by.serve(&payload, &context),
                Some(step) => step.run(|| served_by.serve(&payload, &context)),
            };
            if let (Some(step), Err(failure)) = (step, &served) {
                step.came_to(&Err(failure.clone()));
            }
            let _ = reply.send(served);
        });
        if self.pool.submit(self.queue, job).is_err() {
            return Err(Failure::refused(format!("{}: the queue for the guest is full", guest.id), QUEUE_FULL));
        }
        let processed =
            answer.await.map_err(|_| Failure::retryable(format!("{}: the batch was given up", guest.id)))??;
        guest.meters.took.observe(came.elapsed().as_secs_f64());
        let deliveries = processed.into_iter().map(|(route, payload)| Delivery {
            payload,
            origin: Arc::clone(&delivery.origin),
            route: route.or(delivery.route),
        });
        self.forward(deliveries).await
    }

    /// Sends on each part; the worst outcome stands for all, since the sender has but one to act on.
    async fn forward(&self, mut deliveries: impl ExactSizeIterator<Item = Delivery>) -> Outcome {
        if deliveries.len() <= 1 {
            return match deliveries.next() {
                Some(only) => self.next.consume(only).await,
                None => Ok(()),
            };
        }
        let outcomes = join_all(deliveries.map(|delivery| self.next.consume(delivery))).await;
        let failures = outcomes.into_iter().filter_map(Result::err);
        failures.min_by_key(Failure::is_permanent).map_or(Ok(()), Err)
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        self.pool.release(self.queue);
    }
}

impl Consumer for Processor {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.process(delivery))
    }
}

/// As much of where data came from as these keys of metadata say; none where that is nothing.
fn granted(origin: &Origin, keys: &[String]) -> Option<Origin> {
    let granted = origin.metadata.iter().filter(|(key, _)| keys.contains(key));
    let metadata: Vec<_> = granted.cloned().collect();
    (!metadata.is_empty()).then_some(Origin { metadata })
}

/// Random numbers, one a batch: what is random in them is the process's hash key.
#[derive(Default)]
struct Seeds {
    key: RandomState,
    batches: AtomicU64,
}

impl Seeds {
    fn next(&self) -> u64 {
        self.key.hash_one(self.batches.fetch_add(1, Ordering::Relaxed))
    }
}

fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
