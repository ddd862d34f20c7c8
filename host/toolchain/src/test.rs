//! A project's own tests, by its language's own tool: on this machine, without a host.

use std::path::Path;
use std::process::Command;

use crate::tool::{Tool, program};
use crate::{Error, Language, Manifest, error};

/// Runs the tests of the project in a folder.
///
/// # Errors
/// There is no project, a tool is missing, or a test fails (which has been told).
pub fn test(folder: &Path) -> Result<(), Error> {
    let manifest = Manifest::read(folder)?;
    let folder = &folder.canonicalize().map_err(|error| Error::Read { path: folder.to_owned(), error })?;
    let (tool, mut command) = of(&manifest, folder);
    error::tell("Testing", format_args!("{} ({})", manifest.name, manifest.language));
    tool.run(command.current_dir(folder))
}

/// The command that one would type.
fn of(manifest: &Manifest, folder: &Path) -> (Tool, Command) {
    let tool = |name, install| Tool { name, install, hint: "" };
    match manifest.language {
        Language::Rust => (tool("cargo test", "https://rustup.rs installs it"), of_words(&["cargo", "test"])),
        Language::Go => (tool("go test", "https://go.dev/dl has it"), of_words(&["go", "test", "./..."])),
        Language::JavaScript => (tool("node --test", "https://nodejs.org has it"), of_words(&["node", "--test"])),
        Language::C => (
            tool("make test", "on Debian and Ubuntu `apt-get install make gcc`"),
            of_words(&["make", "--quiet", "test"]),
        ),
        Language::Python => {
            let mut python = Command::new(program(folder, &[".venv/bin", "venv/bin"], "python3"));
            python.args(["-m", "unittest"]).env("PYTHONPATH", folder.join(&manifest.sdk));
            (tool("python3 -m unittest", "https://www.python.org has it; 3.10 is the oldest that will do"), python)
        }
    }
}

fn of_words(words: &[&str]) -> Command {
    let mut command = Command::new(words.first().copied().unwrap_or_default());
    command.args(words.get(1..).unwrap_or_default());
    command
}
