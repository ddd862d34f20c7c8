//! The OpenTelemetry Collector that we test and measure against: one pinned version, built from Go modules once.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::needs;
use crate::process;
use crate::workspace::Workspace;

const VERSION: &str = "0.161.0";
/// Counts up when its components change, so that one that was built before is built anew.
const COMPONENTS: u32 = 4;

fn folder() -> Result<PathBuf> {
    Ok(Workspace::cache()?.join(format!("peers/otelcol-{VERSION}-{COMPONENTS}")))
}

/// The binary, if it was built already.
pub(crate) fn cached() -> Result<PathBuf> {
    let binary = folder()?.join("otelcol");
    if !binary.is_file() {
        bail!("otelcol {VERSION} is not built yet: `cargo xtask test --all` or `cargo xtask bench peers` builds it");
    }
    Ok(binary)
}

/// The binary, built now if need be.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    if let Ok(binary) = cached() {
        return Ok(binary);
    }
    needs::go()?;
    println!("building otelcol {VERSION}: about ten CPU minutes, once");
    process::run(workspace.command("tests/bench/peers/otelcol/build").arg(folder()?))?;
    cached()
}
