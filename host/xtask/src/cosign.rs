//! The cosign that signatures are held to: one pinned version, built from Go modules once.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::needs;
use crate::process;
use crate::workspace::Workspace;

const VERSION: &str = "3.1.3";

fn folder() -> Result<PathBuf> {
    Ok(Workspace::cache()?.join(format!("peers/cosign-{VERSION}")))
}

/// The binary, if it was built already.
pub(crate) fn cached() -> Result<PathBuf> {
    let binary = folder()?.join("cosign");
    if !binary.is_file() {
        bail!("cosign {VERSION} is not built yet: `cargo xtask test --all` builds it");
    }
    Ok(binary)
}

/// The binary, built now if need be.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    if let Ok(binary) = cached() {
        return Ok(binary);
    }
    needs::go()?;
    println!("building cosign {VERSION}: up to ten CPU minutes, once");
    let folder = folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let mut install = workspace.command("go");
    install.env("GOBIN", &folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod");
    install.args(["install", "-trimpath", "-ldflags", "-s -w"]);
    process::run(install.arg(format!("github.com/sigstore/cosign/v3/cmd/cosign@v{VERSION}")))?;
    cached()
}
