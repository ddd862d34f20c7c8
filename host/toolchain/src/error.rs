//! What can go wrong, each with its way out; and what goes well, told as cargo tells it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why there is no project, or no component of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name cannot be a module's.
    #[error("{0}")]
    Name(String),
    /// There is something in the folder already.
    #[error("{} is not empty: name a folder that there is not yet", .0.display())]
    Taken(PathBuf),
    /// The folder is no project.
    #[error("there is no project here: {} cannot be read ({error}); `tidegate module new` makes one", path.display())]
    NoProject {
        /// Where the manifest was looked for.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The manifest is wrong.
    #[error("{}: {problem}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, by its key.
        problem: String,
    },
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A tool is not there.
    #[error("{tool} is needed and not installed: {install}")]
    Missing {
        /// What was called.
        tool: String,
        /// How to come by it.
        install: &'static str,
    },
    /// A tool failed; it has told why.
    #[error("{tool} ended with {status}{hint}")]
    Failed {
        /// What was called.
        tool: String,
        /// How it ended.
        status: ExitStatus,
        /// What else may be the cause; empty, or it begins with `; `.
        hint: &'static str,
    },
    /// A tool said something that is not understood, or the project is not as the language wants it.
    #[error("{0}")]
    Project(String),
    /// No component can be made of it.
    #[error("no component can be made of it: {0}")]
    Component(String),
    /// What was made is a package of interfaces.
    #[error("what was made is a package of interfaces and no component")]
    NoComponent,
    /// It asks for more than there is.
    #[error(
        "the module imports `{0}`, which is no part of wit/processor.wit: a module gets a log and counters, and nothing else"
    )]
    Imports(String),
    /// It lacks a function of the contract.
    #[error("the module does not export `{0}`: is the processor exported?")]
    LacksExport(&'static str),
}

impl Error {
    pub(crate) fn component(error: impl fmt::Display) -> Error {
        Error::Component(format!("{error:#}"))
    }
}

/// Tells a step on standard error.
pub(crate) fn tell(step: &str, what: fmt::Arguments<'_>) {
    eprintln!("{step:>12} {what}");
}
