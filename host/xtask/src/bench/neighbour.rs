//! `cargo xtask bench neighbour`: what a good pipeline feels of one whose module spins for its whole budget on each batch.
//!
//! Each is first driven alone, as fast as it goes. Then the good one gets half of that, by itself and beside the bad one, which
//! gets half of what it can do: at a rate, so that what waits for one request makes those behind it late.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::collector::{Collector, Measured, Peer, Peers};
use super::rig::{self, Cores, Drive, INGEST, Rig, Sent};
use super::scenario::{Load, Signal};
use super::table;
use crate::needs;
use crate::workspace::Workspace;

const BAD: &str = "127.0.0.1:24327";
const METRICS: &str = "127.0.0.1:28888";
const CONFIG: &str = "neighbour";
/// What the good pipeline may take with a neighbour over what it takes without.
const CPU_BAR: f64 = 1.05;
const P99_BAR: f64 = 3.0;
/// What becomes of a batch that the bad module fails on: it goes on as it was, or is tried again, in parts, and refused.
const POLICIES: [&str; 2] = ["open", "closed"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each run is measured
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Fail where a bar does not hold
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    cores: Cores,
}

/// What came of the good pipeline in one run.
struct Sample {
    delivered: f64,
    cpu_us: f64,
    p99_ms: f64,
}

/// Both, run by run in turn.
struct Compared {
    alone: Vec<Sample>,
    beside: Vec<Sample>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::taskset()?;
    let rig = Rig::build(workspace, args.cores)?;
    let mut peers = Peers::alone(workspace, &rig, &args.measured)?;
    let mut compared = Vec::new();
    for policy in POLICIES {
        peers.configs = peers.logs.join(format!("neighbour-{policy}"));
        lay_out(&workspace.root, &peers.configs, policy)?;
        compared.push((policy, compare(&rig, &peers, args)?));
    }
    println!("\n{HEADER}");
    compared.iter().for_each(|(policy, compared)| println!("{}", compared.line(policy)));
    let worst = |ratio: fn(&Compared) -> f64| compared.iter().map(|(_, one)| ratio(one)).fold(0.0, f64::max);
    let (cpu, p99) = (worst(Compared::cpu), worst(Compared::p99));
    let whole = compared.iter().all(|(_, one)| one.delivers_all());
    let delivered = if whole { "all" } else { "NOT ALL" };
    println!("\ndelivered: {delivered}; CPU an item: {cpu:.3} (bar {CPU_BAR}); p99: {p99:.2} (bar {P99_BAR})");
    if args.enforce && (!whole || cpu > CPU_BAR || p99 > P99_BAR) {
        bail!("a bar does not hold");
    }
    Ok(())
}

/// Puts configuration and module where a peer is started from.
fn lay_out(root: &Path, configs: &Path, policy: &str) -> Result<()> {
    let folder = configs.join(Peer::Tidegate.name());
    fs::create_dir_all(folder.join("modules"))?;
    let config = fs::read_to_string(root.join("tests/bench/peers/tidegate").join(CONFIG).with_extension("yaml"))?;
    let config = config.replace("failure_policy: open", &format!("failure_policy: {policy}"));
    fs::write(folder.join(CONFIG).with_extension("yaml"), config)?;
    let spinner = test_adversaries::live().into_iter().find(|adversary| adversary.name == "spins in process");
    fs::write(folder.join("modules/spinner.wasm"), spinner.context("there is an adversary that spins")?.module)?;
    Ok(())
}

fn compare(rig: &Rig, peers: &Peers, args: &Args) -> Result<Compared> {
    let drive = |endpoint, rate, seconds, seed| Drive {
        endpoint,
        rate,
        signal: Signal::Logs,
        load: Load::Pods,
        inflight: if rate.is_some() { 64 } else { 16 },
        conns: 2,
        seconds,
        requests: None,
        seed,
    };
    let sink = rig.sink()?;
    let collector = peers.start(rig, Peer::Tidegate, CONFIG)?;
    drop(rig.drive(&drive(INGEST, None, 2.0, 1))?);
    let good = half(&rig.drive(&drive(INGEST, None, 4.0, 2))?);
    // A module that is at fault is refused, and does nothing then: what it could do is one batch in each budget and core.
    let bad = half(&rig.drive(&drive(BAD, None, 4.0, 3))?).clamp(1.0, 10.0);
    println!("offered: {good:.0} requests a second to the good pipeline, {bad:.1} to the bad one");

    let mut compared = Compared { alone: Vec::new(), beside: Vec::new() };
    for seed in (10..).step_by(10).take(args.runs.max(1)) {
        let good = drive(INGEST, Some(good), args.seconds, seed);
        compared.alone.push(sample(&collector, || Ok((rig.drive(&good)?, 0)))?);
        // The bad pipeline is there before the good one, and still when that has ended.
        let bad = drive(BAD, Some(bad), args.seconds + 1.0, seed + 1);
        let beside = || {
            std::thread::scope(|scope| {
                let neighbour = scope.spawn(|| rig.drive(&bad));
                std::thread::sleep(std::time::Duration::from_millis(500));
                let sent = rig.drive(&good)?;
                let neighbour = neighbour.join().map_err(|_| anyhow::anyhow!("the second generator"))??;
                Ok((sent, neighbour.items))
            })
        };
        compared.beside.push(sample(&collector, beside)?);
    }
    collector.end()?;
    drop(sink);
    Ok(compared)
}

