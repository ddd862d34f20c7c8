//! What a machine may lack, and how to get it.

use anyhow::{Result, bail};

use crate::process;

/// Python with virtual environments, for the tests against the Python SDK.
pub(crate) fn python() -> Result<()> {
    if !process::answers("python3", &["-c", "import ensurepip, venv"]) {
        bail!("Python with venv is missing: apt-get install python3-venv");
    }
    Ok(())
}

/// valgrind, for counting instructions.
pub(crate) fn valgrind() -> Result<()> {
    if !process::answers("valgrind", &["--version"]) {
        bail!("valgrind is missing: apt-get install valgrind");
    }
    Ok(())
}

/// Go, for building the Collector that we test and measure against.
pub(crate) fn go() -> Result<()> {
    if !process::answers("go", &["version"]) {
        bail!("Go is missing: https://go.dev/dl, 1.26 or later");
    }
    Ok(())
}

/// npm, for the OpenTelemetry SDK for JavaScript.
pub(crate) fn npm() -> Result<()> {
    if !process::answers("npm", &["--version"]) {
        bail!("npm is missing: apt-get install npm");
    }
    Ok(())
}

/// Maven and Java, for the OpenTelemetry SDK for Java.
pub(crate) fn maven() -> Result<()> {
    if !process::answers("mvn", &["--version"]) {
        bail!("Maven is missing: apt-get install maven");
    }
    Ok(())
}

/// taskset, for pinning programs to cores.
pub(crate) fn taskset() -> Result<()> {
    if !process::answers("taskset", &["--version"]) {
        bail!("taskset is missing: apt-get install util-linux");
    }
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("two cores are needed, one for the collector and one for the rig");
    }
    Ok(())
}

/// cargo-fuzz and the nightly toolchain that it needs.
pub(crate) fn cargo_fuzz() -> Result<()> {
    if !process::answers("cargo", &["+nightly", "--version"]) {
        bail!("the nightly toolchain is missing: rustup toolchain install nightly");
    }
    if !process::answers("cargo", &["fuzz", "--version"]) {
        bail!("cargo-fuzz is missing: cargo install --locked cargo-fuzz");
    }
    Ok(())
}
