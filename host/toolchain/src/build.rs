//! The build of a project: its language's tool, then a component.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::{Error, Language, Manifest, component, embedded, error, tool};

/// Where the component of a project is put.
pub fn output(folder: &Path, manifest: &Manifest) -> PathBuf {
    folder.join("build").join(format!("{}.wasm", manifest.name))
}

/// Builds the project in a folder, and returns where its component is.
///
/// # Errors
/// There is no project, a tool is missing (the message says how it is installed), the tool does not take the code (it has
/// said so itself), or what it made is no module.
pub fn build(folder: &Path) -> Result<PathBuf, Error> {
    let began = Instant::now();
    let manifest = Manifest::read(folder)?;
    let folder = &folder.canonicalize().map_err(|error| Error::Read { path: folder.to_owned(), error })?;
    let made = output(folder, &manifest);
    let work = folder.join("build");
    fs::create_dir_all(&work).map_err(|error| Error::Write { path: work.clone(), error })?;
    error::tell("Compiling", format_args!("{} ({})", manifest.name, manifest.language));
    let bytes = match manifest.language {
        Language::Rust => component::of_described_core(&read(&tool::rust::run(folder)?)?)?,
        Language::C => component::of_core(&read(&tool::c::run(folder, &manifest, &work)?)?)?,
        Language::Go => component::of_core(&read(&tool::go::run(folder, &work)?)?)?,
        Language::Python => read(&tool::python::run(folder, &manifest, &contract(&work)?, &work)?)?,
        Language::JavaScript => read(&tool::javascript::run(folder, &manifest, &contract(&work)?, &work)?)?,
    };
    component::check(&bytes)?;
    component::write(&made, &bytes)?;
    let (size, seconds) = (bytes.len() as f64 / 1e6, began.elapsed().as_secs_f64());
    error::tell("Finished", format_args!("{} ({size:.2} MB) in {seconds:.2}s", made.display()));
    Ok(made)
}

/// The contract as a file, for the tools that read it themselves.
fn contract(work: &Path) -> Result<PathBuf, Error> {
    let path = work.join("processor.wit");
    fs::write(&path, embedded::WIT).map_err(|error| Error::Write { path: path.clone(), error })?;
    Ok(path)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::Read { path: path.to_owned(), error })
}
