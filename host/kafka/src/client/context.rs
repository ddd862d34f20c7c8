//! What the client tells while it works: its log, errors of brokers, and which partitions come and go.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Statistics, TopicPartitionList};

use super::error::explained;
use super::throttle::Throttle;

/// How long an error of a broker explains why a record was not acknowledged.
const RECENT: Duration = Duration::from_secs(60);

/// What a client is told with, and what it has told.
pub(crate) struct Context {
    /// The component, as the log names it.
    owner: String,
    lines: Throttle,
    said: Mutex<Option<(Instant, String)>>,
    changes: Mutex<Vec<Change>>,
    /// By topic and partition, how many records lie behind what was read.
    lags: Mutex<Vec<Lag>>,
}

/// Partitions that were given or taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Assigned(Vec<(String, i32)>),
    Revoked(Vec<(String, i32)>),
}

/// Records of a partition that were not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) records: i64,
}

impl Context {
    pub(crate) fn new(owner: String) -> Self {
        Context {
            owner,
            lines: Throttle::default(),
            said: Mutex::default(),
            changes: Mutex::default(),
            lags: Mutex::default(),
        }
    }

    /// What was said last about brokers, where that is of late.
    pub(crate) fn says(&self) -> Option<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.as_ref().filter(|(when, _)| when.elapsed() < RECENT).map(|(_, text)| text.clone())
    }

    /// Brokers answer: what was said before explains nothing any more.
    pub(crate) fn is_well(&self) {
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The partitions that came and went since this was asked last.
    pub(crate) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of late about how far behind this is; nothing where that was asked already.
    pub(crate) fn lags(&self) -> Vec<Lag> {
        std::mem::take(&mut *self.lags.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: Change) {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl ClientContext for Context {
    /// What matters comes by `error` too.
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(component = self.owner, facility, message, "the client of Kafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let text = explained(code, reason);
        if let Some(left_out) = self.lines.pass(Instant::now()) {
            tracing::warn!(component = self.owner, error = text, left_out, "a broker cannot be used");
        }
        // That all are down is said behind why.
        let is_summary = code == Some(RDKafkaErrorCode::AllBrokersDown);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_summary || said.is_none() {
            *said = Some((Instant::now(), text));
        }
    }

    fn stats(&self, statistics: Statistics) {
        let topics = statistics.topics.iter();
        let of_topic = |(topic, told): (&String, &rdkafka::statistics::Topic)| {
            let partitions = told.partitions.iter().filter(|(_, told)| told.consumer_lag >= 0);
            let lag = |(partition, told): (&i32, &rdkafka::statistics::Partition)| Lag {
                topic: topic.clone(),
                partition: *partition,
                records: told.consumer_lag,
            };
            partitions.map(lag).collect::<Vec<_>>()
        };
        *self.lags.lock().unwrap_or_else(PoisonError::into_inner) = topics.flat_map(of_topic).collect();
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.change(Change::Assigned(names(partitions))),
            Rebalance::Revoke(partitions) => self.change(Change::Revoked(names(partitions))),
            Rebalance::Error(error) => tracing::warn!(component = self.owner, %error, "the group cannot be balanced"),
        }
    }

    fn commit_callback(&self, result: rdkafka::error::KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            // What was not committed is read again by whoever has the partition next.
            Err(error) => tracing::warn!(component = self.owner, %error, "offsets were not committed"),
        }
    }
}

fn names(partitions: &TopicPartitionList) -> Vec<(String, i32)> {
    partitions.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}