/// Half as many requests a second as were answered.
fn half(sent: &Sent) -> f64 {
    sent.requests as f64 / sent.seconds / 2.0
}

/// Drives the good pipeline, and with it the bad one, of which so many items were taken besides.
fn sample(collector: &Collector, drive: impl FnOnce() -> Result<(Sent, u64)>) -> Result<Sample> {
    let received = rig::received()?.items;
    let (cpu, good, bad) = (collector.cpu()?, spent("redaction/good")?, spent("wasm/bad")?);
    let (sent, others) = drive()?;
    let received = rig::settle(received + sent.items + others)?.items - received;
    let cpu = (collector.cpu()? - cpu).as_secs_f64();
    let (good, bad) = (spent("redaction/good")? - good, spent("wasm/bad")? - bad);
    if sent.failed_requests > 0 {
        let first = sent.first_failure.unwrap_or_default();
        println!("{} requests to the good pipeline failed, the first with: {first}", sent.failed_requests);
    }
    let offered = sent.requests + sent.failed_requests;
    let items = sent.items as f64;
    // What no module took is network and the like: each item, of whichever pipeline, costs the same of it.
    let rest = (cpu - good - bad) / (items + others as f64);
    let answered = sent.requests as f64 / (offered as f64).max(1.0);
    let there = (received as f64 / (items + others as f64)).min(1.0);
    Ok(Sample { delivered: answered * there, cpu_us: (good / items + rest) * 1e6, p99_ms: sent.p99_ms })
}

/// CPU seconds that the module of a processor has taken, as the collector says.
fn spent(processor: &str) -> Result<f64> {
    let mut stream = TcpStream::connect(METRICS).context("the collector's metrics")?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {METRICS}\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    let label = format!("processor=\"{processor}\"");
    let lines =
        page.lines().filter(|line| line.starts_with("tidegate_processor_cpu_seconds_total") && line.contains(&label));
    Ok(lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
}

const HEADER: &str = "\
| failure policy of the spinner | delivered alone | beside it | CPU µs an item alone | beside it | ratio | p99 ms alone | beside it | ratio |
|---|---|---|---|---|---|---|---|---|";

impl Sample {
    fn cpu(&self) -> f64 {
        self.cpu_us
    }

    fn p99(&self) -> f64 {
        self.p99_ms
    }
}

impl Compared {
    fn cpu(&self) -> f64 {
        median(&self.beside, Sample::cpu) / median(&self.alone, Sample::cpu)
    }

    fn p99(&self) -> f64 {
        median(&self.beside, Sample::p99) / median(&self.alone, Sample::p99)
    }

    fn delivers_all(&self) -> bool {
        least(&self.beside).min(least(&self.alone)) >= 1.0
    }

    fn line(&self, policy: &str) -> String {
        format!(
            "| {policy} | {:.4} | {:.4} | {} | {} | {:.3} | {} | {} | {:.2} |",
            least(&self.alone),
            least(&self.beside),
            spread(&self.alone, Sample::cpu),
            spread(&self.beside, Sample::cpu),
            self.cpu(),
            spread(&self.alone, Sample::p99),
            spread(&self.beside, Sample::p99),
            self.p99()
        )
    }
}

fn least(samples: &[Sample]) -> f64 {
    samples.iter().map(|sample| sample.delivered).fold(f64::MAX, f64::min)
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    table::median(&samples.iter().map(of).collect::<Vec<f64>>()).unwrap_or(f64::NAN)
}

fn spread(samples: &[Sample], of: fn(&Sample) -> f64) -> String {
    table::spread(&samples.iter().map(of).collect::<Vec<f64>>())
}
