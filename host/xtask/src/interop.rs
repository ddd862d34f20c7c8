//! The tests of tests/interop, in a virtual environment of their own.

mod emitter;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{otelcol, process};

const REQUIREMENTS: &str = "tests/interop/requirements.txt";

pub(crate) fn run(workspace: &Workspace, binary: &Path) -> Result<()> {
    let python = environment(workspace)?;
    let mut pytest = workspace.command(python);
    pytest.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/interop"]);
    pytest.env("TIDEGATE", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    match otelcol::cached() {
        Ok(otelcol) => {
            pytest.env("OTELCOL", otelcol);
        }
        Err(missing) => println!("SKIPPED: the tests with otelcol, since {missing}"),
    }
    for (name, prepared) in emitter::all(workspace) {
        match prepared {
            Ok(command) => {
                pytest.env(name, command);
            }
            Err(missing) => println!("SKIPPED: {name}, since {missing:#}"),
        }
    }
    process::run(&mut pytest)
}

/// The Python of an environment with what the requirements name, made anew when they change.
fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("interop");
    let python = folder.join("bin/python");
    let (wanted, installed) = (workspace.root.join(REQUIREMENTS), folder.join("requirements.txt"));
    let requirements = fs::read_to_string(&wanted).context(REQUIREMENTS)?;
    if fs::read_to_string(&installed).is_ok_and(|there| there == requirements) {
        return Ok(python);
    }
    process::run(workspace.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    process::run(workspace.command(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted))?;
    fs::write(&installed, requirements)?;
    Ok(python)
}
