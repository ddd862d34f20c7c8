//! `tidegate module inspect`: what a module is, and what it asks for under a configuration.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use host_config::{Mode, Value};
use host_otlp::Signal;
use host_projection::{Cells, Plan, State};
use host_wasm::{NativeCode, Opened, Wanted};
use serde_json::json;

use super::desk::{self, Bounds, Desk};
use super::told::{self, HEAD, plain};
use super::{counted, grouped};

/// Longer patterns are cut where people read them.
const PATTERN: usize = 100;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A bundled module, or the path of a component
    module: String,
    /// The module's configuration, as YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The signals to configure it for, all three where none is named
    #[arg(long, value_name = "SIGNAL", value_enum)]
    signal: Vec<OfSignal>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    bounds: Bounds,
}

/// A signal, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OfSignal {
    Logs,
    Traces,
    Metrics,
}

impl From<OfSignal> for Signal {
    fn from(typed: OfSignal) -> Self {
        match typed {
            OfSignal::Logs => Signal::Logs,
            OfSignal::Traces => Signal::Traces,
            OfSignal::Metrics => Signal::Metrics,
        }
    }
}

/// What the module asks for with one signal, or why it does not run on it.
type Answer = (Signal, Result<Plan, anyhow::Error>);

/// Prints what there is to know.
///
/// # Errors
/// It is no module, or runs on none of the signals: what a start would say of it.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (config, grants) = (desk::config(args.config.as_deref())?, args.bounds.grants()?);
    // What others have compiled would say nothing about how long that takes.
    let desk = Desk::new(NativeCode::Anew)?;
    let opened = desk.open(&args.module)?;
    let signals: Vec<Signal> = match args.signal.as_slice() {
        [] => Signal::ALL.to_vec(),
        named => {
            Signal::ALL.into_iter().filter(|signal| named.iter().any(|one| Signal::from(*one) == *signal)).collect()
        }
    };
    let answers = signals.into_iter().map(|signal| {
        let wanted = Wanted { signal, config: &config, limits: args.bounds.limits(), grants: grants.as_ref() };
        (signal, desk::configure(&opened, &wanted).map(|trial| trial.plan().clone()))
    });
    let answers: Vec<Answer> = answers.collect();
    match args.json {
        true => writeln!(out, "{:#}", as_json(&opened, &answers))?,
        false => print(&opened, &answers, out)?,
    }
    let serves = |answer: &Answer| answer.1.is_ok();
    // What was asked for by name has to be there; of all three, one.
    let is_fine = if args.signal.is_empty() { answers.iter().any(serves) } else { answers.iter().all(serves) };
    if is_fine {
        return Ok(ExitCode::SUCCESS);
    }
    let refused = answers.into_iter().find_map(|(_, answer)| answer.err());
    refused.map_or(Ok(ExitCode::FAILURE), Err)
}

fn print(opened: &Opened, answers: &[Answer], out: &mut dyn Write) -> anyhow::Result<()> {
    let facts = opened.facts();
    writeln!(out, "{HEAD}{}{HEAD:#}", opened.name())?;
    let mut line = |name: &str, value: &str| writeln!(out, "  {name:<11} {value}");
    line("digest", &format!("sha256:{}", opened.digest()))?;
    line("contract", &format!("{}, world processor", facts.contract().as_deref().unwrap_or("of no version")))?;
    let core: u64 = facts.core_modules.iter().sum();
    let modules = counted(facts.core_modules.len() as u64, "core module");
    line("size", &format!("{} bytes; {} of them in {modules}", grouped(facts.bytes), grouped(core)))?;
    let (native, took) = (grouped(opened.native_bytes()), opened.made_ready().as_secs_f64());
    line("native code", &format!("{native} bytes, compiled in {took:.2}s"))?;
    for (field, name) in [("language", "language"), ("sdk", "sdk"), ("processed-by", "made by")] {
        let of = facts.producers.iter().filter(|producer| producer.field == field);
        let told: Vec<String> = of.map(|made| plain(format!("{} {}", made.name, made.version).trim_end())).collect();
        if !told.is_empty() {
            line(name, &told.join(", "))?;
        }
    }
    line("imports", &listed(&facts.imports))?;
    line("exports", &listed(&facts.exports))?;
    for (signal, answer) in answers {
        writeln!(out, "\n{HEAD}{signal}{HEAD:#}")?;
        match answer {
            Ok(plan) => print_plan(plan, out)?,
            Err(error) => writeln!(out, "{}", told::causes(error))?,
        }
    }
    if let Some(grants) = grants(opened.name(), answers)? {
        writeln!(out, "\n{HEAD}grants{HEAD:#}, to paste into a configuration\n\n{}", grants.trim_end())?;
    }
    Ok(())
}

