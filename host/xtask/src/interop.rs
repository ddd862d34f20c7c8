//! The tests of tests/interop, in a virtual environment of their own.

mod emitter;

use std::path::Path;

use anyhow::Result;

use crate::environment::Environment;
use crate::workspace::Workspace;
use crate::{cosign, otelcol, process};

const REQUIREMENTS: &str = "tests/interop/requirements.txt";

pub(crate) fn run(workspace: &Workspace, binary: &Path) -> Result<()> {
    let python = Environment::of(workspace, "interop", REQUIREMENTS)?;
    let mut pytest = workspace.command(python.program("python"));
    pytest.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/interop"]);
    pytest.env("TIDEGATE", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    for (name, built) in [("OTELCOL", otelcol::cached()), ("COSIGN", cosign::cached())] {
        match built {
            Ok(program) => {
                pytest.env(name, program);
            }
            Err(missing) => println!("SKIPPED: the tests with {name}, since {missing}"),
        }
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
