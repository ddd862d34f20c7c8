//! What waits, and what is tried again: the Collector's older name for the first, and its own defaults for the second.

use std::time::Duration;

use host_config::Wrong;
use host_config::delivery::{self, SendingQueue};
use host_config::time::{duration, optional_duration};
use schemars::JsonSchema;
use serde::Deserialize;

/// `remote_write_queue`: how much may wait, and how many requests of one batch may be under way.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteWriteQueue {
    pub enabled: bool,
    pub queue_size: usize,
    /// Counts where `max_batch_request_parallelism` is not written.
    pub num_consumers: usize,
}

impl Default for RemoteWriteQueue {
    fn default() -> Self {
        RemoteWriteQueue { enabled: true, queue_size: 10_000, num_consumers: 5 }
    }
}

impl RemoteWriteQueue {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let is_shut = self.enabled && self.queue_size == 0;
        Wrong::among([("remote_write_queue.queue_size", is_shut, "it has to be at least 1")])
    }

    pub(super) fn settings(&self) -> SendingQueue {
        SendingQueue { enabled: self.enabled, queue_size: self.queue_size, ..SendingQueue::default() }
    }
}

/// `retry_on_failure`: as of every exporter, but that the first attempt is not waited for as long.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub enabled: bool,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_interval: Duration,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_interval: Duration,
    /// 0 is forever. Without a value it is five minutes, and forever for what waits in a queue with `storage`.
    #[serde(deserialize_with = "optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_elapsed_time: Option<Duration>,
    pub multiplier: f64,
    /// The interval is drawn from this share of it around it.
    pub randomization_factor: f64,
}

impl Default for Retry {
    fn default() -> Self {
        let delivery::Retry { enabled, max_interval, max_elapsed_time, multiplier, randomization_factor, .. } =
            delivery::Retry::default();
        let initial_interval = Duration::from_millis(50);
        Retry { enabled, initial_interval, max_interval, max_elapsed_time, multiplier, randomization_factor }
    }
}

impl Retry {
    pub(super) fn settings(&self) -> delivery::Retry {
        let Retry { enabled, initial_interval, max_interval, max_elapsed_time, multiplier, randomization_factor } =
            *self;
        delivery::Retry { enabled, initial_interval, max_interval, max_elapsed_time, multiplier, randomization_factor }
    }
}
