//! Breaks everything around running collectors, and counts what became of each item that was acknowledged.

mod backend;
mod client;
mod clock;
mod disk;
mod endpoint;
mod hop;
mod journal;
mod load;
mod payload;
mod process;
mod rig;
mod rotation;
mod scenario;
mod schedule;
mod topology;
mod truth;
mod verdict;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

use rig::{Folder, Setting};
use rotation::{Rotation, Trouble};
use scenario::random::Options;
use verdict::Verdict;

#[derive(Parser)]
#[command(about)]
struct Cli {
    /// The binary under test
    #[arg(long)]
    tidegate: PathBuf,
    /// The Collector that one scenario needs
    #[arg(long)]
    otelcol: Option<PathBuf>,
    /// What is random is drawn from it; another one each time where it is not said
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// How long things are broken
    #[arg(long, default_value_t = 30.0, conflicts_with = "seconds")]
    minutes: f64,
    #[arg(long)]
    seconds: Option<f64>,
    /// Kills of each collector; one in 20 s where it is not said
    #[arg(long)]
    kills: Option<u32>,
    /// Items a second, where the scenario does not say otherwise
    #[arg(long, global = true)]
    rate: Option<f64>,
    /// Durable queues in no collector: a sender is answered when its data was delivered
    #[arg(long, global = true)]
    without_queues: bool,
    /// Where configurations, logs and queues lie, and stay; a temporary folder otherwise
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    scenario: Option<Scenario>,
}

#[derive(Subcommand)]
enum Scenario {
    /// `kill -9` of a gateway under load, again and again
    Kills {
        #[arg(long, default_value_t = 200)]
        kills: u32,
    },
    /// One of two required backends is full; the other goes on and gets nothing twice
    FullBackend {
        #[arg(long, default_value_t = 5.0)]
        minutes: f64,
    },
    /// A long queue on disk: memory, and draining while input goes on
    Backlog {
        #[arg(long, default_value_t = 2.0)]
        gib: f64,
    },
    /// otelcol → tidegate → otelcol while tidegate refuses, and otelcol in its place
    Otelcol {
        #[arg(long, default_value_t = 60.0)]
        seconds: f64,
    },
    /// Files that are rotated in each usual way while something goes wrong, and what an agent makes of them
    Rotation {
        /// How long each cell is written to
        #[arg(long, default_value_t = 300.0)]
        seconds: f64,
        /// Only these ways of rotating
        #[arg(long, value_enum)]
        only: Vec<Rotation>,
        /// Only these troubles
        #[arg(long, value_enum)]
        trouble: Vec<Trouble>,
        /// Cells that run beside each other
        #[arg(long, default_value_t = 5)]
        at_once: usize,
    },
}

/// What a run came to, its last line last.
struct Ending {
    text: String,
    is_ok: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(Ending { text, is_ok }) => {
            println!("\n{text}");
            if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            println!("faults: FAILED, {problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<Ending> {
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
    println!("seed {seed}");
    let setting = Setting {
        tidegate: cli.tidegate,
        otelcol: cli.otelcol,
        seed,
        has_queues: !cli.without_queues,
        // Before there are threads.
        has_mounts: disk::own_mounts()?,
        folder: Folder::new(cli.folder)?,
    };
    let lasts = Duration::from_secs_f64(cli.seconds.unwrap_or(cli.minutes * 60.0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ending = |name, mut verdict: Verdict| {
        (verdict.scenario, verdict.seed) = (name, seed);
        Ending { text: verdict.to_string(), is_ok: verdict.is_ok() }
    };
    runtime.block_on(async {
        Ok(match cli.scenario {
            None => {
                let options = Options { lasts, kills: cli.kills, rate: cli.rate.unwrap_or(2000.0) };
                ending("faults", scenario::random::run(&setting, &options).await?)
            }
            Some(Scenario::Kills { kills }) => {
                ending("faults kills", scenario::kills::run(&setting, kills, cli.rate.unwrap_or(8000.0)).await?)
            }
            Some(Scenario::FullBackend { minutes }) => {
                let (lasts, rate) = (Duration::from_secs_f64(minutes * 60.0), cli.rate.unwrap_or(2000.0));
                ending("faults full-backend", scenario::full_backend::run(&setting, lasts, rate).await?)
            }
            Some(Scenario::Backlog { gib }) => ending("faults backlog", scenario::backlog::run(&setting, gib).await?),
            Some(Scenario::Otelcol { seconds }) => {
                let (refuses, rate) = (Duration::from_secs_f64(seconds), cli.rate.unwrap_or(500.0));
                ending("faults otelcol", scenario::otelcol::run(&setting, refuses, rate).await?)
            }
            Some(Scenario::Rotation { seconds, only, trouble, at_once }) => {
                let lasts = Duration::from_secs_f64(seconds);
                let options = rotation::Options { lasts, rotations: only, troubles: trouble, at_once };
                let verdict = rotation::run(&setting, &options).await?;
                Ending { text: verdict.to_string(), is_ok: verdict.is_ok() }
            }
        })
    })
}
