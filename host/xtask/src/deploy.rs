//! What deploy/ has, as kustomize makes it: each folder builds, alone and with what may be added to it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

const BASES: [&str; 4] = ["agent", "scraper", "gateway", "modules"];
const COMPONENTS: [&str; 3] = ["agent/modules", "gateway/modules", "gateway/autoscaling"];

/// Builds each base, and all of them as one overlay would; whether a cluster takes them is for tests/cluster.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let overlay = tempfile::tempdir().context("the folder of an overlay")?;
    let deploy = from(overlay.path(), &workspace.root.join("deploy"))?;
    let listed = |parts: &[&str]| parts.iter().map(|part| format!("- {deploy}/{part}\n")).collect::<String>();
    let whole = format!(
        "resources:\n{}components:\n{}\
         images:\n- {{ name: tidegate, newName: registry.example/tidegate, newTag: tried }}\n",
        listed(&BASES),
        listed(&COMPONENTS)
    );
    fs::write(overlay.path().join("kustomization.yaml"), whole).context("the overlay")?;
    for base in BASES {
        build(workspace, &workspace.root.join("deploy").join(base))?;
    }
    let built = build(workspace, overlay.path())?;
    let tried = built.matches("image: registry.example/tidegate:tried\n").count();
    anyhow::ensure!(tried == 3, "an overlay gives another image to {tried} workloads, and not to all 3");
    Ok(())
}

fn build(workspace: &Workspace, folder: &Path) -> Result<String> {
    let built = process::capture(workspace.command("kubectl").arg("kustomize").arg(folder))?;
    println!("{}: {} objects", folder.display(), built.lines().filter(|line| line.starts_with("kind: ")).count());
    Ok(built)
}

/// The way from one folder to another, since kustomize takes none that begins at the root.
fn from(folder: &Path, other: &Path) -> Result<String> {
    let [folder, other] = [folder, other].map(|path| path.canonicalize().with_context(|| path.display().to_string()));
    let up = "../".repeat(folder?.components().count() - 1);
    Ok(format!("{up}{}", other?.display().to_string().trim_start_matches('/')))
}

#[cfg(test)]
mod tests;
