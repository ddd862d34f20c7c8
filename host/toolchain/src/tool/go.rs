//! Go: its own compiler, for WASI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Tool;
use crate::Error;

const GO: Tool = Tool {
    name: "go",
    install: "https://go.dev/dl has it; 1.24 is the oldest that will do",
    hint: "; 1.24 is the oldest Go that will do",
};

/// Compiles package main, and returns the core module.
pub(crate) fn run(folder: &Path, work: &Path) -> Result<PathBuf, Error> {
    let core = work.join("core.wasm");
    let mut go = Command::new("go");
    go.current_dir(folder).env("GOOS", "wasip1").env("GOARCH", "wasm").env_remove("GOFLAGS");
    // The bindings take memory from Go's runtime by a name that the linker would guard. `-trimpath` keeps out of the module
    // where it was built: it is known by its digest.
    go.args(["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-checklinkname=0 -s -w", "-o"]);
    go.arg(&core).arg(".");
    GO.run(&mut go)?;
    Ok(core)
}
