//! What the process as a whole may hold: `service.limits`.

use schemars::JsonSchema;
use serde::Deserialize;

/// `service.limits`. The Collector has no such section; there the `memory_limiter` processor does what it can.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// What all receivers together may hold of requests that are not answered yet, in MiB.
    pub in_flight_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { in_flight_mib: 64 }
    }
}

impl Limits {
    /// What may be in flight, in bytes.
    pub fn in_flight_bytes(&self) -> usize {
        (self.in_flight_mib as usize) << 20
    }
}
