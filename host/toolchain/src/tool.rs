//! The languages' own tools: found, run, and told of when they are missing.

pub(crate) mod c;

pub(crate) mod go;

pub(crate) mod javascript;

pub(crate) mod python;

pub(crate) mod rust;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

/// A tool and how to come by it.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) install: &'static str,
    /// What else may be the cause where it fails; empty, or it begins with `; `.
    pub(crate) hint: &'static str,
}

impl Tool {
    /// Runs it to its end. What it prints goes to standard error: standard output is for what is asked of us.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), Error> {
        let status = command.stdout(Stdio::from(std::io::stderr())).status().map_err(|_| self.missing(command))?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed { tool: self.name.to_owned(), status, hint: self.hint })
    }

    fn missing(&self, command: &Command) -> Error {
        let tool = command.get_program().to_string_lossy().into_owned();
        Error::Missing { tool, install: self.install }
    }
}

/// A program of a project's own environment, such as `.venv/bin/…`, else by its name on the `PATH`.
pub(crate) fn program(folder: &Path, inside: &[&str], name: &str) -> PathBuf {
    let own = inside.iter().map(|place| folder.join(place).join(name)).find(|path| path.is_file());
    own.unwrap_or_else(|| name.into())
}
