//! One's own module: a crate that lies anywhere, built as those of this repository are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::process;

/// A crate that can become a module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) manifest: PathBuf,
    pub(super) package: String,
    /// The name of the core module's file, without its ending.
    pub(super) library: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
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

impl Own {
    /// Reads what cargo says of the crate in `folder`. Cargo runs in `root`, for the sake of its toolchain.
    pub(super) fn find(root: &Path, folder: &Path) -> Result<Own> {
        let manifest = folder.join("Cargo.toml");
        ensure!(manifest.is_file(), "there is no crate in {}: it has no Cargo.toml", folder.display());
        let manifest = manifest.canonicalize().with_context(|| manifest.display().to_string())?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(root)
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest);
        Own::read(manifest, &process::capture(&mut cargo)?)
    }

    pub(super) fn read(manifest: PathBuf, metadata: &str) -> Result<Own> {
        let metadata: Metadata = serde_json::from_str(metadata).context("cargo metadata")?;
        let found = metadata.packages.into_iter().find(|package| package.manifest_path == manifest);
        let Package { name, targets, .. } =
            found.with_context(|| format!("{} is a workspace: name the folder of one crate", manifest.display()))?;
        let library = targets.into_iter().find(|target| target.crate_types.iter().any(|of| of == "cdylib"));
        let library = library.with_context(|| {
            format!("{} does not make a module: add\n\n[lib]\ncrate-type = [\"cdylib\"]\n", manifest.display())
        })?;
        Ok(Own { manifest, package: name, library: library.name.replace('-', "_") })
    }

    /// What `module:` calls it: the package's name, without the prefix that the crates of this repository have.
    pub(super) fn name(&self) -> &str {
        self.package.strip_prefix("guest-").unwrap_or(&self.package)
    }
}

#[cfg(test)]
mod tests;
