//! Real backends: built once from the registries into the cache of the user, and the tests of tests/backends against them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::environment::Environment;
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{needs, otelcol, process};

const REQUIREMENTS: &str = "tests/backends/requirements.txt";
/// The rows of the table, and the page that shows them.
const ROWS: &str = "backends/rows.md";
const PAGE: &str = "docs/backends.md";

/// A backend, of one pinned version.
struct Backend {
    /// The variable of the tests' environment that names it.
    variable: &'static str,
    name: &'static str,
    /// What of the cache's `tools` it is.
    path: &'static str,
    needs: fn() -> Result<()>,
    recipe: Recipe,
}

/// How it is made.
enum Recipe {
    /// A program of the Go module in a folder of tests/backends.
    Go { folder: &'static str, package: &'static str, tags: &'static str, costs: &'static str },
    /// A program of a Go module that needs no replacements.
    GoInstall { package: &'static str, tags: &'static str, costs: &'static str },
    /// The jars that a Maven project in a folder of tests/backends needs.
    Maven { folder: &'static str },
}

/// What of service discovery is built in, since some of the rest cannot be had.
const TAGS: &str = "remove_all_sd,enable_kubernetes_sd";

const BACKENDS: [Backend; 3] = [
    Backend {
        variable: "LOKI",
        name: "Loki 3.7.8",
        path: "loki-3.7.8/loki",
        needs: needs::go,
        recipe: Recipe::Go {
            folder: "loki",
            package: "github.com/grafana/loki/v3/cmd/loki",
            tags: TAGS,
            costs: "thirteen CPU minutes",
        },
    },
    Backend {
        variable: "PROMETHEUS",
        name: "Prometheus 3.16.0",
        path: "prometheus-3.16.0",
        needs: needs::go,
        recipe: Recipe::GoInstall {
            package: "github.com/prometheus/prometheus/cmd/prometheus@v0.316.0",
            tags: TAGS,
            costs: "six CPU minutes",
        },
    },
    Backend {
        variable: "KAFKA",
        name: "Kafka 4.1.0",
        path: "kafka-4.1.0/lib",
        needs: needs::maven,
        recipe: Recipe::Maven { folder: "kafka" },
    },
];

/// Builds what is not there.
pub(crate) fn build(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    for backend in &BACKENDS {
        steps.run_if(backend.name, (backend.needs)(), || backend.build(workspace).map(drop))?;
    }
    steps.run_if("otelcol", needs::go(), || otelcol::build(workspace).map(drop))
}

/// Runs the tests of the backends that are there, says of the others that they are not, and writes the table.
pub(crate) fn run(workspace: &Workspace, binary: &Path) -> Result<()> {
    let python = Environment::of(workspace, "backends-tests", REQUIREMENTS)?;
    let mut pytest = workspace.command(python.program("python"));
    pytest.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/backends"]);
    pytest.env("TIDEGATE", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    let own = BACKENDS.iter().map(|backend| (backend.variable, backend.cached()));
    let others = [("OTELCOL", otelcol::cached()), ("PROMETHEUS_V1", debians_prometheus())];
    let mut is_all = true;
    for (variable, found) in own.chain(others) {
        match found {
            Ok(path) => {
                pytest.env(variable, path);
            }
            Err(missing) => {
                is_all = false;
                println!("SKIPPED: the tests with {variable}, since {missing}");
            }
        }
    }
    let rows = workspace.target.join(ROWS);
    fs::create_dir_all(rows.parent().context("the target directory has a name")?)?;
    fs::write(&rows, "").with_context(|| rows.display().to_string())?;
    process::run(pytest.env("BACKENDS_TABLE", &rows))?;
    show(workspace, &rows, is_all)
}

/// Prints the table, and puts it into the page where no backend is missing in it.
fn show(workspace: &Workspace, rows: &Path, is_all: bool) -> Result<()> {
    let rows = fs::read_to_string(rows).with_context(|| rows.display().to_string())?;
    let table = format!("| Backend | Exporter | What | Sent | Held |\n|---|---|---|---|---|\n{rows}");
    println!("\n{table}");
    if !is_all {
        return Ok(());
    }
    let page = workspace.root.join(PAGE);
    let text = fs::read_to_string(&page).context(PAGE)?;
    let (head, _) = text.split_once("| Backend |").with_context(|| format!("{PAGE} has no table"))?;
    fs::write(&page, format!("{head}{table}")).context(PAGE)
}

/// Debian's Prometheus, which has the first remote write and not the second.
fn debians_prometheus() -> Result<PathBuf> {
    let places = [Workspace::cache()?.join("tools/prometheus-2.42.0"), PathBuf::from("/usr/bin/prometheus")];
    let found = places.into_iter().find(|path| path.is_file());
    found.context("Prometheus 2.42 is missing: apt-get install prometheus")
}

impl Backend {
    fn place(&self) -> Result<PathBuf> {
        Ok(Workspace::cache()?.join("tools").join(self.path))
    }

    /// Where it is, if it was built already.
    fn cached(&self) -> Result<PathBuf> {
        let place = self.place()?;
        if !place.exists() {
            bail!("{} is not built yet: `cargo xtask test --backends` builds it", self.name);
        }
        Ok(place)
    }

    /// Where it is, built now if need be.
    fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        if let Ok(place) = self.cached() {
            return Ok(place);
        }
        let place = self.place()?;
        match &self.recipe {
            Recipe::Go { folder, package, tags, costs } => {
                println!("building {}: about {costs}, once", self.name);
                let mut go = workspace.command("go");
                go.current_dir(workspace.root.join("tests/backends").join(folder)).env("CGO_ENABLED", "0");
                go.args(["build", "-ldflags", "-s -w", "-tags", tags, "-o"]).arg(&place).arg(package);
                process::run(&mut go)?;
            }
            Recipe::GoInstall { package, tags, costs } => {
                println!("building {}: about {costs}, once", self.name);
                let parts = place.with_extension("parts");
                let mut go = workspace.command("go");
                go.env("CGO_ENABLED", "0").env("GOBIN", &parts);
                process::run(go.args(["install", "-ldflags", "-s -w", "-tags", tags, package]))?;
                let program = package.rsplit('/').next().and_then(|last| last.split('@').next()).unwrap_or_default();
                fs::rename(parts.join(program), &place).with_context(|| place.display().to_string())?;
                fs::remove_dir(&parts).with_context(|| parts.display().to_string())?;
            }
            Recipe::Maven { folder } => {
                let mut maven = workspace.command("mvn");
                maven.current_dir(workspace.root.join("tests/backends").join(folder));
                // Beside its place until it is whole.
                let parts = place.with_extension("parts");
                maven.args(["-q", "-B", "dependency:copy-dependencies"]);
                process::run(maven.arg(format!("-DoutputDirectory={}", parts.display())))?;
                fs::rename(&parts, &place).with_context(|| place.display().to_string())?;
            }
        }
        self.cached()
    }
}
