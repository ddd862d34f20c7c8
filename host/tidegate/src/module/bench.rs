//! `tidegate module bench`: what a module costs, beside one that takes the same projection and changes nothing.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use host_otlp::{Limits, Payload, Signal, check};
use host_wasm::{BatchContext, NativeCode, Opened, Processed, Trial, Wanted};
use serde_json::json;

use super::desk::{self, Bounds, Desk};
use super::inspect::OfSignal;
use super::told::{self, HEAD};
use super::{capture, counted, grouped, otlp};
use crate::generate;

/// Calls that are not counted: caches and branch predictors learn.
const WARM_UP: usize = 3;
/// Calls that are made even where they take longer than was wanted.
const LEAST: usize = 10;
/// Instances that are started.
const STARTS: usize = 10;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A bundled module, or the path of a component
    module: String,
    /// The telemetry of one batch: an OTLP request in JSON, or JSON lines of requests (.jsonl); made up where it is missing
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Of which signal, where it is made up
    #[arg(long, value_name = "SIGNAL", value_enum, default_value = "logs", conflicts_with = "input")]
    signal: OfSignal,
    /// How many items, where it is made up
    #[arg(
        long, value_name = "NUMBER", default_value_t = 1_000, conflicts_with = "input",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    items: u32,
    /// The module's configuration, as YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the module is told besides: `now`, `seed`, `cluster` and `metadata`
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// How long to go on measuring
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = desk::timeout)]
    time: Duration,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bounds: Bounds,
}

/// What one of the two took.
struct Cost {
    /// CPU time of each batch, sorted.
    took: Vec<Duration>,
    /// CPU time of each start, sorted.
    starts: Vec<Duration>,
    last: Processed,
    native_bytes: u64,
}

/// Prints what a batch takes.
///
/// # Errors
/// The module does not run, or fails on the batch.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let payload = match &args.input {
        Some(path) => otlp::read(path)?,
        None => made_up(args.signal.into(), args.items)?,
    };
    let context = args.context.as_deref().map_or_else(|| Ok(BatchContext::default()), capture::read_context)?;
    let (config, grants) = (desk::config(args.config.as_deref())?, args.bounds.grants()?);
    let desk = Desk::new(NativeCode::Kept)?;
    let (opened, idle) = (desk.open(&args.module)?, desk.idle()?);
    let signal = payload.signal();
    let wanted = Wanted { signal, config: &config, limits: args.bounds.limits(), grants: grants.as_ref() };
    let trial = desk::configure(&opened, &wanted)?;
    let twin = trial.idle_twin(&idle).context("cannot run the module that changes nothing")?;
    told::status("Measuring", &format!("for {:?}", args.time));
    let (module, nothing) = measure(args.time, (&opened, &trial), (&idle, &twin), &payload, &context)?;
    match args.json {
        true => writeln!(out, "{:#}", as_json(&opened, &payload, &module, &nothing))?,
        false => print(&opened, &payload, &module, &nothing, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn made_up(signal: Signal, items: u32) -> anyhow::Result<Payload> {
    let now = BatchContext::default().now;
    Ok(check(signal, generate::sample(signal, items, now), &Limits::default())?)
}

/// Calls both in turn, so that what else the machine does falls on both.
fn measure(
    time: Duration,
    module: (&Opened, &Trial),
    nothing: (&Opened, &Trial),
    payload: &Payload,
    context: &BatchContext,
) -> anyhow::Result<(Cost, Cost)> {
    let call = |(opened, trial): (&Opened, &Trial)| {
        let processed = trial.process(payload.clone(), context);
        processed.with_context(|| format!("the module `{}` failed on the batch", opened.name()))
    };
    for _ in 0..WARM_UP {
        call(module)?;
        call(nothing)?;
    }
    let started = Instant::now();
    let (mut of_module, mut of_nothing) = (Vec::new(), Vec::new());
    loop {
        let (one, other) = (call(module)?, call(nothing)?);
        of_module.push(one.cpu);
        of_nothing.push(other.cpu);
        // What it said is not kept for ever.
        module.1.said();
        if of_module.len() >= LEAST && started.elapsed() >= time {
            let cost = |(opened, trial): (&Opened, &Trial), took, last| Cost::new(opened, trial, took, last);
            return Ok((cost(module, of_module, one)?, cost(nothing, of_nothing, other)?));
        }
    }
}

impl Cost {
    fn new(opened: &Opened, trial: &Trial, mut took: Vec<Duration>, last: Processed) -> anyhow::Result<Self> {
        took.sort_unstable();
        let starts: Result<Vec<Duration>, _> = (0..STARTS).map(|_| trial.start_again()).collect();
        let mut starts = starts.with_context(|| format!("cannot start the module `{}` again", opened.name()))?;
        starts.sort_unstable();
        Ok(Cost { took, starts, last, native_bytes: opened.native_bytes() })
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "cpu_seconds": {
                "p10": share(&self.took, 10).as_secs_f64(),
                "median": share(&self.took, 50).as_secs_f64(),
                "p90": share(&self.took, 90).as_secs_f64(),
            },
            "start_cpu_seconds": share(&self.starts, 50).as_secs_f64(),
            "called": self.last.called,
            "edits": self.last.edits,
            "memory_bytes": self.last.memory,
            "native_bytes": self.native_bytes,
        })
    }
}

