//! A virtual environment of Python under the target directory, with what a file of requirements names.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// An environment that is ready.
pub(crate) struct Environment(PathBuf);

impl Environment {
    /// The environment of this name, made anew when its requirements change.
    pub(crate) fn of(workspace: &Workspace, name: &str, requirements: &str) -> Result<Environment> {
        let folder = workspace.target.join(name);
        let environment = Environment(folder.join("bin"));
        let (wanted, installed) = (workspace.root.join(requirements), folder.join("requirements.txt"));
        let text = fs::read_to_string(&wanted).with_context(|| requirements.to_owned())?;
        if fs::read_to_string(&installed).is_ok_and(|there| there == text) {
            return Ok(environment);
        }
        process::run(workspace.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut pip = workspace.command(environment.program("python"));
        process::run(pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&wanted))?;
        fs::write(&installed, text)?;
        Ok(environment)
    }

    /// Where its programs are.
    pub(crate) fn folder(&self) -> PathBuf {
        self.0.clone()
    }

    /// One of its programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
