//! A new project: the language's template, its SDK and the contract.

use std::fs;
use std::path::Path;

use crate::manifest::checked_name;
use crate::{Error, Language, embedded, error};

/// What stands for the project's name in a template.
const NAME: &str = "{{name}}";

const GITIGNORE: &str = ".gitignore";

/// Writes a new project into a folder that there is not yet, or that is empty.
///
/// # Errors
/// The name cannot be a module's, the folder is taken, or it cannot be written.
pub fn create(language: Language, name: &str, folder: &Path) -> Result<(), Error> {
    let name = checked_name(name).map_err(Error::Name)?;
    if fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()) || folder.is_file() {
        return Err(Error::Taken(folder.to_owned()));
    }
    let sdk = format!("sdk/{language}");
    // Rust's SDK finds the contract beside its own folder, as in the repository.
    let into = if language == Language::Rust { "sdk/rust" } else { "sdk" };
    for (path, contents) in embedded::under("sdk/template") {
        write(folder, file_name(path), &filled(contents, &name))?;
    }
    for (path, contents) in embedded::under(&sdk) {
        match path.strip_prefix("template/") {
            Some("dot-gitignore") => append(folder, GITIGNORE, contents)?,
            Some(path) => write(folder, file_name(path), &filled(contents, &name))?,
            None => write(folder, &format!("{into}/{path}"), contents)?,
        }
    }
    for (path, contents) in embedded::under("wit") {
        write(folder, &format!("wit/{path}"), contents)?;
    }
    error::tell("Created", format_args!("module `{name}` ({language}) in {}", folder.display()));
    Ok(())
}

/// A file that must not mean in the repository what it means in a project has another name there.
fn file_name(path: &str) -> &str {
    match path {
        "dot-gitignore" => GITIGNORE,
        path => path.strip_suffix(".template").unwrap_or(path),
    }
}

fn filled(contents: &[u8], name: &str) -> Vec<u8> {
    match std::str::from_utf8(contents) {
        Ok(text) => text.replace(NAME, name).into_bytes(),
        Err(_) => contents.to_vec(),
    }
}

/// Adds what a language leaves behind to what every build does.
fn append(folder: &Path, name: &str, contents: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    let mut all = fs::read(&path).map_err(|error| Error::Read { path, error })?;
    all.extend_from_slice(contents);
    write(folder, name, &all)
}

fn write(folder: &Path, name: &str, contents: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, contents));
    written.map_err(|error| Error::Write { path, error })
}
