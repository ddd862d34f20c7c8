//! The report: what was sent, and what became of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use host_otlp::Signal;
use serde::Serialize;

use super::request::Request;

/// Ids that are named in the report when they were not acknowledged.
const NAMED: usize = 10;

/// How many attempts took so many microseconds, rounded.
type Latencies = BTreeMap<u64, u64>;

/// What became of a load.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Report {
    /// From the first request to the last answer.
    pub(super) seconds: f64,
    /// Requests and items, each counted once, however often it was tried.
    pub(super) sent_requests: u64,
    pub(super) sent_items: u64,
    /// Items with personal data among those sent.
    pub(super) personal_items: u64,
    pub(super) acknowledged_requests: u64,
    pub(super) acknowledged_items: u64,
    /// By signal.
    pub(super) acknowledged: BTreeMap<&'static str, u64>,
    /// Items of acknowledged requests that the answer said were not taken.
    pub(super) rejected_items: u64,
    /// Attempts after the first.
    pub(super) retries: u64,
    /// Attempts by the gRPC status that they ended with.
    pub(super) answers: BTreeMap<String, u64>,
    /// Items that nobody promised to have.
    pub(super) unacknowledged_items: u64,
    /// The first few of them.
    pub(super) unacknowledged: Vec<String>,
    /// From a request to its acknowledgement, of the attempts that succeeded.
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    #[serde(skip)]
    latencies: Latencies,
}

impl Report {
    /// Whether every item was acknowledged.
    pub(super) fn is_complete(&self) -> bool {
        self.sent_items > 0 && self.unacknowledged_items == 0 && self.rejected_items == 0
    }

    pub(super) fn sent(&mut self, request: &Request) {
        self.sent_requests += 1;
        self.sent_items += u64::from(request.items);
        self.personal_items += u64::from(request.personal);
    }

    pub(super) fn answered(&mut self, status: &str) {
        *self.answers.entry(status.to_owned()).or_default() += 1;
    }

    pub(super) fn acknowledged(&mut self, signal: Signal, items: u32, rejected: u64, latency: Duration) {
        let taken = u64::from(items).saturating_sub(rejected);
        self.acknowledged_requests += 1;
        self.acknowledged_items += taken;
        *self.acknowledged.entry(signal.name()).or_default() += taken;
        self.rejected_items += rejected;
        *self.latencies.entry(rounded(latency)).or_default() += 1;
    }

    pub(super) fn unacknowledged(&mut self, ids: impl ExactSizeIterator<Item = String>) {
        self.unacknowledged_items += ids.len() as u64;
        let room = NAMED.saturating_sub(self.unacknowledged.len());
        self.unacknowledged.extend(ids.take(room));
    }

    /// What two workers saw, together.
    pub(super) fn join(&mut self, other: Report) {
        self.sent_requests += other.sent_requests;
        self.sent_items += other.sent_items;
        self.personal_items += other.personal_items;
        self.acknowledged_requests += other.acknowledged_requests;
        self.acknowledged_items += other.acknowledged_items;
        self.rejected_items += other.rejected_items;
        self.retries += other.retries;
        self.unacknowledged_items += other.unacknowledged_items;
        other
            .acknowledged
            .into_iter()
            .for_each(|(signal, items)| *self.acknowledged.entry(signal).or_default() += items);
        other.answers.into_iter().for_each(|(status, count)| *self.answers.entry(status).or_default() += count);
        self.unacknowledged.extend(other.unacknowledged);
        self.unacknowledged.truncate(NAMED);
        other.latencies.into_iter().for_each(|(latency, count)| *self.latencies.entry(latency).or_default() += count);
    }

    /// Computes what only the whole has.
    pub(super) fn finish(mut self, took: Duration) -> Self {
        self.seconds = took.as_secs_f64();
        (self.p50_ms, self.p99_ms) = (quantile(&self.latencies, 0.5), quantile(&self.latencies, 0.99));
        self
    }
}

/// The six highest bits of a latency in microseconds: off by 3 % at most, and few enough to count for days.
fn rounded(latency: Duration) -> u64 {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    let low = (u64::BITS - micros.leading_zeros()).saturating_sub(6);
    micros >> low << low
}

/// In milliseconds; 0 where nothing was counted.
fn quantile(latencies: &Latencies, share: f64) -> f64 {
    let total: u64 = latencies.values().sum();
    let mut left = (total.saturating_sub(1) as f64 * share).round() as u64;
    for (latency, count) in latencies {
        if left < *count {
            return *latency as f64 / 1e3;
        }
        left -= count;
    }
    0.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |counts: Vec<String>| if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
        let signals = list(self.acknowledged.iter().map(|(signal, items)| format!("{items} {signal}")).collect());
        let answers = list(self.answers.iter().map(|(status, count)| format!("{count} {status}")).collect());
        let rate = if self.seconds > 0.0 { self.acknowledged_items as f64 / self.seconds } else { 0.0 };
        writeln!(
            f,
            "sent          {} items in {} requests, {} of them with personal data",
            self.sent_items, self.sent_requests, self.personal_items
        )?;
        writeln!(
            f,
            "acknowledged  {} items in {} requests ({signals}), {rate:.0} items/s over {:.1} s",
            self.acknowledged_items, self.acknowledged_requests, self.seconds
        )?;
        writeln!(f, "answers       {answers}; {} retries", self.retries)?;
        writeln!(f, "latency       p50 {:.2} ms, p99 {:.2} ms", self.p50_ms, self.p99_ms)?;
        if self.rejected_items > 0 {
            writeln!(f, "rejected      {} items of acknowledged requests", self.rejected_items)?;
        }
        if self.unacknowledged_items > 0 {
            let ids = self.unacknowledged.join(", ");
            writeln!(f, "NOT acknowledged: {} items, such as {ids}", self.unacknowledged_items)?;
        }
        Ok(())
    }
}
