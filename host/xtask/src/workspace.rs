//! Where things are: the repository, what cargo builds, and what is kept between runs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the environment has put it.
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace, as its manifest says.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Absent for what the package itself needs; `dev` or `build` otherwise.
    pub(crate) kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Workspace> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let args = ["metadata", "--no-deps", "--format-version", "1", "--manifest-path"];
        let out = process::capture(Command::new("cargo").args(args).arg(manifest))?;
        let metadata: Metadata = serde_json::from_str(&out).context("cargo metadata")?;
        Ok(Workspace { root: metadata.workspace_root, target: metadata.target_directory, packages: metadata.packages })
    }

    /// A command that runs in the repository's root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    pub(crate) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command("cargo");
        command.args(args);
        command
    }

    /// Builds the binary with this profile and returns where it is. Guests have to be built before, since it embeds them.
    pub(crate) fn binary(&self, profile: &str) -> Result<PathBuf> {
        process::run(&mut self.cargo(["build", "--profile", profile, "--package", "tidegate", "--bin", "tidegate"]))?;
        Ok(self.target.join(profile).join("tidegate"))
    }

    /// Builds the load rig, a package of its own, and returns the folder of its programs.
    pub(crate) fn rig(&self) -> Result<PathBuf> {
        process::run(&mut self.cargo_of_rig("build"))?;
        Ok(self.rig_target().join("release"))
    }

    pub(crate) fn test_rig(&self) -> Result<()> {
        process::run(&mut self.cargo_of_rig("test"))
    }

    fn cargo_of_rig(&self, command: &str) -> Command {
        let mut cargo = self.cargo([command, "--release", "--locked", "--manifest-path", "tests/bench/Cargo.toml"]);
        cargo.arg("--target-dir").arg(self.rig_target());
        cargo
    }

    fn rig_target(&self) -> PathBuf {
        self.target.join("rig")
    }

    /// A command of cargo for the harness of tests/faults, a package of its own.
    pub(crate) fn cargo_of_faults(&self, command: &str) -> Command {
        let mut cargo = self.cargo([command, "--release", "--locked", "--manifest-path", "tests/faults/Cargo.toml"]);
        cargo.arg("--target-dir").arg(self.faults_target());
        cargo
    }

    pub(crate) fn faults_target(&self) -> PathBuf {
        self.target.join("faults")
    }

    /// A folder for what is expensive to make and outlives a checkout.
    pub(crate) fn cache() -> Result<PathBuf> {
        let base = match env::var_os("XDG_CACHE_HOME") {
            Some(cache) => PathBuf::from(cache),
            None => {
                PathBuf::from(env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache")
            }
        };
        Ok(base.join("tidegate"))
    }
}
