//! The programs that send telemetry by the SDKs of other languages: fetched and built once under the target directory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{needs, process};

/// A variable of the tests' environment, and the command that it is to hold where the machine has what that needs.
type Emitter = (&'static str, Result<String>);

/// Every program, prepared.
pub(super) fn all(workspace: &Workspace) -> [Emitter; 3] {
    [("EMIT_NODE", node(workspace)), ("EMIT_GO", go(workspace)), ("EMIT_JAVA", java(workspace))]
}

fn node(workspace: &Workspace) -> Result<String> {
    needs::npm()?;
    let home = Home::of(workspace, "node", &["package.json", "emit.mjs"])?;
    home.once(|| {
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"];
        process::run(workspace.command("npm").current_dir(&home.folder).args(install))
    })?;
    Ok(format!("node {}", home.folder.join("emit.mjs").display()))
}

fn go(workspace: &Workspace) -> Result<String> {
    needs::go()?;
    let home = Home::of(workspace, "go", &["go.mod", "go.sum", "main.go"])?;
    home.once(|| {
        let mut build = workspace.command("go");
        build.current_dir(&home.folder).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod");
        process::run(build.args(["build", "-o", "emit", "."]))
    })?;
    Ok(home.folder.join("emit").display().to_string())
}

fn java(workspace: &Workspace) -> Result<String> {
    needs::maven()?;
    let home = Home::of(workspace, "java", &["pom.xml", "Emit.java"])?;
    home.once(|| {
        let mut fetch = workspace.command("mvn");
        fetch.current_dir(&home.folder).args(["-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=deps"]);
        process::run(&mut fetch)
    })?;
    let at = home.folder.display();
    Ok(format!("java -cp {at}/deps/* {at}/Emit.java"))
}

/// The folder of one program under the target directory, with its sources as they are in the repository.
struct Home {
    folder: PathBuf,
    sources: Vec<u8>,
}

impl Home {
    fn of(workspace: &Workspace, language: &str, files: &[&str]) -> Result<Home> {
        let from = workspace.root.join("tests/interop").join(language);
        let folder = workspace.target.join("interop-sdks").join(language);
        fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let mut sources = Vec::new();
        for file in files {
            let text = fs::read(from.join(file)).with_context(|| from.join(file).display().to_string())?;
            fs::write(folder.join(file), &text).with_context(|| folder.join(file).display().to_string())?;
            sources.extend(text);
        }
        Ok(Home { folder, sources })
    }

    /// Prepares the program, unless that was done with these very sources.
    fn once(&self, prepare: impl FnOnce() -> Result<()>) -> Result<()> {
        let done: &Path = &self.folder.join("prepared");
        if fs::read(done).is_ok_and(|sources| sources == self.sources) {
            return Ok(());
        }
        prepare()?;
        fs::write(done, &self.sources).with_context(|| done.display().to_string())
    }
}
