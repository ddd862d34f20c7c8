//! A collector under measurement: started on a core of its own, and read from /proc.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::rig::{INGEST, Rig, pinned};
use crate::process::Running;
use crate::workspace::Workspace;
use crate::{guests, otelcol};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    Otelcol,
    Tidegate,
    Relay,
}

/// Which Tidegate is measured.
#[derive(Clone, clap::Args)]
pub(crate) struct Measured {
    /// Measure this binary, such as that of another commit, and build none
    #[arg(long)]
    binary: Option<PathBuf>,
    /// The profile of the binary that is built; `dist` is what ships
    #[arg(long, default_value = "dist")]
    profile: String,
}

impl Default for Measured {
    fn default() -> Self {
        Measured { binary: None, profile: "dist".to_owned() }
    }
}

/// The programs of all peers, built.
pub(crate) struct Peers {
    pub(crate) otelcol: PathBuf,
    pub(crate) tidegate: PathBuf,
    pub(crate) relay: PathBuf,
    /// The folder of their configurations.
    pub(crate) configs: PathBuf,
    /// Where they write what they have to say.
    pub(crate) logs: PathBuf,
}

pub(crate) struct Collector(Running);

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Otelcol => "otelcol",
            Peer::Tidegate => "tidegate",
            Peer::Relay => "relay",
        }
    }
}

impl Measured {
    /// The program, which is built where none is named.
    pub(crate) fn program(&self, workspace: &Workspace) -> Result<PathBuf> {
        guests::build(&workspace.root)?;
        match &self.binary {
            Some(binary) => Ok(binary.clone()),
            None => workspace.binary(&self.profile),
        }
    }
}

impl Peers {
    /// All of them; what is not built is built now.
    pub(crate) fn all(workspace: &Workspace, rig: &Rig, measured: &Measured) -> Result<Peers> {
        Ok(Peers { otelcol: otelcol::build(workspace)?, ..Peers::alone(workspace, rig, measured)? })
    }

    /// Where the Collector takes no part.
    pub(crate) fn alone(workspace: &Workspace, rig: &Rig, measured: &Measured) -> Result<Peers> {
        let logs = workspace.target.join("bench");
        fs::create_dir_all(&logs)?;
        let tidegate = measured.program(workspace)?;
        let configs = workspace.root.join("tests/bench/peers");
        Ok(Peers { otelcol: tidegate.clone(), relay: rig.relay(), tidegate, configs, logs })
    }

    /// Starts the peer with its configuration of that name and waits until it takes requests.
    pub(crate) fn start(&self, rig: &Rig, peer: Peer, config: &str) -> Result<Collector> {
        self.start_as(rig, peer, peer, config)
    }

    /// The same, with a configuration that was written for another one.
    pub(crate) fn start_as(&self, rig: &Rig, peer: Peer, of: Peer, config: &str) -> Result<Collector> {
        self.start_within(rig, peer, of, config, &[])
    }

    /// The same, with what the configuration takes from the environment.
    pub(crate) fn start_within(
        &self,
        rig: &Rig,
        peer: Peer,
        of: Peer,
        config: &str,
        environment: &[(&str, &OsStr)],
    ) -> Result<Collector> {
        let config = self.configs.join(of.name()).join(config).with_extension("yaml");
        let program = match peer {
            Peer::Otelcol => &self.otelcol,
            Peer::Tidegate => &self.tidegate,
            Peer::Relay => &self.relay,
        };
        let mut command = pinned(rig.cores.collector_core, program);
        if peer != Peer::Relay {
            command.arg("--config").arg(config);
        }
        let log = fs::File::create(self.log(peer)).context("the folder of logs is there")?;
        command.envs(environment.iter().copied()).env("GOMAXPROCS", "1").stdout(log.try_clone()?).stderr(log);
        let running = Running::listening(&mut command, INGEST);
        running.map(Collector).with_context(|| format!("see {}", self.log(peer).display()))
    }

    fn log(&self, peer: Peer) -> PathBuf {
        self.logs.join(peer.name()).with_extension("log")
    }
}

impl Collector {
    /// User and system time of all its threads so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.proc("stat")).context("the collector has ended")?;
        // The name in parentheses may hold anything; user and system time are the 12th and 13th field behind it.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<u64>().ok()).context("/proc/PID/stat");
        // Linux counts in hundredths of a second here, whatever its timer does.
        Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
    }

    /// Resident memory in MiB, now and at its peak.
    pub(crate) fn memory(&self) -> Result<(f64, f64)> {
        let status = fs::read_to_string(self.proc("status")).context("the collector has ended")?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).context("/proc/PID/status")
        };
        Ok((kib("VmRSS:")? / 1024.0, kib("VmHWM:")? / 1024.0))
    }

    /// Bytes that it had written to disk so far.
    pub(crate) fn written(&self) -> Result<u64> {
        let io = fs::read_to_string(self.proc("io")).context("the collector has ended")?;
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
        line.and_then(|bytes| bytes.parse().ok()).context("/proc/PID/io")
    }

    pub(crate) fn end(self) -> Result<()> {
        self.0.terminate(Duration::from_secs(40)).map(drop)
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.0.pid().to_string()).join(file)
    }
}
