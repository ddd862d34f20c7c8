//! The client is what exporter and receiver share: how brokers are reached, who is told to them, and what their errors mean.

mod auth;
mod context;
mod encoding;
mod error;
mod link;
mod throttle;

pub use auth::{Auth, Sasl};
pub(crate) use context::{Change, Context};
pub use encoding::Encoding;
pub(crate) use encoding::Form;
pub(crate) use error::{explained, failure};
pub(crate) use link::{Link, millis};
pub use link::{Metadata, MetadataRetry};
pub(crate) use throttle::Throttle;

/// Where a broker is looked for when nobody says it, as in the Collector.
pub(crate) const BROKER: &str = "localhost:9092";
/// The name of the client when nobody says it, and of its group.
pub(crate) const CLIENT: &str = "otel-collector";
/// The topics of logs, traces and metrics, in the order of the signals.
pub(crate) const TOPICS: [&str; 3] = ["otlp_logs", "otlp_spans", "otlp_metrics"];

#[cfg(test)]
mod tests;
