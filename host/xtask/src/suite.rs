//! `cargo xtask test`: every test that this machine can run, step by step.

use anyhow::{Result, bail};

use crate::process;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{
    backends, bench, cluster, conformance, cosign, deploy, faults, fuzz, guests, interop, needs, otelcol, rotation,
    tidy, wit,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also what takes long: the swap test for 60 s, fuzzing, otelcol and cosign built where they are not
    #[arg(long)]
    all: bool,
    /// Also the tests of backends that are not built yet: they are built, which takes half an hour of CPU once
    #[arg(long)]
    backends: bool,
    /// Also the tests on a Kubernetes of one node: it is built, which takes 17 minutes of CPU once, and needs root
    #[arg(long)]
    cluster: bool,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let cargo = |line: &str| process::run(&mut workspace.cargo(line.split(' ')));
    let mut steps = Steps::default();
    steps.run("format", || cargo("fmt --all --check"))?;
    steps.run("tidy", || tidy::run(workspace))?;
    steps.run("the contract", || wit::check(workspace))?;
    steps.run("modules", || guests::build(&workspace.root))?;
    steps.run("clippy", || cargo("clippy --release --workspace --all-targets --locked -- -D warnings"))?;
    // The profile of `up`: what both need is built once.
    steps.run("unit and integration tests", || {
        let mut tests = workspace.cargo(["test", "--release", "--workspace", "--locked"]);
        if args.all {
            tests.env("TIDEGATE_SWAP_SECONDS", "60");
        }
        process::run(&mut tests)
    })?;
    let binary = steps.run("the binary", || workspace.binary("release"))?;
    steps.run_if("deployments", needs::kubectl(), || deploy::check(workspace))?;
    steps.run("fuzz targets compile", || fuzz::check(workspace))?;
    steps.run("the load rig", || workspace.test_rig())?;
    steps.run("faults", || faults::short(workspace, &binary))?;
    steps.run("rotation", || rotation::short(workspace, &binary))?;
    if args.all {
        steps.run_if("otelcol", needs::go(), || otelcol::build(workspace).map(drop))?;
        steps.run_if("cosign", needs::go(), || cosign::build(workspace).map(drop))?;
    }
    steps.run_if("interoperation", needs::python(), || interop::run(workspace, &binary))?;
    if args.backends {
        backends::build(workspace, &mut steps)?;
    }
    steps.run_if("real backends", needs::python(), || backends::run(workspace, &binary))?;
    let cluster = if args.cluster { needs::cluster() } else { not_asked() };
    steps.run_if("a real Kubernetes", cluster, || cluster::run(workspace, &binary))?;
    let conformance = conformance::Args::default();
    steps.run_if("conformance", needs::python(), || conformance::run(workspace, &binary, &conformance))?;
    steps.run_if("instructions", needs::valgrind(), || bench::instructions(workspace))?;
    if args.all {
        steps.run_if("fuzzing", needs::cargo_fuzz(), || fuzz::all(workspace, 60))?;
    }
    steps.print();
    Ok(())
}

fn not_asked() -> Result<()> {
    bail!("it was not asked for: `cargo xtask test --cluster` runs it")
}
