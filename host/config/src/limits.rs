//! What the process as a whole may hold: `service.limits`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::time;

/// `service.limits`. The Collector has no such section; there the `memory_limiter` processor does what it can.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// What all receivers together may hold of requests that are not answered yet, in MiB.
    pub in_flight_mib: u32,
    /// When a sender is told to try again whose data is not where it has to be; 0 is never.
    #[serde(deserialize_with = "time::duration")]
    #[schemars(schema_with = "crate::time::schema")]
    pub ack_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // Less than the 5 s that exporters of OTLP wait, which would not know then what became of it.
        Limits { in_flight_mib: 64, ack_timeout: Duration::from_secs(4) }
    }
}

impl Limits {
    /// What may be in flight, in bytes.
    pub fn in_flight_bytes(&self) -> usize {
        (self.in_flight_mib as usize) << 20
    }

    /// How long a sender waits at most for its answer.
    pub fn patience(&self) -> Duration {
        if self.ack_timeout.is_zero() { Duration::MAX } else { self.ack_timeout }
    }
}
