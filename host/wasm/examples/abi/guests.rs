//! Builds the guests in `tests/guests` and makes components of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

const TARGET: &str = "wasm32-unknown-unknown";

/// The components.
pub(crate) struct Guests {
    pub(crate) edits: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) typed: Vec<u8>,
}

pub(crate) fn build() -> Result<Guests> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join("target/abi-guests");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root.join("tests/guests"))
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(&target);
    // Flags for the host are no flags for WebAssembly.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    let status = cargo.status().context("run cargo")?;
    ensure!(status.success(), "the guests do not build: cargo ended with {status}");
    let built = target.join(TARGET).join("release");
    let component = |name| encode(&built.join(name));
    Ok(Guests {
        edits: component("abi_edits.wasm")?,
        bytes: component("abi_bytes.wasm")?,
        typed: component("abi_typed.wasm")?,
    })
}

fn encode(module: &PathBuf) -> Result<Vec<u8>> {
    let core = std::fs::read(module).with_context(|| format!("read {}", module.display()))?;
    ComponentEncoder::default().module(&core)?.encode().with_context(|| format!("encode {}", module.display()))
}
