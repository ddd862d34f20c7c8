//! `tidegate module replay`: a captured batch through a module, with the context that it was captured with.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use host_wasm::{NativeCode, Wanted};

use super::desk::{self, Bounds, Desk};
use super::difference::Outcome;
use super::{capture, counted, told};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A bundled module, or the path of a component
    module: String,
    /// The captured batch, as JSON or YAML: its `context` and its `payload`
    #[arg(long, value_name = "FILE")]
    batch: PathBuf,
    /// The module's configuration, as YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
}

/// Prints what the module made of the batch, and what it said.
///
/// # Errors
/// The module does not run, or fails on the batch.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let capture::Capture { context, payload } = capture::read(&args.batch)?;
    let (config, grants) = (desk::config(args.config.as_deref())?, args.bounds.grants()?);
    let opened = Desk::new(NativeCode::Kept)?.open(&args.module)?;
    let signal = payload.signal();
    let wanted = Wanted { signal, config: &config, limits: args.bounds.limits(), grants: grants.as_ref() };
    let trial = desk::configure(&opened, &wanted)?;
    told::status(
        "Replaying",
        &format!("{} of {signal}, now {}, seed {}", counted(payload.items(), "item"), context.now, context.seed),
    );
    let processed = trial.process(payload.clone(), &context);
    // What it said before it failed may say why.
    let said = trial.said();
    for (severity, line) in &said.lines {
        writeln!(out, "{} {line}", severity.name())?;
    }
    let processed = processed.with_context(|| format!("the module `{}` failed on the batch", opened.name()))?;
    for (name, value) in &said.counters {
        writeln!(out, "{name} {value}")?;
    }
    let differences = Outcome::unchanged(&payload)?.differences(&Outcome::of(&processed.parts)?);
    for difference in &differences {
        difference.write(out)?;
    }
    let asked = if processed.called { "" } else { "; the module was not asked, since no pattern matched" };
    let (edits, places) = (counted(processed.edits, "edit"), counted(differences.len() as u64, "difference"));
    told::status("Finished", &format!("{edits}, {places}{asked}"));
    Ok(ExitCode::SUCCESS)
}
