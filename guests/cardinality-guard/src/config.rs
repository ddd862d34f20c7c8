//! The configuration of cardinality-guard.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_sdk::Error;

/// The limit where nobody sets one: that of the SDKs.
const LIMIT: u32 = 2000;
/// All series together.
const MAX_SERIES: u32 = 200_000;
/// The most that may be set: what fits into the memory of an instance by default, twice over.
const MOST_SERIES: u32 = 1_000_000;
const HOUR: u64 = 3600;

/// What the operator writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The series that a metric may have, the one of overflow among them.
    pub(crate) limit: u32,
    /// The limits of single metrics, by name.
    pub(crate) limits: BTreeMap<String, u32>,
    /// What becomes of the points beyond.
    pub(crate) on_overflow: OnOverflow,
    /// A series that had no point for so many seconds is forgotten where its place is needed.
    pub(crate) forget_after_seconds: u64,
    /// The series of all metrics together.
    pub(crate) max_series: u32,
}

/// What becomes of points beyond the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnOverflow {
    /// They become one point with the attribute of overflow, where they can be added up.
    #[default]
    Aggregate,
    Drop,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limit: LIMIT,
            limits: BTreeMap::new(),
            on_overflow: OnOverflow::Aggregate,
            forget_after_seconds: HOUR,
            max_series: MAX_SERIES,
        }
    }
}

impl Config {
    /// What serde cannot say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.limit == 0 {
            return Err(Error::at("limit", "is 0, so that no metric could have a series; it is at least 1"));
        }
        if let Some((name, _)) = self.limits.iter().find(|(_, limit)| **limit == 0) {
            let key = format!("limits.{name}");
            return Err(Error::at(&key, "is 0; it is at least 1, and `filter` drops a metric altogether"));
        }
        if self.max_series == 0 || self.max_series > MOST_SERIES {
            let problem = format!("is {}; it is from 1 to {MOST_SERIES}", self.max_series);
            return Err(Error::at("max_series", &problem));
        }
        if self.forget_after_seconds == 0 {
            return Err(Error::at("forget_after_seconds", "is 0, so that each series were forgotten at once"));
        }
        Ok(())
    }
}
