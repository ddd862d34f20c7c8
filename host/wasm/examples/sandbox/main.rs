//! What the sandbox costs: each bundled guest in it, and the same source linked into this program behind the same plan,
//! projection and edits. Both get the same requests and have to give the same bytes.
//!
//! `cargo xtask bench sandbox` builds it, measures what a pipeline costs around a guest, and hands that over as
//! `--pipeline logs=MICROSECONDS`. CPU time of the one thread that does it all; a figure is the least of its rounds.

#[path = "../abi/data.rs"]
mod data;
mod guests;
mod moves;
mod native;
mod requests;
mod views;

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use host_component::{Payload, Signal};
use host_wasm::{BatchContext, Limits, NativeCode, Trial, Wanted, Workbench};
use rustix::time::{ClockId, clock_gettime};

use guests::Guest;
use native::Native;

/// Requests at a time: enough that a thread does not fall asleep between two of them.
const REQUESTS: u64 = 32;
const ROUNDS: usize = 25;
/// What the whole pipeline may cost with the sandbox, over what it costs without.
const BAR: f64 = 1.15;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "compile") {
        // The workbench starts this program again to compile a guest.
        return host_wasm::compile_main(arguments.skip(1));
    }
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(bench(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &[String]) -> Result<()> {
    let around = Around::parse(arguments)?;
    let workbench = Workbench::start(NativeCode::Anew)?;
    println!(
        "| Guest | Signal | native ns an item | sandboxed | whole pipeline µs, native | sandboxed | ratio | sandbox µs a batch | \
         of one item | no cell matched |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    let mut worst: Option<(f64, String)> = None;
    for guest in guests::all() {
        let opened = workbench.open(&guest.component(), &[]).await.with_context(|| guest.name.to_owned())?;
        let limits = Limits { timeout: std::time::Duration::from_secs(5), output_mib: 16, ..Limits::default() };
        let wanted = Wanted { signal: guest.signal, config: guest.config, limits, grants: None };
        let line = compare(&guest, &opened.configure(&wanted)?, around)?;
        println!("{}", line.text);
        if worst.as_ref().is_none_or(|(ratio, _)| *ratio < line.ratio) {
            worst = Some((line.ratio, guest.name.to_owned()));
        }
    }
    let (requests, straight) = (requests::of(Signal::Logs), views::Scrubber::new());
    let projected =
        guests::all().into_iter().find(|guest| guest.name == "pii-scrub").context("pii-scrub is bundled")?;
    let opened = workbench.open(&projected.component(), &[]).await?;
    let wanted = Wanted { signal: Signal::Logs, config: projected.config, limits: Limits::default(), grants: None };
    let trial = opened.configure(&wanted)?;
    let sandboxed = least(&requests, |request| sandboxed(&trial, request))?;
    let plain = least(&requests, |request| Ok(straight.scrub(request)))?;
    let items = requests.iter().map(Payload::items).sum::<u64>() as f64;
    println!(
        "\npii-scrub beside a scrubber on views, with neither projection nor sandbox: {:.0} and {:.0} ns a record, {:.2} times",
        sandboxed / items,
        plain / items,
        sandboxed / plain
    );
    let (ratio, name) = worst.context("there are guests")?;
    println!("worst ratio: {ratio:.3} ({name}), bar {BAR}");
    Ok(())
}

/// What an item costs in a pipeline without any guest, in nanoseconds, by signal.
#[derive(Clone, Copy)]
struct Around {
    logs: f64,
    traces: f64,
    metrics: f64,
}

impl Around {
    fn parse(arguments: &[String]) -> Result<Around> {
        let of = |signal: &str| {
            let found = arguments.iter().find_map(|argument| argument.strip_prefix(signal)?.strip_prefix('='));
            let micros: f64 =
                found.with_context(|| format!("what a pipeline costs: {signal}=MICROSECONDS"))?.parse()?;
            Ok::<_, anyhow::Error>(micros * 1000.0)
        };
        Ok(Around { logs: of("logs")?, traces: of("traces")?, metrics: of("metrics")? })
    }

    fn of(self, signal: Signal) -> f64 {
        match signal {
            Signal::Logs => self.logs,
            Signal::Traces => self.traces,
            Signal::Metrics => self.metrics,
        }
    }
}

struct Line {
    text: String,
    ratio: f64,
}

fn compare(guest: &Guest, trial: &Trial, around: Around) -> Result<Line> {
    let mut linked = (guest.native)(guest.signal, guest.config)?;
    let requests = requests::of(guest.signal);
    for request in &requests {
        let (ours, theirs) = (linked.process(request)?, sandboxed(trial, request)?);
        ensure!(bytes(&ours) == bytes(&theirs), "{}: the two do not give the same bytes", guest.name);
    }
    let items = requests.iter().map(Payload::items).sum::<u64>() as f64;
    let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        ours = ours.min(once(&requests, |request| linked.process(request))?);
        theirs = theirs.min(once(&requests, |request| sandboxed(trial, request))?);
    }
    let per_batch = (theirs - ours) / requests.len() as f64 / 1000.0;
    let single = margin(&requests::single(guest.signal), &mut *linked, trial)?;
    let idle = match requests::without_matches(guest.signal) {
        Some(requests) if guest.has_patterns => format!("{:.1}", margin(&requests, &mut *linked, trial)?),
        _ => "–".to_owned(),
    };
    let (ours, theirs, around) = (ours / items, theirs / items, around.of(guest.signal));
    let ratio = (around + theirs) / (around + ours);
    let text = format!(
        "| {} | {} | {ours:.0} | {theirs:.0} | {:.2} | {:.2} | {ratio:.3} | {per_batch:.1} | {single:.1} | {idle} |",
        guest.name,
        guest.signal,
        (around + ours) / 1000.0,
        (around + theirs) / 1000.0
    );
    Ok(Line { text, ratio })
}

/// What the sandbox costs more for a batch, in microseconds.
fn margin(requests: &[Payload], linked: &mut dyn Native, trial: &Trial) -> Result<f64> {
    let (mut ours, mut theirs) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        ours = ours.min(once(requests, |request| linked.process(request))?);
        theirs = theirs.min(once(requests, |request| sandboxed(trial, request))?);
    }
    Ok((theirs - ours) / requests.len() as f64 / 1000.0)
}

/// All parts that a request becomes, in their order.
fn sandboxed(trial: &Trial, request: &Payload) -> Result<Vec<Payload>> {
    let processed = trial.process(request.clone(), &BatchContext::default())?;
    Ok(processed.parts.into_iter().map(|part| part.payload).collect())
}

fn bytes(parts: &[Payload]) -> Vec<u8> {
    parts.iter().map(Payload::contiguous).collect::<Vec<_>>().concat()
}

/// The nanoseconds of the quickest of all rounds.
fn least<T>(requests: &[Payload], mut work: impl FnMut(&Payload) -> Result<T>) -> Result<f64> {
    (0..ROUNDS).try_fold(f64::MAX, |least, _| Ok(least.min(once(requests, &mut work)?)))
}

fn once<T>(requests: &[Payload], mut work: impl FnMut(&Payload) -> Result<T>) -> Result<f64> {
    let before = cpu();
    for request in requests {
        std::hint::black_box(work(request)?);
    }
    Ok((cpu() - before) as f64)
}

fn cpu() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
