//! The load rig of tests/bench, pinned to a core of its own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::scenario::{Load, Signal};
use crate::process::{self, Running};
use crate::workspace::Workspace;

pub(crate) const INGEST: &str = "127.0.0.1:24317";
const TARGET: &str = "127.0.0.1:14900";
const STATS: &str = "127.0.0.1:14999";
/// What the sink looks for: personal data that the load has, and attributes that processors add.
const NEEDLES: [&str; 6] = ["@staff.example", "4929-", "917-", "10.77.", "cluster.id", "hub.received_at"];

/// The cores of a measurement.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct Cores {
    /// The core on which the collector runs alone
    #[arg(long, default_value_t = 0)]
    pub(crate) collector_core: u32,
    /// The core of the generator and the sink
    #[arg(long, default_value_t = 1)]
    pub(crate) rig_core: u32,
}

pub(crate) struct Rig {
    programs: PathBuf,
    pub(crate) cores: Cores,
}

/// One run of the generator.
#[derive(Clone, Copy)]
pub(crate) struct Drive {
    pub(crate) endpoint: &'static str,
    /// Requests a second; as many as are answered where it is none.
    pub(crate) rate: Option<f64>,
    pub(crate) signal: Signal,
    pub(crate) load: Load,
    pub(crate) inflight: u32,
    pub(crate) conns: u32,
    pub(crate) seconds: f64,
    pub(crate) requests: Option<u64>,
    pub(crate) seed: u64,
}

impl Drive {
    /// As much as is taken.
    pub(crate) fn of(signal: Signal, load: Load, seconds: f64, seed: u64) -> Drive {
        let (inflight, conns) = load.concurrency();
        Drive { endpoint: INGEST, rate: None, signal, load, inflight, conns, seconds, requests: None, seed }
    }
}

/// What the generator tells.
#[derive(Deserialize)]
pub(crate) struct Sent {
    pub(crate) requests: u64,
    pub(crate) items: u64,
    /// Of the requests that were answered.
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) p99_ms: f64,
    pub(crate) failed_requests: u64,
    pub(crate) first_failure: Option<String>,
}

/// What the sink tells.
#[derive(Deserialize)]
pub(crate) struct Received {
    pub(crate) items: u64,
    pub(crate) malformed: u64,
    pub(crate) needles: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Calibration {
    cpu_ms: f64,
}

/// A command that runs on one core.
pub(crate) fn pinned(core: u32, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

impl Rig {
    pub(crate) fn build(workspace: &Workspace, cores: Cores) -> Result<Rig> {
        Ok(Rig { programs: workspace.rig()?, cores })
    }

    pub(crate) fn relay(&self) -> PathBuf {
        self.programs.join("relay")
    }

    fn command(&self, core: u32) -> Command {
        pinned(core, self.programs.join("rig"))
    }

    pub(crate) fn sink(&self) -> Result<Running> {
        let mut command = self.command(self.cores.rig_core);
        command.args(["sink", "--stats", STATS]);
        for needle in NEEDLES {
            command.args(["--needle", needle]);
        }
        Running::listening(&mut command, STATS)
    }

    pub(crate) fn drive(&self, drive: &Drive) -> Result<Sent> {
        let mut command = self.command(self.cores.rig_core);
        command.args(["load", "--endpoint", drive.endpoint, "--signal", drive.signal.name()]);
        let mut flag = |name: &str, value: String| {
            command.args([name, &value]);
        };
        flag("--shape", drive.load.to_string());
        flag("--inflight", drive.inflight.to_string());
        flag("--conns", drive.conns.to_string());
        flag("--seconds", drive.seconds.to_string());
        flag("--seed", drive.seed.to_string());
        flag("--rate", drive.rate.unwrap_or(0.0).to_string());
        if let Some(requests) = drive.requests {
            flag("--requests", requests.to_string());
        }
        serde_json::from_str(&process::capture(&mut command)?).context("the generator's report")
    }

    /// The same, all of which has to be taken.
    pub(crate) fn send(&self, drive: &Drive) -> Result<Sent> {
        let sent = self.drive(drive)?;
        if sent.failed_requests > 0 || sent.items == 0 {
            let first = sent.first_failure.unwrap_or_default();
            bail!("{} requests failed, the first with: {first}", sent.failed_requests);
        }
        Ok(sent)
    }

    /// A target of scrapes.
    pub(crate) fn target(&self, series: usize) -> Result<Running> {
        let mut command = self.command(self.cores.rig_core);
        Running::listening(command.args(["expose", "--listen", TARGET, "--series", &series.to_string()]), TARGET)
    }

    /// CPU milliseconds of a fixed piece of work on the collector's core: compare runs only where it is alike.
    pub(crate) fn calibrate(&self) -> Result<f64> {
        let report = process::capture(self.command(self.cores.collector_core).arg("calib"))?;
        Ok(serde_json::from_str::<Calibration>(&report).context("the calibration's report")?.cpu_ms)
    }
}

pub(crate) fn received() -> Result<Received> {
    ask("GET /stats")
}

/// Zeroes the sink's counts and has it look for needles from now on.
pub(crate) fn search() -> Result<Received> {
    ask("POST /search")
}

/// Waits until the sink has `wanted` items, or has got nothing new for a while.
pub(crate) fn settle(wanted: u64) -> Result<Received> {
    const QUIET: Duration = Duration::from_millis(1500);
    let mut last = (received()?, Instant::now());
    while last.0.items < wanted && last.1.elapsed() < QUIET {
        std::thread::sleep(Duration::from_millis(50));
        let now = received()?;
        if now.items != last.0.items {
            last = (now, Instant::now());
        }
    }
    Ok(last.0)
}

fn ask(request: &str) -> Result<Received> {
    let mut stream = TcpStream::connect(STATS).context("the sink's statistics")?;
    write!(stream, "{request} HTTP/1.1\r\nhost: {STATS}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("the sink's statistics have no body")?;
    serde_json::from_str(body).context("the sink's statistics")
}
