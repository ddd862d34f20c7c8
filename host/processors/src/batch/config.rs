//! What a user may write under `processors: batch:`. The keys and defaults are the Collector's where it has them.

use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Consumer};
use host_config::time::duration;
use host_config::{Check, Wrong};
use host_telemetry::Metrics;
use schemars::JsonSchema;
use serde::Deserialize;

use super::processor::Batch;

/// The processor's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// So many items leave without waiting any longer.
    pub send_batch_size: u64,
    /// So long something waits at most while a batch is under way.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// A batch has at most so many items; 0 is no limit.
    pub send_batch_max_size: u64,
    /// A batch has at most so many bytes; 0 is no limit. Peers refuse messages over 4 MiB; a request of 5,000 log records has
    /// about 3 MB, and cutting it would cost more than all else that is done to it.
    pub send_batch_max_bytes: usize,
    /// Batches under way at a time.
    pub max_in_flight: usize,
    /// Keys of request metadata by which what comes is kept apart.
    pub metadata_keys: Vec<String>,
    /// Combinations of their values under way at a time; 0 is no limit.
    pub metadata_cardinality_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            send_batch_size: 8192,
            timeout: Duration::from_millis(200),
            send_batch_max_size: 0,
            send_batch_max_bytes: 3_500_000,
            max_in_flight: 8,
            metadata_keys: Vec::new(),
            metadata_cardinality_limit: 1000,
        }
    }
}

/// Why a processor cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("{id}: {wrong}")]
pub struct BuildError {
    pub id: ComponentId,
    pub wrong: Wrong,
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let (max, size) = (self.send_batch_max_size, self.send_batch_size);
        let contradicts = format!("{max} is less than send_batch_size, {size}; raise it or set it to 0");
        let twice = self
            .metadata_keys
            .iter()
            .enumerate()
            .find(|(at, key)| self.metadata_keys[..*at].iter().any(|before| before.eq_ignore_ascii_case(key)));
        let twice = twice.map(|(_, key)| format!("{key:?} stands there twice; capital letters make no difference"));
        Wrong::among([
            ("metadata_keys", twice.is_some(), twice.as_deref().unwrap_or_default()),
            ("max_in_flight", self.max_in_flight == 0, "it is 0, but at least one batch has to be under way"),
            ("send_batch_max_size", max != 0 && max < size, contradicts.as_str()),
        ])
    }
}

impl Config {
    /// Makes the processor, in front of `next`.
    ///
    /// # Errors
    /// When the limits contradict each other.
    pub fn build(
        self,
        id: ComponentId,
        next: Arc<dyn Consumer>,
        metrics: &Metrics,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        match self.wrongs().into_iter().next() {
            Some(wrong) => Err(BuildError { id, wrong }),
            None => Ok(Arc::new(Batch::new(&self, &id, next, metrics))),
        }
    }

    /// How many combinations of metadata may be under way.
    pub(crate) fn max_combinations(&self) -> usize {
        if self.metadata_cardinality_limit == 0 { usize::MAX } else { self.metadata_cardinality_limit }
    }

    pub(crate) fn max_items(&self) -> u64 {
        if self.send_batch_max_size == 0 { u64::MAX } else { self.send_batch_max_size }
    }

    pub(crate) fn max_bytes(&self) -> usize {
        if self.send_batch_max_bytes == 0 { usize::MAX } else { self.send_batch_max_bytes }
    }
}
