//! Handing on: each worker takes what comes next, gives it to the exporter, and sees to what becomes of it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use host_component::claims::Held;
use host_component::{Delivery, Exporter, Failure, Outcome, Shutdown};
use host_config::delivery::Retry;
use host_telemetry::OwnGauge;
use tokio::sync::MutexGuard;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use crate::letters::{self, Put};
use crate::queue::Queue;
use crate::room::Bounds;
use crate::storage::Disk;
use crate::store::{Join, Taken};

/// Small requests of one origin travel together up to this.
const TOGETHER: Join = Join { bytes: 512 << 10, items: 8192 };

/// What waits and could not be read, or had its exporter panic, is tried again so long after.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// What the workers of one exporter share.
pub(super) struct Handing {
    pub(super) queue: Arc<Held<Queue>>,
    pub(super) inner: Arc<dyn Exporter>,
    pub(super) retry: Retry,
    pub(super) bounds: Arc<Bounds>,
    pub(super) size: Arc<OwnGauge>,
}

impl Handing {
    /// Works until the end begins.
    pub(super) async fn work(&self, mut ending: Shutdown) {
        while let Some((taken, turn)) = self.next(&mut ending).await {
            self.deliver(taken, turn, &ending).await;
        }
    }

    /// What comes next, and the turn, which is held until the exporter was called; nothing once the end has begun.
    async fn next(&self, ending: &mut Shutdown) -> Option<(Vec<Taken<Disk>>, MutexGuard<'_, ()>)> {
        let _next = tokio::select! {
            biased;
            () = ending.wait() => return None,
            next = self.queue.next.lock() => next,
        };
        loop {
            let ready = self.queue.store.ready.notified();
            let turn = tokio::select! {
                biased;
                () = ending.wait() => return None,
                turn = self.queue.taking.lock() => turn,
            };
            let taken = match self.queue.take_at_hand(TOGETHER) {
                Some(taken) => taken,
                None => {
                    let queue = Arc::clone(&self.queue);
                    // The end does not cut this short: what was taken would go back after somebody else has taken what
                    // follows.
                    spawn_blocking(move || queue.take(TOGETHER)).await.unwrap_or_default()
                }
            };
            if ending.is_fired() {
                drop(taken);
                return None;
            }
            if !taken.is_empty() {
                return Some((taken, turn));
            }
            drop(turn);
            tokio::select! {
                () = ending.wait() => return None,
                // What could not be read may be readable soon, of which nothing tells.
                _ = timeout(AGAIN, ready) => {}
            }
        }
    }

    /// Sees to it that these are done with; where the end begins before that they go back.
    async fn deliver(&self, taken: Vec<Taken<Disk>>, turn: MutexGuard<'_, ()>, ending: &Shutdown) {
        match self.hand_over(joined(&taken), Some(turn), ending).await {
            Some(Err(failure @ Failure::Permanent { .. })) if taken.len() == 1 => {
                self.bury(taken, &failure, ending).await;
            }
            // One of them is why: the others are delivered without it, and nothing overtakes them that is not under way.
            Some(Err(Failure::Permanent { .. })) => {
                let turn = self.queue.taking.lock().await;
                let mut given_up = Vec::new();
                for one in taken {
                    match self.hand_over(one.delivery.clone(), None, ending).await {
                        Some(Err(failure)) => given_up.push((one, failure)),
                        Some(Ok(())) => self.done(vec![one]),
                        None => drop(one),
                    }
                }
                drop(turn);
                for (one, failure) in given_up {
                    self.bury(vec![one], &failure, ending).await;
                }
            }
            // It took longer than it may.
            Some(Err(failure)) => self.bury(taken, &failure, ending).await,
            Some(Ok(())) => self.done(taken),
            None => drop(taken),
        }
    }

    /// Puts away what is given up. None of it is done with before it lies there: what cannot be written is tried again, and
    /// goes back where the end begins before that.
    async fn bury(&self, taken: Vec<Taken<Disk>>, failure: &Failure, ending: &Shutdown) {
        // One that may pass took longer than it may.
        let (is_expired, reason) = (!failure.is_permanent(), failure.to_string());
        for one in taken {
            let (payload, origin) = (&one.delivery.payload, &one.delivery.origin);
            let put = loop {
                match self.queue.letters.keep(payload.clone(), origin, &reason).await {
                    Ok(put) => break Some(put),
                    Err(_) if timeout(letters::AGAIN, ending.clone().wait()).await.is_ok() => break None,
                    Err(_) => {}
                }
            };
            let items = payload.items();
            match put {
                Some(_) if is_expired => self.queue.expired.inc_by(items),
                Some(Put::Full) => self.queue.letters.count_full(items),
                Some(Put::Kept) => {}
                None => continue,
            }
            self.done(vec![one]);
        }
    }

    fn done(&self, taken: Vec<Taken<Disk>>) {
        self.queue.done(taken);
        let size = self.queue.size(&self.bounds);
        self.size.set(i64::try_from(size).unwrap_or(i64::MAX));
    }

    /// Hands a delivery to the exporter until it says what became of it: none where the end began first. A failure that may
    /// pass is the outcome where it is not to be tried for ever.
    async fn hand_over(
        &self,
        delivery: Delivery,
        turn: Option<MutexGuard<'_, ()>>,
        ending: &Shutdown,
    ) -> Option<Outcome> {
        // Where there is a limit, the exporter keeps to it.
        let is_limited = !self.retry.enabled || self.retry.max_elapsed_time.is_some_and(|limit| !limit.is_zero());
        let mut pause = self.retry.initial_interval;
        let mut turn = turn;
        loop {
            let mut call = self.inner.consume(delivery.clone());
            // An exporter that keeps an order puts who calls in a row at once.
            let begun = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
            drop(turn.take());
            let outcome = match begun {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => call.await,
            };
            let failure = match outcome {
                Err(failure) if !failure.is_permanent() => failure,
                outcome => return Some(outcome),
            };
            if ending.is_fired() {
                return None;
            }
            if is_limited {
                return Some(Err(failure));
            }
            let asked = match &failure {
                Failure::Retryable { after, .. } => after.unwrap_or_default(),
                Failure::Refused { after, .. } => *after,
                Failure::Permanent { .. } => Duration::ZERO,
            };
            let mut ending = ending.clone();
            tokio::select! {
                () = sleep(pause.max(asked)) => {}
                () = ending.wait() => return None,
            }
            pause = longer(pause, &self.retry);
        }
    }
}

/// The pause that follows a pause.
fn longer(pause: Duration, retry: &Retry) -> Duration {
    let longer = Duration::try_from_secs_f64(pause.as_secs_f64() * retry.multiplier);
    longer.unwrap_or(retry.max_interval).min(retry.max_interval)
}

/// All of these as one delivery: they are of one signal and origin.
fn joined(taken: &[Taken<Disk>]) -> Delivery {
    let mut deliveries = taken.iter().map(|one| one.delivery.clone());
    let Some(mut all) = deliveries.next() else {
        return Delivery::new(host_otlp::Payload::empty(host_otlp::Signal::Logs));
    };
    deliveries.for_each(|one| all.payload.join(one.payload));
    all
}

#[cfg(test)]
mod tests;
