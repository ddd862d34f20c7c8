//! `cargo xtask bench edge`: what an agent takes beside otelcol's: lines of containers that are read and parsed, many files that are
//! followed, and a target that is scraped. Both get the Collector's own configuration.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::collector::{Collector, Measured, Peer, Peers};
use super::rig::{self, Cores, Rig};
use super::table::{median, spread};
use crate::needs;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what contains one of these: `cri`, `cri-json`, `followed`, `scrape`
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Lines that are read in each run
    #[arg(long, default_value_t = 400_000)]
    lines: usize,
    /// Files that are followed, of which `active` are written to
    #[arg(long, default_value_t = 20_000)]
    files: usize,
    #[arg(long, default_value_t = 200)]
    active: usize,
    /// Series of the target that is scraped
    #[arg(long, default_value_t = 50_000)]
    series: usize,
    /// How long files are followed, and the target is scraped
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Fail where a bar does not hold
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    cores: Cores,
}

/// What is measured, by the name of its configuration; how many times less CPU it has to take; and what part of the memory.
struct Scenario {
    name: &'static str,
    config: &'static str,
    cpu_bar: f64,
    memory_bar: f64,
    run: fn(&Bench<'_>, Peer, &str) -> Result<Sample>,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { name: "cri", config: "cri", cpu_bar: 10.0, memory_bar: f64::INFINITY, run: read },
    Scenario { name: "cri-json", config: "cri-json", cpu_bar: 10.0, memory_bar: f64::INFINITY, run: read },
    Scenario { name: "followed", config: "cri", cpu_bar: 1.0, memory_bar: 1.0, run: follow },
    Scenario { name: "scrape", config: "scrape", cpu_bar: 5.0, memory_bar: 0.2, run: scrape },
];

/// How long something that has to come is waited for.
const PATIENCE: Duration = Duration::from_secs(240);
/// How long a collector may be busy with what it found at its start.
const SETTLING: Duration = Duration::from_secs(5);
/// How many files lines are read from.
const READ_FILES: usize = 20;
/// How many lines a second each active file gets.
const PACE: usize = 10;

struct Bench<'a> {
    rig: Rig,
    peers: Peers,
    args: &'a Args,
    /// Where logs are written.
    logs: PathBuf,
}

struct Sample {
    cpu_us: f64,
    /// Of a core, all the time.
    percent: f64,
    peak_mib: f64,
    items: u64,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::taskset()?;
    let rig = Rig::build(workspace, args.cores)?;
    let peers = Peers::all(workspace, &rig, &args.measured)?;
    let logs = peers.logs.join("edge-logs");
    let bench = Bench { rig, peers, args, logs };
    let chosen = |scenario: &&Scenario| args.only.is_empty() || args.only.iter().any(|name| name == scenario.name);
    let (mut lines, mut held) = (vec![HEADER.to_owned()], true);
    for scenario in SCENARIOS.iter().filter(chosen) {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        // In turn, so that a busy neighbour is both's.
        for _ in 0..args.runs.max(1) {
            theirs.push((scenario.run)(&bench, Peer::Otelcol, scenario.config)?);
            ours.push((scenario.run)(&bench, Peer::Tidegate, scenario.config)?);
        }
        let (line, holds) = compared(scenario, &theirs, &ours);
        println!("{line}");
        lines.push(line);
        held &= holds;
    }
    fs::remove_dir_all(&bench.logs).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    println!("\n{}", lines.join("\n"));
    if args.enforce && !held {
        bail!("a bar does not hold");
    }
    Ok(())
}

const HEADER: &str = "\
| what | items | otelcol µs an item | tidegate µs an item | times less (bar) | otelcol % of a core | tidegate | otelcol peak MiB | tidegate | ratio (bar) | |
|---|---|---|---|---|---|---|---|---|---|---|";

fn compared(scenario: &Scenario, theirs: &[Sample], ours: &[Sample]) -> (String, bool) {
    let of = |samples: &[Sample], value: fn(&Sample) -> f64| samples.iter().map(value).collect::<Vec<_>>();
    let middle = |samples: &[Sample], value| median(&of(samples, value)).unwrap_or(f64::NAN);
    let times = middle(theirs, |sample| sample.cpu_us) / middle(ours, |sample| sample.cpu_us);
    let part = middle(ours, |sample| sample.peak_mib) / middle(theirs, |sample| sample.peak_mib);
    let holds = times >= scenario.cpu_bar && part <= scenario.memory_bar;
    let memory_bar =
        if scenario.memory_bar.is_finite() { format!(" ({})", scenario.memory_bar) } else { String::new() };
    let line = format!(
        "| {} | {} | {} | {} | {times:.1} ({}) | {:.1} | {:.1} | {:.0} | {:.0} | {part:.2}{memory_bar} | {} |",
        scenario.name,
        ours.first().map_or(0, |sample| sample.items),
        spread(&of(theirs, |sample| sample.cpu_us)),
        spread(&of(ours, |sample| sample.cpu_us)),
        scenario.cpu_bar,
        middle(theirs, |sample| sample.percent),
        middle(ours, |sample| sample.percent),
        middle(theirs, |sample| sample.peak_mib),
        middle(ours, |sample| sample.peak_mib),
        if holds { "pass" } else { "FAIL" },
    );
    (line, holds)
}

