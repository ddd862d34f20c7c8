//! A real Kubernetes of one node: built once from Go modules into the cache of the user, and the tests of tests/cluster on it.

use std::path::Path;

use anyhow::{Context, Result};

use crate::environment::Environment;
use crate::workspace::Workspace;
use crate::{otelcol, process};

/// Builds the programs of Kubernetes where they are not built.
pub(crate) const BUILD: &str = "tests/cluster/build";
/// The virtual environment, and what is in it.
pub(crate) const ENVIRONMENT: &str = "cluster-tests";
pub(crate) const REQUIREMENTS: &str = "tests/cluster/requirements.txt";

/// Brings the cluster up, runs the tests, and takes it down whatever has come of them.
pub(crate) fn run(workspace: &Workspace, binary: &Path) -> Result<()> {
    process::run(&mut workspace.command(BUILD))?;
    let otelcol = otelcol::build(workspace)?;
    let python = Environment::of(workspace, ENVIRONMENT, REQUIREMENTS)?;
    // Whoever interrupts this interrupts the tests with it, and they end; what they ran on is still to be taken down.
    ctrlc::set_handler(|| ()).context("the handler of Ctrl-C")?;
    let cluster = Cluster::up(workspace)?;
    let mut pytest = workspace.command(python.program("python"));
    pytest.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/cluster"]);
    pytest.env("TIDEGATE", binary).env("OTELCOL", otelcol).env("PYTHONDONTWRITEBYTECODE", "1");
    let tested = process::run(&mut pytest);
    cluster.down()?;
    tested
}

/// A cluster that is up; where and how is read by the tests from the folder of its state.
struct Cluster<'a>(Option<&'a Workspace>);

impl Cluster<'_> {
    fn up(workspace: &Workspace) -> Result<Cluster<'_>> {
        // Before it is asked to come up: one that came up in part is taken down, too.
        let cluster = Cluster(Some(workspace));
        ask(workspace, "up")?;
        Ok(cluster)
    }

    fn down(mut self) -> Result<()> {
        self.0.take().map_or(Ok(()), |workspace| ask(workspace, "down"))
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        if let Some(Err(problem)) = self.0.take().map(|workspace| ask(workspace, "down")) {
            eprintln!("xtask: the cluster is not down: {problem:#}");
        }
    }
}

fn ask(workspace: &Workspace, what: &str) -> Result<()> {
    process::run(
        workspace.command("python3").args(["tests/cluster/cluster.py", what]).env("PYTHONDONTWRITEBYTECODE", "1"),
    )
}
