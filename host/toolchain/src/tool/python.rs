//! Python: componentize-py, which puts CPython and the code into a component.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Tool, program};
use crate::{Error, Manifest};

const COMPONENTIZE: Tool = Tool {
    name: "componentize-py",
    install: "`python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in the project, or `pip install \
              componentize-py==0.25.1`",
    hint: "",
};

/// Makes a component, and returns where it is.
pub(crate) fn run(folder: &Path, manifest: &Manifest, contract: &Path, work: &Path) -> Result<PathBuf, Error> {
    let made = work.join("python.wasm");
    let Some(module) = manifest.main.file_stem() else {
        return Err(Error::Project(format!("main: {} is no file of Python", manifest.main.display())));
    };
    let source = folder.join(&manifest.main);
    if !source.is_file() {
        return Err(Error::Project(format!("main: there is no {}", source.display())));
    }
    let mut python = Command::new(program(folder, &[".venv/bin", "venv/bin"], "componentize-py"));
    python.current_dir(folder).arg("--quiet").arg("-d").arg(contract).args(["-w", "processor", "componentize"]);
    python.arg("--stub-wasi").arg(module).arg("-p").arg(source.parent().unwrap_or(folder));
    python.arg("-p").arg(folder.join(&manifest.sdk)).arg("-o").arg(&made);
    python.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0");
    COMPONENTIZE.run(&mut python)?;
    Ok(made)
}
