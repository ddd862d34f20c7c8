//! `tidegate module test`: a folder of cases, run in the sandbox and told as `cargo test` tells.

mod case;
mod expected;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use host_toolchain::Manifest;
use host_wasm::{GrantsConfig, Limits, NativeCode, Opened};

use self::case::{Case, Verdict};
use super::desk::{Bounds, Desk};
use super::told::{BAD, GOOD, HEAD};
use super::{counted, project};

/// Where the cases of a module lie.
const CASES: &str = "tests";

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Where the module is written, here where it is not said: its cases lie in DIR/tests, and DIR/module.yaml says what is built
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The module to test instead: a bundled one, or the path of a component
    #[arg(long, value_name = "MODULE")]
    module: Option<String>,
    /// Run the cases whose names have this in them, and no others
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write what comes out where it is not what was expected
    #[arg(long)]
    bless: bool,
    #[command(flatten)]
    bounds: Bounds,
}

/// How each case is run.
struct Way<'a> {
    opened: &'a Opened,
    limits: Limits,
    grants: Option<&'a GrantsConfig>,
    bless: bool,
}

/// What the build of a project has made.
fn built(folder: &Path) -> anyhow::Result<String> {
    let manifest = Manifest::read(folder).context("which module is it? name one with --module")?;
    let component = host_toolchain::output(folder, &manifest);
    if !component.is_file() {
        bail!("`{}` is not there: `tidegate module build` makes it", component.display());
    }
    Ok(component.display().to_string())
}

/// Runs the project's own tests and the cases. Success means that each is as expected, or was blessed.
///
/// # Errors
/// There is no module, or no case.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let place = args.folder.clone().unwrap_or_default();
    // One that is about single cases is not about the project's own tests.
    let is_project = args.module.is_none() && Manifest::is_in(&place);
    if is_project && args.filter.is_none() && !args.bless {
        host_toolchain::test(&project::here(args.folder.as_ref()))?;
    }
    let folder = place.join(CASES);
    let all = if is_project && !folder.is_dir() { Vec::new() } else { case::find(&folder)? };
    if all.is_empty() {
        if is_project && args.filter.is_none() && !args.bless {
            return Ok(ExitCode::SUCCESS);
        }
        bail!("there are no cases in `{}`: a case is a folder with input.json in it", folder.display());
    }
    let is_wanted = |case: &Case| args.filter.as_ref().is_none_or(|filter| case.name.contains(filter));
    let (cases, left_out): (Vec<Case>, Vec<Case>) = all.into_iter().partition(is_wanted);
    let grants = args.bounds.grants()?;
    let module = match &args.module {
        Some(module) => module.clone(),
        None => built(&place)?,
    };
    let opened = Desk::new(NativeCode::Kept)?.open(&module)?;
    let way = Way { opened: &opened, limits: args.bounds.limits(), grants: grants.as_ref(), bless: args.bless };

    writeln!(out, "\nrunning {}", counted(cases.len() as u64, "test"))?;
    let mut failures = Vec::new();
    for case in &cases {
        let verdict = case.run(&way);
        let told = match &verdict {
            Verdict::Passed => format!("{GOOD}ok{GOOD:#}"),
            Verdict::Blessed => format!("{GOOD}blessed{GOOD:#}"),
            Verdict::Failed(_) => format!("{BAD}FAILED{BAD:#}"),
        };
        writeln!(out, "test {} ... {told}", case.name)?;
        if let Verdict::Failed(why) = verdict {
            failures.push((&case.name, why));
        }
    }
    if !failures.is_empty() {
        writeln!(out, "\nfailures:")?;
        for (name, why) in &failures {
            writeln!(out, "\n{HEAD}---- {name} ----{HEAD:#}\n{}", why.trim_end())?;
        }
        writeln!(out, "\n\nfailures:")?;
        failures.iter().try_for_each(|(name, _)| writeln!(out, "    {name}"))?;
    }
    let result = if failures.is_empty() { format!("{GOOD}ok{GOOD:#}") } else { format!("{BAD}FAILED{BAD:#}") };
    let passed = cases.len() - failures.len();
    writeln!(
        out,
        "\ntest result: {result}. {passed} passed; {} failed; {} filtered out; finished in {:.2}s\n",
        failures.len(),
        left_out.len(),
        started.elapsed().as_secs_f64()
    )?;
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
