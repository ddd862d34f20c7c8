//! Checks what clippy cannot: where files and packages lie, how a file begins, and which crate may know which.

mod arrows;
mod layout;
mod text;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = files(workspace)?;
    let mut problems = arrows::check(&workspace.packages);
    problems.extend(layout::packages(workspace));
    problems.extend(layout::components(&files));
    for file in &files {
        let Ok(content) = fs::read_to_string(workspace.root.join(file)) else { continue };
        problems.extend(layout::file(file, &content));
        problems.extend(text::check(file, &content));
    }
    if !problems.is_empty() {
        bail!("{} problems\n{}", problems.len(), problems.join("\n"));
    }
    println!("tidy: {} files, {} packages", files.len(), workspace.packages.len());
    Ok(())
}

/// All files that are or would be part of a commit, by their path from the root.
fn files(workspace: &Workspace) -> Result<Vec<String>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let out = process::capture(workspace.command("git").args(list)).context("the files of the repository")?;
    Ok(out.lines().filter(|path| workspace.root.join(path).is_file()).map(str::to_owned).collect())
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests;
