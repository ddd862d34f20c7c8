//! The tests of tests/conformance: the SDKs of all languages, held to one suite in a host. The modules are built by
//! `tidegate module build`, as their authors do it; a language whose tool this machine lacks is skipped, and that is said.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::environment::Environment;
use crate::workspace::Workspace;
use crate::{guests, needs, process};

const LANGUAGES: [&str; 5] = ["rust", "python", "javascript", "go", "c"];
/// The tool of JavaScript, of the version that its template names.
const COMPONENTIZE: &str = "componentize-qjs@0.4.5";

/// How a build says that this machine lacks its tool.
const MISSING: &str = "is needed and not installed";

#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// A script to run in place of the tests, such as tests/conformance/measure.py
    script: Option<PathBuf>,
}

/// Runs the tests, or a script with the modules at hand.
pub(crate) fn run(workspace: &Workspace, binary: &Path, args: &Args) -> Result<()> {
    let python = Environment::of(workspace, "conformance", "tests/conformance/requirements.txt")?;
    let path = tools(workspace, &python)?;
    let mut tests = workspace.command(python.program("python"));
    match &args.script {
        Some(script) => tests.arg(script),
        None => tests.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/conformance"]),
    };
    tests.env("TIDEGATE", binary).env("PYTHONDONTWRITEBYTECODE", "1").env("PATH", &path);
    for language in LANGUAGES {
        let folders = [
            ("MODULE", workspace.root.join("sdk").join(language).join("examples/mask-emails")),
            ("PROBE", workspace.root.join("tests/conformance/probes").join(language)),
        ];
        for (kind, folder) in folders {
            let mut build = workspace.command(binary);
            build.args(["module", "build"]).arg(&folder).env("PATH", &path);
            match process::capture(&mut build) {
                Ok(component) => {
                    tests.env(format!("{kind}_{}", language.to_uppercase()), component.trim());
                }
                Err(error) if format!("{error:#}").contains(MISSING) => {
                    println!("SKIPPED: {}, since {error:#}", folder.display());
                }
                Err(error) => return Err(error),
            }
        }
    }
    process::run(&mut tests)
}

/// A path on which the tools of all languages are that can be had.
fn tools(workspace: &Workspace, python: &Environment) -> Result<OsString> {
    let node = workspace.target.join("conformance-node");
    let bin = node.join("node_modules/.bin");
    if !bin.join("componentize-qjs").exists() {
        match needs::npm() {
            Ok(()) => {
                let mut install = workspace.command("npm");
                install.args(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"]);
                process::run(install.arg(&node).arg(COMPONENTIZE))?;
            }
            Err(missing) => println!("SKIPPED: {COMPONENTIZE}, since {missing:#}"),
        }
    }
    let there = env::var_os("PATH").unwrap_or_default();
    let folders = [python.folder(), bin].into_iter().chain(env::split_paths(&there));
    env::join_paths(folders).context("the PATH of the tools")
}

/// The same, with the binary built before.
pub(crate) fn run_alone(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::python()?;
    guests::build(&workspace.root)?;
    run(workspace, &workspace.binary("release")?, args)
}
