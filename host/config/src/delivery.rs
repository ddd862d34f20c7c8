//! What every exporter has in common: how its data waits, and what happens after a failure that may pass.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Wrong;
use crate::time;

/// `retry_on_failure`: what happens after a failure that may pass.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub enabled: bool,
    #[serde(deserialize_with = "time::duration")]
    #[schemars(schema_with = "crate::time::schema")]
    pub initial_interval: Duration,
    #[serde(deserialize_with = "time::duration")]
    #[schemars(schema_with = "crate::time::schema")]
    pub max_interval: Duration,
    /// 0 is forever. Without a value it is five minutes, and forever for what waits in a queue with `storage`.
    #[serde(deserialize_with = "time::optional_duration")]
    #[schemars(schema_with = "crate::time::schema")]
    pub max_elapsed_time: Option<Duration>,
    pub multiplier: f64,
    /// The interval is drawn from this share of it around it.
    pub randomization_factor: f64,
}

/// How long a request is tried again where nobody says so.
const MAX_ELAPSED_TIME: Duration = Duration::from_secs(300);

impl Default for Retry {
    fn default() -> Self {
        Retry {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: None,
            multiplier: 1.5,
            randomization_factor: 0.5,
        }
    }
}

impl Retry {
    pub fn wrongs(&self) -> Vec<Wrong> {
        Wrong::among([
            (
                "retry_on_failure.multiplier",
                !self.multiplier.is_finite() || self.multiplier < 1.0,
                "it has to be at least 1",
            ),
            (
                "retry_on_failure.randomization_factor",
                !(0.0..=1.0).contains(&self.randomization_factor),
                "it has to lie between 0 and 1",
            ),
        ])
    }

    /// How long a request is tried again; none is forever.
    pub fn limit(&self) -> Option<Duration> {
        Some(self.max_elapsed_time.unwrap_or(MAX_ELAPSED_TIME)).filter(|limit| !limit.is_zero())
    }
}

/// `sending_queue`: a bound on what is under way and on what waits for that. Without `storage` it promises nothing, unlike
/// the Collector's: the caller waits for the answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SendingQueue {
    pub enabled: bool,
    /// Requests under way at a time.
    pub num_consumers: usize,
    /// What may wait for one of them to end, as `sizer` counts; what comes on top is refused.
    pub queue_size: usize,
    pub sizer: Sizer,
    /// Whether who finds the queue full waits, and is not refused.
    pub block_on_overflow: bool,
    /// Taken for the Collector's sake: without `storage` the result is always waited for.
    pub wait_for_result: bool,
    /// The extension that keeps what waits; what it has taken is acknowledged.
    pub storage: Option<String>,
    /// For a queue with `storage`: what happens when it is full.
    pub on_full: OnFull,
}

/// What `queue_size` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sizer {
    #[default]
    Requests,
    Items,
    Bytes,
}

/// What a full queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// Who comes is refused, in the form that makes it try again.
    #[default]
    Refuse,
    /// The oldest data is dropped, and counted as lost.
    DropOldest,
}

impl Default for SendingQueue {
    fn default() -> Self {
        SendingQueue {
            enabled: true,
            num_consumers: 10,
            queue_size: 1000,
            sizer: Sizer::Requests,
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            on_full: OnFull::Refuse,
        }
    }
}

impl SendingQueue {
    pub fn wrongs(&self) -> Vec<Wrong> {
        let is_kept = self.storage.is_some();
        Wrong::among([
            ("sending_queue.num_consumers", self.num_consumers == 0, "it has to be at least 1"),
            (
                "sending_queue.wait_for_result",
                is_kept && self.wait_for_result,
                "what is in the `storage` is acknowledged: take one of the two out",
            ),
            (
                "sending_queue.storage",
                is_kept && !self.enabled,
                "there is no queue where `enabled` is false: take one of the two out",
            ),
            (
                "sending_queue.on_full",
                !is_kept && self.on_full == OnFull::DropOldest,
                "without `storage` nothing that waits is acknowledged, and whose it is would have to be told: take it out, or \
                 name a `storage`",
            ),
        ])
    }

    /// What a request of so many items and bytes takes of `queue_size`.
    pub fn size(&self, items: u64, bytes: usize) -> usize {
        match self.sizer {
            Sizer::Requests => 1,
            Sizer::Items => usize::try_from(items).unwrap_or(usize::MAX),
            Sizer::Bytes => bytes,
        }
    }
}