/// The value that so many of a hundred are not above.
fn share(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

fn print(opened: &Opened, payload: &Payload, module: &Cost, nothing: &Cost, out: &mut dyn Write) -> anyhow::Result<()> {
    let items = payload.items().max(1);
    let (bytes, calls) = (grouped(payload.len() as u64), counted(module.took.len() as u64, "call"));
    let batch = format!("{} of {}, {bytes} bytes; {calls}", counted(payload.items(), "item"), payload.signal());
    writeln!(out, "{HEAD}{}{HEAD:#}: {batch}\n", opened.name())?;
    let mut line =
        |name: &str, module: String, nothing: String| writeln!(out, "  {name:<28} {module:>12} {nothing:>12}");
    line("", "module".to_owned(), "no change".to_owned())?;
    let of = |cost: &Cost, percent: usize| micros(share(&cost.took, percent));
    line("CPU a batch, median", of(module, 50), of(nothing, 50))?;
    line("  10 % are below", of(module, 10), of(nothing, 10))?;
    line("  90 % are below", of(module, 90), of(nothing, 90))?;
    let an_item = |cost: &Cost| format!("{:.0} ns", share(&cost.took, 50).as_nanos() as f64 / items as f64);
    line("CPU an item", an_item(module), an_item(nothing))?;
    let of = |number: fn(&Cost) -> u64| (grouped(number(module)), grouped(number(nothing)));
    for (name, (module, nothing)) in [
        ("cells seen", of(|cost| cost.last.cells)),
        ("bytes seen", of(|cost| cost.last.bytes)),
        ("matches of patterns", of(|cost| cost.last.matches)),
        ("edits", of(|cost| cost.last.edits)),
        ("bytes of linear memory", of(|cost| cost.last.memory)),
        ("bytes of native code", of(|cost| cost.native_bytes)),
    ] {
        line(name, module, nothing)?;
    }
    line("CPU to start an instance", micros(share(&module.starts, 50)), micros(share(&nothing.starts, 50)))?;
    if !module.last.called {
        writeln!(out, "\n  Neither was asked: no pattern matched, and the batch went on as it was.")?;
    }
    Ok(())
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_nanos() as f64 / 1_000.0)
}

fn as_json(opened: &Opened, payload: &Payload, module: &Cost, nothing: &Cost) -> serde_json::Value {
    json!({
        "name": opened.name(),
        "digest": opened.digest(),
        "input": { "signal": payload.signal().name(), "items": payload.items(), "bytes": payload.len() },
        "calls": module.took.len(),
        "cells": module.last.cells,
        "bytes_seen": module.last.bytes,
        "matches": module.last.matches,
        "module": module.as_json(),
        "no_change": nothing.as_json(),
    })
}
