//! `tidegate generate` sends made-up telemetry over OTLP/gRPC, follows every item, and tells what became of it.
//!
//! What is sent depends on the seed alone, but for its timestamps. Each item carries an id of its own as an attribute, and
//! each id ends up as acknowledged or is reported as not: a refused request is tried again until time is up.

mod content;
mod load;
mod personal;
mod report;
mod request;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use host_otlp::Signal;

use self::load::send;
use self::request::Plan;

/// What is to be generated, and how fast.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Which kind of telemetry
    #[arg(value_enum, default_value = "all")]
    pub(crate) signals: Signals,
    /// Where to send it: an OTLP/gRPC endpoint without TLS
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4317")]
    pub(crate) endpoint: String,
    /// Items a second in all; 0 means as fast as they are acknowledged
    #[arg(long, value_name = "ITEMS", default_value_t = 1_000)]
    pub(crate) rate: u64,
    /// How long to send
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// Stop after so many items, even before time is up
    #[arg(long, value_name = "ITEMS")]
    pub(crate) items: Option<u64>,
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Requests that wait for their answer, on each connection
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) in_flight: u16,
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) items_per_request: u32,
    /// The same seed sends the same items
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The share of items with personal data in them
    #[arg(long, value_name = "0..1", default_value_t = 0.1, value_parser = share)]
    pub(crate) personal_data: f64,
    /// The attribute that tells items apart
    #[arg(long, value_name = "KEY", default_value = "generate.id")]
    pub(crate) id_attribute: String,
    /// Write the id of each acknowledged item to this file, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) ids_to: Option<PathBuf>,
    /// How long to wait for an answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// How long to go on trying what was refused, after the last new request
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub(crate) retry_for: Duration,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The signals to send; `all` takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Signals {
    Logs,
    Traces,
    Metrics,
    All,
}

fn duration(text: &str) -> Result<Duration, host_config::time::DurationError> {
    host_config::time::parse(text)
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "a number from 0 to 1 is expected".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a number from 0 to 1 is expected".to_owned()) }
}

/// One request of made-up telemetry, the same each time.
pub(crate) fn sample(signal: Signal, items: u32, now: u64) -> Bytes {
    let signals = match signal {
        Signal::Logs => Signals::Logs,
        Signal::Traces => Signals::Traces,
        Signal::Metrics => Signals::Metrics,
    };
    let id_attribute = "generate.id".into();
    let plan = Plan { signals, seed: 1, items_per_request: items, personal_data: 0.1, id_attribute };
    plan.request(0, items, now).bytes
}

/// Sends, and prints the report. Success means that every item was acknowledged.
///
/// # Errors
/// Where nobody listens at the endpoint, or the file for ids cannot be written.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the threads that serve the network")?;
    let report = runtime.block_on(send(args))?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests;
