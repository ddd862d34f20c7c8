//! The guests are the modules of this repository: crates under `guests/`, built for WebAssembly and made components. A module
//! of one's own, in a crate that lies anywhere, is built the same way.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use host_toolchain::{Crate, component, has_std};

const TARGET: &str = "wasm32-unknown-unknown";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of a crate of your own: build it, and none of this repository
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

/// Builds what was asked for, and prints where the components are.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let components = match &args.path {
        Some(folder) => vec![build_own(root, folder)?],
        None => build(root)?,
    };
    let here = std::env::current_dir().unwrap_or_default();
    for component in components {
        println!("{}", component.strip_prefix(&here).unwrap_or(&component).display());
    }
    Ok(())
}

/// Builds each crate under `guests/` and returns the components, `target/guests/components/<name>.wasm`.
///
/// Guests have a target directory of their own, so that they and the host's crates do not wait for each other's lock.
pub(crate) fn build(root: &Path) -> Result<Vec<PathBuf>> {
    check_target(root)?;
    let names = names(root)?;
    let target = root.join("target/guests");
    compile(root, &target, |cargo| {
        for name in &names {
            cargo.arg("--package").arg(format!("guest-{name}"));
        }
    })?;
    let components = target.join("components");
    fs::create_dir_all(&components).with_context(|| format!("make {}", components.display()))?;
    names
        .iter()
        .map(|name| {
            let component = components.join(format!("{name}.wasm"));
            encode(&core_module(&target, &format!("guest_{}", name.replace('-', "_"))), &component)?;
            Ok(component)
        })
        .collect()
}

/// Builds the crate in `folder`, wherever that is, and returns the component, `target/guests/own/<name>.wasm`.
///
/// It is no neighbour of the bundled ones, since the binary is built anew when something changes among them.
fn build_own(root: &Path, folder: &Path) -> Result<PathBuf> {
    check_target(root)?;
    let own = Crate::find(folder, root)?;
    let target = root.join("target/guests");
    compile(root, &target, |cargo| {
        cargo.arg("--manifest-path").arg(&own.manifest).arg("--package").arg(&own.package);
    })?;
    let components = target.join("own");
    fs::create_dir_all(&components).with_context(|| format!("make {}", components.display()))?;
    let component = components.join(format!("{}.wasm", own.name()));
    encode(&core_module(&target, &own.library), &component)?;
    Ok(component)
}

/// Where cargo puts the core module of a library.
fn core_module(target: &Path, library: &str) -> PathBuf {
    target.join(TARGET).join("guest").join(format!("{library}.wasm"))
}

/// The folders under `guests/`, by name.
fn names(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("guests");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            let name = path.file_name().and_then(OsStr::to_str);
            names.push(name.with_context(|| format!("{} is no name of a guest", path.display()))?.to_owned());
        }
    }
    ensure!(!names.is_empty(), "there is no guest in {}", folder.display());
    names.sort();
    Ok(names)
}

/// Sees to it that the toolchain can build for WebAssembly: rustup installs the targets of `rust-toolchain.toml` with a
/// toolchain, but not into one that was there before.
fn check_target(root: &Path) -> Result<()> {
    if has_std(root)? {
        return Ok(());
    }
    println!("the Rust toolchain has no {TARGET}: rustup target add {TARGET}");
    let added = Command::new("rustup").args(["target", "add", TARGET]).current_dir(root).status();
    if !added.is_ok_and(|status| status.success()) || !has_std(root)? {
        bail!(
            "the Rust toolchain has no standard library for {TARGET}, which the guests need, and rustup could not add it; \
             run `rustup target add {TARGET}` in {}, or put a toolchain that has it in RUSTUP_TOOLCHAIN",
            root.display()
        );
    }
    Ok(())
}

fn compile(root: &Path, target: &Path, choose: impl FnOnce(&mut Command)) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--profile", "guest", "--lib", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    // Flags for the host, such as `-C target-cpu=native`, are no flags for WebAssembly. Every host has vectors, and hashes are
    // computed with them.
    let mut flags = host_toolchain::flags(root);
    flags.push("\x1f-Ctarget-feature=+simd128");
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET").env("CARGO_ENCODED_RUSTFLAGS", flags);
    choose(&mut cargo);
    let status = cargo.status().context("run cargo")?;
    ensure!(status.success(), "the modules do not build: cargo ended with {status}");
    Ok(())
}

/// Turns a core module into a component. A file that is the same already is left alone, so that nothing is built anew.
fn encode(module: &Path, component: &Path) -> Result<()> {
    let core = fs::read(module).with_context(|| format!("read {}", module.display()))?;
    let encoded = component::of_described_core(&core)
        .and_then(|encoded| component::check(&encoded).map(|()| encoded))
        .with_context(|| format!("make a component of {}", module.display()))?;
    Ok(component::write(component, &encoded)?)
}
