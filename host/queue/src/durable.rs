//! Durable is an exporter before another one: what it takes is in the queue when it says so, and is handed on from there.
//!
//! It hands on from `start`, when its configuration is in force, to `stop_retrying`: what is under way then and fails stays in
//! the queue, for the exporter that takes its place, or for the next process. Until it is dropped it takes what comes.

mod handing;

use std::sync::{Arc, Mutex, PoisonError};

use host_component::claims::Held;
use host_component::{
    BoxFuture, ComponentId, Consumer, Delivery, Exporter, Failure, Outcome, Reservation, Shutdown, Trigger, spawn,
};
use host_config::delivery::{Retry, SendingQueue};
use host_telemetry::{Metrics, OwnGauge};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use self::handing::{AGAIN, Handing};
use crate::config::Config;
use crate::queue::Queue;
use crate::room::{Bounds, Room};

/// How deliveries wait and are handed on.
#[derive(Clone, Debug)]
pub struct Manner {
    pub queue: SendingQueue,
    pub retry: Retry,
}

/// An exporter with a queue before it.
pub struct Durable {
    queue: Arc<Held<Queue>>,
    bounds: Arc<Bounds>,
    inner: Arc<dyn Exporter>,
    manner: Manner,
    fsync: bool,
    end: Trigger,
    ending: Shutdown,
    handing: Mutex<Option<JoinHandle<()>>>,
    size: Arc<OwnGauge>,
    _capacity: OwnGauge,
}

impl Durable {
    /// Puts `queue` before `inner`.
    pub fn new(
        id: &ComponentId,
        queue: Held<Queue>,
        inner: Arc<dyn Exporter>,
        manner: Manner,
        config: &Config,
        metrics: &Metrics,
    ) -> Self {
        inner.keep_undeliverable(queue.letters.clone());
        let id = id.to_string();
        let labels = [("exporter", id.as_str())];
        let bounds = Arc::new(Bounds::new(&manner.queue, config));
        let (end, ending) = Trigger::new();
        let capacity = i64::try_from(manner.queue.queue_size).unwrap_or(i64::MAX);
        let gauge = |name, help, value| metrics.own_gauge(name, help, &labels, value);
        let durable = Durable {
            size: Arc::new(gauge("otelcol_exporter_queue_size", "What waits for a request under way to end.", 0)),
            _capacity: gauge("otelcol_exporter_queue_capacity", "What may wait so.", capacity),
            queue: Arc::new(queue),
            bounds,
            inner,
            manner,
            fsync: config.fsync,
            end,
            ending,
            handing: Mutex::default(),
        };
        durable.show();
        durable
    }

    fn show(&self) {
        let size = self.queue.size(&self.bounds);
        self.size.set(i64::try_from(size).unwrap_or(i64::MAX));
    }
}

impl Consumer for Durable {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let room = match self.bounds.queue.block_on_overflow {
                true => Room::wait(&self.queue, &self.bounds, &delivery).await,
                false => Room::set_aside(&self.queue, &self.bounds, &delivery)?,
            };
            let outcome = room.write(delivery).await;
            self.show();
            outcome
        })
    }

    /// Nobody waits here, since others would be written to meanwhile.
    fn reserve(&self, delivery: &Delivery) -> Result<Option<Box<dyn Reservation>>, Failure> {
        let room = Room::set_aside(&self.queue, &self.bounds, delivery)?;
        Ok(Some(Box::new(room)))
    }
}

impl Exporter for Durable {
    fn start(&self) {
        let mut handing = self.handing.lock().unwrap_or_else(PoisonError::into_inner);
        if handing.is_some() || self.ending.is_fired() {
            return;
        }
        let hands = Arc::new(Handing {
            queue: Arc::clone(&self.queue),
            inner: Arc::clone(&self.inner),
            retry: self.manner.retry.clone(),
            bounds: Arc::clone(&self.bounds),
            size: Arc::clone(&self.size),
        });
        let (fsync, consumers, ending) = (self.fsync, self.manner.queue.num_consumers, self.ending.clone());
        *handing = Some(spawn("queue", &self.queue.id, hand_on(hands, fsync, consumers, ending)));
    }

    fn stop_retrying(&self) {
        self.end.fire();
        self.inner.stop_retrying();
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.end.fire();
            let handing = self.handing.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(handing) = handing {
                // It ends when what is under way has an answer.
                let _ = handing.await;
            }
            self.inner.drain().await;
            let store = Arc::clone(&self.queue.store);
            // Where it fails, the thread that writes tries it once more when it ends.
            let _ = tokio::task::spawn_blocking(move || store.keep(true)).await;
        })
    }
}

/// Hands on in order, so many at a time, once nobody else does.
async fn hand_on(hands: Arc<Handing>, fsync: bool, consumers: usize, mut ending: Shutdown) {
    let _turn = tokio::select! {
        turn = Arc::clone(&hands.queue.turn).lock_owned() => turn,
        () = ending.wait() => return,
    };
    hands.queue.store.set_fsync(fsync);
    let mut workers = JoinSet::new();
    for _ in 0..consumers {
        let (hands, ending) = (Arc::clone(&hands), ending.clone());
        workers.spawn(async move { hands.work(ending).await });
    }
    while let Some(ended) = workers.join_next().await {
        let Err(error) = ended else { continue };
        // What it had went back.
        tracing::error!(exporter = hands.queue.id, %error, "handing on has ended in a panic: it begins anew");
        let (hands, ending) = (Arc::clone(&hands), ending.clone());
        workers.spawn(async move {
            if timeout(AGAIN, ending.clone().wait()).await.is_err() {
                hands.work(ending).await;
            }
        });
    }
}

#[cfg(test)]
mod tests;
