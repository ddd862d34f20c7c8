//! Rust: cargo, for `wasm32-unknown-unknown`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde::Deserialize;

use super::Tool;
use crate::Error;

/// The target.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const CARGO: Tool = Tool { name: "cargo", install: "https://rustup.rs installs it", hint: "" };

/// A crate that can become a module.
#[derive(Debug, PartialEq, Eq)]
pub struct Crate {
    /// Its Cargo.toml.
    pub manifest: PathBuf,
    /// Its package.
    pub package: String,
    /// The name of the core module's file, without its ending.
    pub library: String,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

/// Builds the crate in a folder, and returns the core module.
pub(crate) fn run(folder: &Path) -> Result<PathBuf, Error> {
    let own = Crate::find(folder, folder)?;
    if !has_std(folder)? {
        return Err(Error::Project(format!(
            "the Rust toolchain has no standard library for {TARGET}: `rustup target add {TARGET}` adds it"
        )));
    }
    let mut cargo = Command::new(program());
    cargo
        .current_dir(folder)
        .args(["build", "--release", "--lib", "--target", TARGET, "--manifest-path"])
        .arg(&own.manifest);
    // Flags for the host, such as `-C target-cpu=native`, are no flags for WebAssembly.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET").env("CARGO_ENCODED_RUSTFLAGS", flags(folder));
    CARGO.run(&mut cargo)?;
    Ok(own.target.join(TARGET).join("release").join(format!("{}.wasm", own.library)))
}

/// Flags by which a module says nothing of where it was built: it is known by its digest.
pub fn flags(root: &Path) -> OsString {
    let home = env::home_dir().map(|home| home.join(".cargo"));
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
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

/// Whether the toolchain of a folder can build for WebAssembly.
///
/// # Errors
/// There is no Rust.
pub fn has_std(folder: &Path) -> Result<bool, Error> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder);
    let output = rustc.stderr(Stdio::inherit()).output().map_err(|_| CARGO.missing(&rustc))?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let has_std = fs::read_dir(&libdir).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    });
    Ok(output.status.success() && has_std)
}

impl Crate {
    /// Reads what cargo says of the crate in `folder`. Cargo runs in `at`, for the sake of its toolchain.
    ///
    /// # Errors
    /// There is no crate, or none that makes a module.
    pub fn find(folder: &Path, at: &Path) -> Result<Crate, Error> {
        let manifest = folder.join("Cargo.toml");
        if !manifest.is_file() {
            return Err(Error::Project(format!("there is no crate in {}: it has no Cargo.toml", folder.display())));
        }
        let manifest = manifest.canonicalize().map_err(|error| Error::Read { path: manifest, error })?;
        let mut cargo = Command::new(program());
        cargo
            .current_dir(at)
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest);
        let output = cargo.stderr(Stdio::inherit()).output().map_err(|_| CARGO.missing(&cargo))?;
        if !output.status.success() {
            return Err(Error::Failed { tool: "cargo metadata".to_owned(), status: output.status, hint: "" });
        }
        Crate::read(manifest, &String::from_utf8_lossy(&output.stdout))
    }

    /// Finds in what `cargo metadata` printed the crate of a manifest.
    ///
    /// # Errors
    /// It is a workspace, or no library that makes a module.
    pub(crate) fn read(manifest: PathBuf, metadata: &str) -> Result<Crate, Error> {
        let metadata: Metadata =
            serde_json::from_str(metadata).map_err(|error| Error::Project(format!("cargo metadata: {error}")))?;
        let found = metadata.packages.into_iter().find(|package| package.manifest_path == manifest);
        let Some(Package { name, targets, .. }) = found else {
            let shown = manifest.display();
            return Err(Error::Project(format!("{shown} is a workspace: name the folder of one crate")));
        };
        let library = targets.into_iter().find(|target| target.crate_types.iter().any(|of| of == "cdylib"));
        let Some(library) = library else {
            let shown = manifest.display();
            return Err(Error::Project(format!(
                "{shown} does not make a module: add\n\n[lib]\ncrate-type = [\"cdylib\"]\n"
            )));
        };
        let library = library.name.replace('-', "_");
        Ok(Crate { manifest, package: name, library, target: metadata.target_directory })
    }

    /// What `module:` calls it: the package's name, without the prefix that the crates of the repository have.
    pub fn name(&self) -> &str {
        self.package.strip_prefix("guest-").unwrap_or(&self.package)
    }
}

fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
