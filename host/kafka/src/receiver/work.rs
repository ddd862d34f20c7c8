//! The work on one record: it is read, handed on, and tried again until it was taken.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Consumers, Failure, Outcome, Shutdown};
use host_receivers::Lanes;
use host_receivers::budget::Reservation;
use host_telemetry::traces::Remote;
use http::HeaderMap;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::config::ErrorBackoff;
use super::counts::Counts;
use super::record::{Read, Reading, Record};
use super::topics::Topics;
use crate::client::Form;

/// What all records are worked on with.
pub(crate) struct Bench {
    pub(crate) topics: Topics,
    pub(crate) reading: Reading,
    pub(crate) consumers: Consumers,
    pub(crate) lanes: Lanes,
    pub(crate) counts: Counts,
    pub(crate) backoff: ErrorBackoff,
    /// Whether what will never be taken is passed.
    pub(crate) passes_permanent: bool,
}

/// The name of a partition, and which of them it is.
pub(crate) type Place = (Arc<str>, i32, u64);

/// A record of this partition waits to be tried again, or no longer does.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) place: Place,
    pub(crate) is_failing: bool,
}

/// A record that is not worked on any more.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) place: Place,
    pub(crate) offset: i64,
    pub(crate) bytes: usize,
    /// What was reserved for it.
    pub(crate) room: usize,
    pub(crate) end: End,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Taken,
    /// It will never be taken, and was counted.
    Passed,
    /// Its partition was taken away, or this is the end: it will be read again.
    Abandoned,
}

impl Bench {
    /// Works on a record until it has an end; its room is given back then.
    pub(crate) async fn work(
        self: Arc<Self>,
        record: Record,
        reservation: Reservation,
        generation: u64,
        mut ending: Shutdown,
        words: mpsc::Sender<Word>,
    ) -> Finished {
        let place = (Arc::clone(&record.topic), record.partition, generation);
        let mut backoff = Backoff::new(&self.backoff);
        let mut failing = None;
        let end = loop {
            let failure = match self.attempt(&record, failing.is_none()).await {
                Ok(()) => break End::Taken,
                Err(failure) if failure.is_permanent() && self.passes_permanent => break End::Passed,
                Err(failure) => failure,
            };
            let told = if failure.is_permanent() { STANDS_STILL } else { TRIED_AGAIN };
            self.counts.tell(&record, told, &failure.to_string());
            if failing.is_none() {
                failing = Some(Failing::new(&self.counts));
                // Nobody listens at the end.
                let _ = words.send(Word { place: place.clone(), is_failing: true }).await;
            }
            let after = match failure {
                Failure::Retryable { after, .. } => after.unwrap_or_default(),
                Failure::Refused { after, .. } => after,
                Failure::Permanent { .. } => Duration::ZERO,
            };
            tokio::select! {
                () = sleep(backoff.next().max(after)) => {}
                () = ending.wait() => break End::Abandoned,
            }
        };
        if failing.take().is_some() {
            let _ = words.send(Word { place: place.clone(), is_failing: false }).await;
        }
        Finished { place, offset: record.offset, bytes: record.value.len(), room: reservation.bytes(), end }
    }

    async fn attempt(&self, record: &Record, is_first: bool) -> Outcome {
        let Some((signal, form)) = self.topics.signal(&record.topic) else {
            if is_first {
                self.counts.is_of_no_signal(record);
            }
            return Err(Failure::permanent(NO_SIGNAL));
        };
        let Read { delivery, unknown_fields } = match self.reading.read(record, signal, form) {
            Ok(read) => read,
            Err(error) => {
                if is_first {
                    self.counts.is_poison(record, signal, &error);
                }
                return Err(Failure::Permanent { reason: error });
            }
        };
        let items = delivery.payload.items();
        if items == 0 {
            return Ok(());
        }
        let Some(consumer) = self.consumers.of(signal) else {
            return Err(Failure::retryable(format!("the pipeline that took {signal} from this receiver was removed")));
        };
        if is_first {
            self.counts.unknown_fields.inc_by(unknown_fields);
        }
        let format = match form {
            Form::Proto => "otlp_proto",
            Form::Json => "otlp_json",
        };
        let taking = consumer.consume(delivery);
        self.lanes.deliver(signal, items, taking, &Remote::of(&HeaderMap::new()), format).await
    }
}

const NO_SIGNAL: &str = "no signal is read from this topic: no name and no pattern of `topics` is it";
const TRIED_AGAIN: &str = "a record cannot be taken, and is tried again";
const STANDS_STILL: &str = "a record will never be taken, and its partition stands still at it, as \
                            `message_marking.on_permanent_error` says";

/// A record that waits to be tried again is counted for as long as this is there.
struct Failing<'a>(&'a Counts);

impl<'a> Failing<'a> {
    fn new(counts: &'a Counts) -> Self {
        counts.failing.inc();
        Failing(counts)
    }
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.0.failing.dec();
    }
}

/// The pauses between attempts, which do not end.
struct Backoff<'a> {
    config: &'a ErrorBackoff,
    interval: Duration,
}

impl<'a> Backoff<'a> {
    fn new(config: &'a ErrorBackoff) -> Self {
        Backoff { config, interval: config.initial_interval.min(config.max_interval) }
    }

    fn next(&mut self) -> Duration {
        let spread = self.config.randomization_factor * (2.0 * fastrand::f64() - 1.0);
        let wait = self.interval.mul_f64(1.0 + spread);
        self.interval = self.interval.mul_f64(self.config.multiplier).min(self.config.max_interval);
        wait
    }
}
