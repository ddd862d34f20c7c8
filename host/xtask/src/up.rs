//! `cargo xtask up`: the quickstart, built and running under a load, until Ctrl-C or for a check of ten seconds.

mod check;
mod delivered;
mod guide;

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::guests;
use crate::process::{Running, wait_for_port};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run for ten seconds on ports of its own, and judge by the counts
    #[arg(long)]
    check: bool,
}

const QUICKSTART: &str = "examples/quickstart";
/// How long the gateway may take to answer what is in flight and to flush.
const DRAIN: Duration = Duration::from_secs(40);

/// Where the quickstart listens: for OTLP over gRPC, over HTTP, and for who asks for its metrics.
const ADDRESSES: [&str; 3] = ["127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:8888"];

/// The gateway of the quickstart, running.
struct Gateway {
    binary: PathBuf,
    folder: PathBuf,
    address: String,
    running: Running,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    println!("building the modules, then the binary that embeds them");
    guests::build(&workspace.root)?;
    let binary = workspace.binary("release")?;
    if args.check {
        let folder = workspace.target.join("up");
        let addresses = copy(&workspace.root.join(QUICKSTART), &folder)?;
        return check::run(Gateway::start(binary, folder, addresses)?);
    }
    show(workspace, Gateway::start(binary, workspace.root.join(QUICKSTART), ADDRESSES.map(str::to_owned))?)
}

/// Runs until Ctrl-C or until one of the two programs ends.
fn show(workspace: &Workspace, mut gateway: Gateway) -> Result<()> {
    let (interrupted, interrupt) = mpsc::channel();
    ctrlc::set_handler(move || {
        let _ = interrupted.send(());
    })?;
    let mut load = gateway.load(&["--rate", "1000", "--duration", "24h"], Stdio::inherit())?;
    guide::print(workspace);
    while interrupt.recv_timeout(Duration::from_millis(200)).is_err() {
        if let Some(status) = gateway.running.ended()? {
            bail!("the gateway ended with {status}");
        }
        if let Some(status) = load.ended()? {
            bail!("the generator ended with {status}");
        }
    }
    println!("\nending the load, then draining the gateway");
    load.interrupt(DRAIN)?;
    gateway.end()
}

impl Gateway {
    fn start(binary: PathBuf, folder: PathBuf, addresses: [String; 3]) -> Result<Gateway> {
        let mut command = std::process::Command::new(&binary);
        command.arg("--config").arg(folder.join("tidegate.yaml"));
        let mut running = start_apart(&mut command)?;
        // Data is taken once the modules are compiled, and only then is there somebody to ask for metrics.
        let [address, _, metrics] = addresses;
        wait_for_port(&metrics, &mut running)?;
        Ok(Gateway { binary, folder, address, running })
    }

    /// Starts the generator of telemetry.
    fn load(&self, flags: &[&str], out: Stdio) -> Result<Running> {
        let mut command = std::process::Command::new(&self.binary);
        command.args(["generate", "--endpoint", &self.address]).args(flags).stdout(out);
        start_apart(&mut command)
    }

    fn end(self) -> Result<()> {
        let status = self.running.terminate(DRAIN)?;
        if !status.success() {
            bail!("the gateway ended with {status}");
        }
        Ok(())
    }
}

/// Ctrl-C reaches every program of a terminal's process group; these are to hear of it from us, in order.
fn start_apart(command: &mut std::process::Command) -> Result<Running> {
    Running::start(command.process_group(0))
}

/// Copies the quickstart to an empty folder, with ports that nobody uses in the place of [`ADDRESSES`]; returns those.
fn copy(from: &Path, to: &Path) -> Result<[String; 3]> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| to.display().to_string())?;
    }
    copy_folder(from, to)?;
    let config = to.join("tidegate.yaml");
    let mut text = fs::read_to_string(&config)?;
    let mut taken = Vec::new();
    let mut addresses = ADDRESSES.map(str::to_owned);
    for address in &mut addresses {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let free = listener.local_addr()?.to_string();
        if !text.contains(&*address) {
            bail!("the quickstart no longer names {address}");
        }
        text = text.replace(&*address, &free);
        *address = free;
        taken.push(listener);
    }
    fs::write(&config, text)?;
    Ok(addresses)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        // What an earlier run has written is no part of the quickstart.
        if entry.file_name() == "out" {
            continue;
        }
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
