//! What a user may write under `limits:` of `identity`, or of one of its rules: how much an identity may send.

use std::time::Duration;

use host_config::Wrong;
use host_config::time::optional_duration;
use schemars::JsonSchema;
use serde::Deserialize;

/// What each identity may send, counted for itself; what is not set is not limited.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub requests_per_second: Option<f64>,
    /// Log records, spans and data points.
    pub items_per_second: Option<f64>,
    /// Of bodies, decompressed.
    pub mib_per_second: Option<f64>,
    /// What a rate comes to in this time may come at once after a pause.
    #[serde(deserialize_with = "optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub burst: Option<Duration>,
    /// What requests that are not answered yet may hold.
    pub in_flight_mib: Option<u32>,
}

impl Limits {
    /// What a rate's burst is where nothing says.
    const BURST: Duration = Duration::from_secs(1);

    pub fn burst(&self) -> Duration {
        self.burst.unwrap_or(Self::BURST)
    }

    /// Bytes that may be in flight.
    pub fn in_flight(&self) -> Option<usize> {
        self.in_flight_mib.map(|mib| (mib as usize) << 20)
    }

    /// Whether anything is limited.
    pub(crate) fn is_any(&self) -> bool {
        self.has_rate() || self.in_flight_mib.is_some()
    }

    fn has_rate(&self) -> bool {
        self.requests_per_second.or(self.items_per_second).or(self.mib_per_second).is_some()
    }

    /// What makes no sense, with keys below `at`.
    pub(crate) fn wrongs(&self, at: &str) -> Vec<Wrong> {
        const RATE: &str = "it has to be a number above 0: leave the key out where nothing is to be limited";
        let is_rate = |rate: Option<f64>| rate.is_none_or(|rate| rate > 0.0 && rate.is_finite());
        let wrongs = Wrong::among([
            ("requests_per_second", !is_rate(self.requests_per_second), RATE),
            ("items_per_second", !is_rate(self.items_per_second), RATE),
            ("mib_per_second", !is_rate(self.mib_per_second), RATE),
            ("burst", self.burst == Some(Duration::ZERO), "it has to be more than 0, such as `burst: 1s`"),
            (
                "burst",
                self.burst.is_some() && !self.has_rate(),
                "there is no rate that it could be of: set `requests_per_second`, `items_per_second` or \
                 `mib_per_second`, or leave it out",
            ),
            (
                "in_flight_mib",
                self.in_flight_mib == Some(0),
                "nothing could be received: it has to be at least 1, or be left out where nothing is to be limited",
            ),
        ]);
        wrongs.into_iter().map(|Wrong { key, message }| Wrong::new(format!("{at}.{key}"), message)).collect()
    }
}
