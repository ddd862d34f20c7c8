//! How often a detector that fails is asked again.

use std::time::Duration;

use host_config::Wrong;
use host_config::time::duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// What happens after a failure, within the time that detection may take.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub enabled: bool,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_interval: Duration,
    /// The interval is drawn from this share of it around it.
    pub randomization_factor: f64,
    pub multiplier: f64,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_interval: Duration,
    /// So long detection may take as a whole; 0 is the `timeout`.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_elapsed_time: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            enabled: true,
            initial_interval: Duration::from_secs(1),
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::ZERO,
        }
    }
}

impl Retry {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let limit = self.max_elapsed_time;
        Wrong::among([
            ("retry.multiplier", !self.multiplier.is_finite() || self.multiplier < 1.0, "it has to be at least 1"),
            (
                "retry.randomization_factor",
                !(0.0..=1.0).contains(&self.randomization_factor),
                "it has to lie between 0 and 1",
            ),
            (
                "retry.max_elapsed_time",
                !limit.is_zero() && limit < self.initial_interval.max(self.max_interval),
                "it is less than `retry.initial_interval` or `retry.max_interval`; raise it, or lower them",
            ),
        ])
    }

    /// The pauses between attempts, one after the other; none where one attempt is all.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + '_ {
        let first = self.enabled.then(|| self.initial_interval.min(self.max_interval));
        let grown = |last: &Duration| Duration::try_from_secs_f64(last.as_secs_f64() * self.multiplier);
        let longest = self.max_interval;
        let intervals = std::iter::successors(first, move |last| Some(grown(last).unwrap_or(longest).min(longest)));
        intervals.map(|interval| interval.mul_f64(1.0 + self.randomization_factor * (2.0 * fastrand::f64() - 1.0)))
    }
}
