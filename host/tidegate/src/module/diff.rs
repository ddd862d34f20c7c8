//! `tidegate module diff`: what changes in telemetry between two modules, or between a module and none.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use host_otlp::Payload;
use host_wasm::{BatchContext, GrantsConfig, NativeCode, Wanted};

use super::desk::{self, Bounds, Desk};
use super::difference::Outcome;
use super::{capture, counted, otlp, told};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A bundled module, or the path of a component
    module_a: String,
    /// Another, or another version of it; without it, what the first one changes is shown
    module_b: Option<String>,
    /// The telemetry: an OTLP request in JSON, or JSON lines of requests (.jsonl)
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The configuration of both
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config_a", "config_b"])]
    config: Option<PathBuf>,
    /// The configuration of the first
    #[arg(long, value_name = "FILE")]
    config_a: Option<PathBuf>,
    /// The configuration of the second
    #[arg(long, value_name = "FILE", requires = "module_b")]
    config_b: Option<PathBuf>,
    /// What the modules are told besides: `now`, `seed`, `cluster` and `metadata`
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
}

/// Prints a line for each place that differs.
///
/// # Errors
/// One of the modules does not run, or fails on the batch.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let payload = otlp::read(&args.input)?;
    let context = args.context.as_deref().map_or_else(|| Ok(BatchContext::default()), capture::read_context)?;
    let grants = args.bounds.grants()?;
    let desk = Desk::new(NativeCode::Kept)?;
    let outcome = |module: &str, config: Option<&Path>| {
        let config = config.or(args.config.as_deref());
        processed(&desk, module, config, &payload, &context, &args.bounds, grants.as_ref())
    };
    let first = outcome(&args.module_a, args.config_a.as_deref())?;
    let (old, new) = match &args.module_b {
        Some(module) => (first, outcome(module, args.config_b.as_deref())?),
        None => (Outcome::unchanged(&payload)?, first),
    };
    let differences = old.differences(&new);
    for difference in &differences {
        difference.write(out)?;
    }
    told::status("Finished", &counted(differences.len() as u64, "difference"));
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn processed(
    desk: &Desk,
    module: &str,
    config: Option<&Path>,
    payload: &Payload,
    context: &BatchContext,
    bounds: &Bounds,
    grants: Option<&GrantsConfig>,
) -> anyhow::Result<Outcome> {
    let (config, opened) = (desk::config(config)?, desk.open(module)?);
    let wanted = Wanted { signal: payload.signal(), config: &config, limits: bounds.limits(), grants };
    let trial = desk::configure(&opened, &wanted)?;
    let processed = trial.process(payload.clone(), context);
    let processed = processed.with_context(|| format!("the module `{}` failed on the batch", opened.name()))?;
    Outcome::of(&processed.parts)
}
