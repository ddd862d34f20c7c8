//! The configuration, under the Collector's keys.

use serde::{Deserialize, Serialize};
use tidegate_sdk::Error;

use crate::probability;

/// What the operator writes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) sampling_percentage: f32,
    pub(crate) hash_seed: u32,
    pub(crate) mode: String,
    pub(crate) fail_closed: bool,
    pub(crate) sampling_precision: u32,
    pub(crate) attribute_source: String,
    pub(crate) from_attribute: String,
    pub(crate) sampling_priority: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            sampling_percentage: 0.0,
            hash_seed: 0,
            mode: String::new(),
            fail_closed: true,
            sampling_precision: 4,
            attribute_source: TRACE_ID.to_owned(),
            from_attribute: String::new(),
            sampling_priority: String::new(),
        }
    }
}

/// The source of randomness of log records that is meant where none is given.
const TRACE_ID: &str = "traceID";

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let ratio = f64::from(self.sampling_percentage) / 100.0;
        let percentage = |problem| Err(Error::at("sampling_percentage", problem));
        match ratio {
            _ if !ratio.is_finite() => return percentage("is no number"),
            _ if ratio < 0.0 => return percentage("is negative"),
            _ if ratio != 0.0 && ratio < probability::LEAST => {
                return percentage("is too small to be told from nothing; the least is 1.4e-15");
            }
            _ => {}
        }
        if !["", TRACE_ID, "record"].contains(&self.attribute_source.as_str()) {
            return Err(Error::at("attribute_source", "has to be traceID or record"));
        }
        if !(1..=probability::DIGITS).contains(&self.sampling_precision) {
            return Err(Error::at("sampling_precision", "has to be from 1 to 14"));
        }
        Ok(())
    }

    /// Whether a log record is sampled by the trace that it belongs to.
    pub(crate) fn uses_trace_id(&self) -> bool {
        self.attribute_source == TRACE_ID
    }
}