fn print_plan(plan: &Plan, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut sets: Vec<(&[String], &[String])> = Vec::new();
    for (at, read) in plan.reads.iter().enumerate() {
        let name = if at == 0 { "reads" } else { "" };
        let cells = if read.cells == Cells::Scalars { String::new() } else { format!("  as {}", read.cells.name()) };
        let set = (read.patterns.as_slice(), read.names.as_slice());
        let patterns = match read.patterns.is_empty() {
            true => String::new(),
            false => {
                let number = sets.iter().position(|other| *other == set).unwrap_or_else(|| {
                    sets.push(set);
                    sets.len() - 1
                });
                format!("  where {} matches", letter(number))
            }
        };
        writeln!(out, "  {name:<11} {}{cells}{patterns}", plain(&read.path))?;
    }
    for (number, (patterns, names)) in sets.into_iter().enumerate() {
        for (at, pattern) in patterns.iter().enumerate() {
            let name = if at == 0 { format!("patterns {}", letter(number)) } else { String::new() };
            let called = names.get(at).map(|name| format!("{}: ", plain(name))).unwrap_or_default();
            writeln!(out, "  {name:<11} {called}{}", cut(&plain(pattern)))?;
        }
    }
    for (name, list) in [("writes", &plan.writes), ("routes", &plan.routes)] {
        for (at, path) in list.iter().enumerate() {
            writeln!(out, "  {:<11} {}", if at == 0 { name } else { "" }, plain(path))?;
        }
    }
    let state = match plan.state {
        State::None => "none: any instance takes any batch",
        State::Rebuildable => "rebuildable: one instance, which remembers until a swap or a trap",
    };
    writeln!(out, "  {:<11} {state}", "state")?;
    Ok(())
}

/// What all signals together need, as a section of a configuration.
fn grants(name: &str, answers: &[Answer]) -> anyhow::Result<Option<String>> {
    let plans: Vec<&Plan> = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    if plans.is_empty() {
        return Ok(None);
    }
    let reads: BTreeSet<&str> = plans.iter().flat_map(|plan| &plan.reads).map(|read| read.path.as_str()).collect();
    let writes: BTreeSet<&str> = plans.iter().flat_map(|plan| &plan.writes).map(String::as_str).collect();
    let section = json!({ "modules": { "grants": { name: { "reads": reads, "writes": writes } } } });
    let section = Value::parse("grants", &section.to_string()).context("the grants make no configuration")?;
    Ok(Some(section.to_yaml(Mode::Unredacted)))
}

fn as_json(opened: &Opened, answers: &[Answer]) -> serde_json::Value {
    let facts = opened.facts();
    let signals: serde_json::Map<String, serde_json::Value> = answers
        .iter()
        .map(|(signal, answer)| {
            let answer = match answer {
                Ok(plan) => plan_as_json(plan),
                Err(error) => json!({ "error": told::causes(error).trim() }),
            };
            (signal.name().to_owned(), answer)
        })
        .collect();
    json!({
        "name": opened.name(),
        "digest": opened.digest(),
        "contract": facts.contract(),
        "bytes": facts.bytes,
        "core_modules": facts.core_modules,
        "native_bytes": opened.native_bytes(),
        "compile_seconds": opened.made_ready().as_secs_f64(),
        "producers": facts.producers,
        "imports": facts.imports,
        "exports": facts.exports,
        "signals": signals,
    })
}

fn plan_as_json(plan: &Plan) -> serde_json::Value {
    let read = |read: &host_projection::Read| {
        let patterns = read.patterns.iter().enumerate();
        let patterns = patterns.map(|(at, pattern)| json!({ "name": read.names.get(at), "pattern": pattern }));
        json!({ "path": read.path, "cells": read.cells.name(), "patterns": patterns.collect::<Vec<_>>() })
    };
    json!({
        "reads": plan.reads.iter().map(read).collect::<Vec<_>>(),
        "writes": plan.writes,
        "routes": plan.routes,
        "state": match plan.state { State::None => "none", State::Rebuildable => "rebuildable" },
    })
}

/// A to Z, and then numbers.
fn letter(number: usize) -> String {
    let letter = u8::try_from(number).ok().filter(|number| *number < 26).map(|number| char::from(b'A' + number));
    letter.map_or_else(|| format!("#{}", number + 1), String::from)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { plain(&names.join(", ")) }
}

fn cut(pattern: &str) -> String {
    let mut kept: String = pattern.chars().take(PATTERN).collect();
    if kept.len() < pattern.len() {
        kept.push('…');
    }
    kept
}
