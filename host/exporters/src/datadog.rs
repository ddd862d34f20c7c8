//! The exporter to Datadog: log records, series and distributions by Datadog's own intakes, spans by the one for OTLP.
//!
//! Distributions are sketches, as Datadog's agent and the Collector send them: the documented intake for distributions
//! wants every single value, which a histogram does not have.

mod config;
mod exporter;
mod host;
mod sketch;
mod state;
mod tags;
mod translate;
mod units;

pub use config::{
    Api, Config, Histograms, HostMetadata, InitialValue, Logs, Metrics, Mode, MonotonicMode, Summaries, SummaryMode,
    Sums, Traces,
};

#[cfg(test)]
mod tests;
