//! Runs the fuzz targets of all crates, each for a while.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::needs;
use crate::process;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// What is no target of libFuzzer: an example of the sandbox's crate, which starts processes that compile.
const MODULES: &str = "modules";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this target; `modules` are mutations of modules, loaded and given batches
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What the mutations of modules begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    let is_wanted = |name: &str| args.target.as_ref().is_none_or(|only| only == name);
    let mut found = is_wanted(MODULES);
    if found {
        steps.run("fuzz modules", || modules(workspace, args))?;
    }
    if args.target.as_deref() != Some(MODULES) {
        needs::cargo_fuzz()?;
    }
    for (folder, target) in targets(workspace)? {
        if is_wanted(&target) {
            found = true;
            steps.run(&format!("fuzz {target}"), || fuzz(workspace, &folder, &target, args.seconds))?;
        }
    }
    steps.print();
    match &args.target {
        Some(target) if !found => bail!("no fuzz target is named {target}"),
        _ => Ok(()),
    }
}

/// A short run of all targets.
pub(crate) fn all(workspace: &Workspace, seconds: u64) -> Result<()> {
    run(workspace, &Args { target: None, seconds, seed: 1 })
}

fn modules(workspace: &Workspace, args: &Args) -> Result<()> {
    process::run(&mut workspace.cargo(["build", "--release", "--workspace", "--example", "mutations"]))?;
    let mut mutations = workspace.command(workspace.target.join("release/examples/mutations"));
    process::run(mutations.args([args.seconds.to_string(), args.seed.to_string()]))
}

fn fuzz(workspace: &Workspace, folder: &Path, target: &str, seconds: u64) -> Result<()> {
    let mut cargo = workspace.command("cargo");
    // cargo-fuzz builds with sanitizers: a target directory of its own keeps that apart from all other builds.
    cargo.args(["+nightly", "fuzz", "run", "--fuzz-dir"]).arg(folder).arg("--target-dir");
    cargo.arg(workspace.target.join("fuzz")).arg(target).arg("--");
    process::run(cargo.args([format!("-max_total_time={seconds}"), "-rss_limit_mb=2048".to_owned()]))
}

/// Whether all targets compile: they are no members of the workspace, so that no other step would see one that fell behind.
/// That takes no nightly compiler and no libFuzzer.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut folders: Vec<PathBuf> = targets(workspace)?.into_iter().map(|(folder, _)| folder).collect();
    folders.dedup();
    for folder in folders {
        let mut cargo = workspace.cargo(["check", "--release", "--locked", "--bins", "--manifest-path"]);
        cargo.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(workspace.target.join("fuzz-check"));
        // With a library named, libfuzzer-sys compiles none of its own; checking links nothing, so that none need be there.
        process::run(cargo.env("CUSTOM_LIBFUZZER_PATH", "/none/libfuzzer.a"))?;
    }
    Ok(())
}

/// All targets with the folders of their packages, in order.
fn targets(workspace: &Workspace) -> Result<Vec<(PathBuf, String)>> {
    let mut targets = Vec::new();
    for package in &workspace.packages {
        let folder = package.manifest_path.with_file_name("fuzz");
        let Ok(files) = fs::read_dir(folder.join("fuzz_targets")) else { continue };
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.file_stem().context("a target has a name")?.to_string_lossy().into_owned();
                targets.push((folder.clone(), name));
            }
        }
    }
    targets.sort();
    Ok(targets)
}
