//! The guests are the modules of this repository: crates under `guests/`, built for WebAssembly and made components. A module
//! of one's own, in a crate that lies anywhere, is built the same way.

mod own;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm};

use own::Own;

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

/// What a module may import: the two interfaces with functions, and the types of the contract by name.
const IMPORTS: [&str; 8] = [
    "tidegate:processor/log@0.2.0",
    "tidegate:processor/counters@0.2.0",
    "tidegate:processor/types@0.2.0",
    "signal",
    "plan",
    "context",
    "batch",
    "script",
];

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
    let own = Own::find(root, folder)?;
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

fn has_std(root: &Path) -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(root)
        .output()
        .context("run rustc; https://rustup.rs installs it")?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let has_std = fs::read_dir(&libdir).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    });
    Ok(output.status.success() && has_std)
}

fn compile(root: &Path, target: &Path, choose: impl FnOnce(&mut Command)) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--profile", "guest", "--lib", "--target", TARGET]);
    cargo.arg("--target-dir").arg(target);
    // Flags for the host, such as `-C target-cpu=native`, are no flags for WebAssembly.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET").env("CARGO_ENCODED_RUSTFLAGS", flags(root));
    choose(&mut cargo);
    let status = cargo.status().context("run cargo")?;
    ensure!(status.success(), "the modules do not build: cargo ended with {status}");
    Ok(())
}

/// Flags by which a module says nothing of where it was built: it is known by its digest.
fn flags(root: &Path) -> OsString {
    let home = std::env::home_dir().map(|home| home.join(".cargo"));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
    let mut flags = OsString::new();
    for (folder, name) in [(Some(root.to_owned()), "."), (home, "cargo")] {
        let Some(folder) = folder else { continue };
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Turns a core module into a component. A file that is the same already is left alone, so that nothing is built anew.
fn encode(module: &Path, component: &Path) -> Result<()> {
    let core = fs::read(module).with_context(|| format!("read {}", module.display()))?;
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .and_then(ComponentEncoder::encode)
        .with_context(|| format!("make a component of {}", module.display()))?;
    check_imports(&encoded).with_context(|| format!("check what {} imports", module.display()))?;
    if fs::read(component).is_ok_and(|old| old == encoded) {
        return Ok(());
    }
    // Renamed into place, so that a collector that watches the folder never reads half of it.
    let part = component.with_extension("wasm.part");
    fs::write(&part, encoded).with_context(|| format!("write {}", part.display()))?;
    fs::rename(&part, component).with_context(|| format!("rename {} into place", part.display()))
}

/// A module gets nothing but its contract: a guest that imports more is refused here, before a host would refuse it.
fn check_imports(component: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("it is a package of interfaces and no component");
    };
    for key in resolve.worlds[world].imports.keys() {
        let name = resolve.name_world_key(key);
        ensure!(IMPORTS.contains(&name.as_str()), "it imports `{name}`, which is no part of wit/processor.wit");
    }
    Ok(())
}