impl Bench<'_> {
    fn start(&self, peer: Peer, config: &str) -> Result<Collector> {
        let environment = [("LOGS", self.logs.as_os_str())];
        self.peers.start_within(&self.rig, peer, Peer::Otelcol, config, &environment as &[(&str, &OsStr)])
    }

    /// What `work` takes of a collector, which returns how many items came of it.
    fn sample(&self, collector: Collector, work: impl FnOnce() -> Result<u64>) -> Result<Sample> {
        let (began, before) = (Instant::now(), collector.cpu()?);
        let items = work()?;
        let (cpu, wall) = ((collector.cpu()? - before).as_secs_f64(), began.elapsed().as_secs_f64());
        let (_, peak_mib) = collector.memory()?;
        collector.end()?;
        Ok(Sample { cpu_us: cpu * 1e6 / items as f64, percent: cpu / wall * 100.0, peak_mib, items })
    }
}

/// Lines that are there at once, and read as fast as they are taken.
fn read(bench: &Bench<'_>, peer: Peer, config: &str) -> Result<Sample> {
    let apart = bench.logs.with_extension("apart");
    empty(&apart)?;
    empty(&bench.logs)?;
    for file in 0..READ_FILES {
        let mut text = String::new();
        (0..bench.args.lines / READ_FILES).for_each(|line| put_line(&mut text, file, line));
        fs::write(log(&apart, file)?, text)?;
    }
    let sink = bench.rig.sink()?;
    let collector = bench.start(peer, config)?;
    let wanted = (bench.args.lines / READ_FILES * READ_FILES) as u64;
    let sample = bench.sample(collector, || {
        fs::remove_dir(&bench.logs)?;
        fs::rename(&apart, &bench.logs)?;
        come(0, wanted).with_context(|| peer.name())?;
        Ok(wanted)
    });
    drop(sink);
    sample
}

/// Many files, few of which are written to.
fn follow(bench: &Bench<'_>, peer: Peer, config: &str) -> Result<Sample> {
    empty(&bench.logs)?;
    let mut files = Vec::new();
    for file in 0..bench.args.files {
        let mut text = String::new();
        put_line(&mut text, file, 0);
        let path = log(&bench.logs, file)?;
        fs::write(&path, text)?;
        if file < bench.args.active {
            files.push(BufWriter::new(File::options().append(true).open(path)?));
        }
    }
    let sink = bench.rig.sink()?;
    let collector = bench.start(peer, config)?;
    let there = bench.args.files as u64;
    come(0, there).with_context(|| peer.name())?;
    // What was delivered is looked at once more.
    thread::sleep(SETTLING);
    let sample = bench.sample(collector, || {
        let (began, mut written) = (Instant::now(), 0);
        while began.elapsed().as_secs_f64() < bench.args.seconds {
            let mut text = String::new();
            for (number, file) in files.iter_mut().enumerate() {
                text.clear();
                (0..PACE).for_each(|line| put_line(&mut text, number, written + line));
                file.write_all(text.as_bytes())?;
                file.flush()?;
            }
            written += PACE;
            thread::sleep(Duration::from_secs_f64((written / PACE) as f64).saturating_sub(began.elapsed()));
        }
        let items = (written * files.len()) as u64;
        come(there, items).with_context(|| peer.name())?;
        Ok(items)
    });
    drop(sink);
    sample
}

fn scrape(bench: &Bench<'_>, peer: Peer, config: &str) -> Result<Sample> {
    let target = bench.rig.target(bench.args.series)?;
    let sink = bench.rig.sink()?;
    let collector = bench.start(peer, config)?;
    // The first scrape makes what the others find.
    come(0, 1).with_context(|| peer.name())?;
    thread::sleep(SETTLING);
    let sample = bench.sample(collector, || {
        let before = rig::received()?.items;
        thread::sleep(Duration::from_secs_f64(bench.args.seconds));
        Ok(rig::received()?.items - before)
    });
    drop((sink, target));
    sample
}

/// Waits until the sink has so many items more than `before`.
fn come(before: u64, wanted: u64) -> Result<()> {
    let began = Instant::now();
    loop {
        let there = rig::received()?.items - before;
        match there {
            there if there >= wanted => return Ok(()),
            _ if began.elapsed() > PATIENCE => bail!("{there} of {wanted} items came in {PATIENCE:?}"),
            _ => thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn empty(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => fs::create_dir_all(folder).map_err(Into::into),
    }
}

/// Where the log of a container lies, as kubelet would have it.
fn log(folder: &Path, number: usize) -> Result<PathBuf> {
    let (pod, container) = (number / 2, number % 2);
    let uid = format!("{pod:08x}-1d2e-4f3a-8b4c-5d6e7f8a9b0c");
    let folder = folder.join(format!("team-{}_shop-{pod}_{uid}", pod % 40)).join(format!("app-{container}"));
    fs::create_dir_all(&folder)?;
    Ok(folder.join("0.log"))
}

/// A line as containerd writes it, of a program that logs JSON: about 330 bytes.
fn put_line(text: &mut String, file: usize, line: usize) {
    let (second, nanos) = (line / 1000 % 60, line % 1000 * 1_000_000 + file);
    let level = ["info", "info", "warn", "error"][line % 4];
    let trace = (line as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ file as u64;
    let _ = writeln!(
        text,
        "2026-11-26T21:00:{second:02}.{nanos:09}Z stdout F {{\"time\":\"2026-11-26T21:00:{second:02}Z\",\"level\":\"{level}\",\
         \"msg\":\"GET /api/v1/orders/{line} took {}ms\",\"status\":{},\"user\":\"user-{}\",\"trace_id\":\"{trace:016x}{trace:016x}\",\
         \"http\":{{\"method\":\"GET\",\"path\":\"/api/v1/orders/{line}\",\"bytes\":{}}}}}",
        line % 900,
        [200, 201, 404, 500][line % 4],
        line % 5000,
        line * 37 % 100_000,
    );
}
