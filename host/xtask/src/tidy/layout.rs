//! Where packages, files and components lie, and how a file begins (rules 1, 3, 4, 5 and 6 of the house style).

use std::collections::BTreeMap;
use std::path::Path;

use super::is_rust;
use crate::workspace::Workspace;

const LINES: usize = 500;

/// Packages whose name is not their path: what users type or depend on.
const NAMED: [(&str, &str); 3] = [
    ("host/tidegate", "tidegate"),
    ("sdk/rust", "tidegate-sdk"),
    // Among the guests of the tests, and one of the workspace's own: tests are built from it.
    ("tests/guests/adversaries", "test-adversaries"),
];

/// A package lies one level under its area and is named by its path, a guest in the singular.
pub(crate) fn packages(workspace: &Workspace) -> Vec<String> {
    let folder = |manifest: &Path| {
        let folder = manifest.parent()?.strip_prefix(&workspace.root).ok()?;
        Some(folder.to_string_lossy().into_owned())
    };
    let all = workspace.packages.iter().filter_map(|p| Some((folder(&p.manifest_path)?, p.name.as_str())));
    all.filter_map(|(folder, name)| package(&folder, name)).collect()
}

pub(crate) fn package(folder: &str, name: &str) -> Option<String> {
    if NAMED.contains(&(folder, name)) {
        return None;
    }
    let Some((area, rest)) = folder.split_once('/').filter(|(_, rest)| !rest.contains('/')) else {
        return Some(format!("{folder}: a package lies one level under its area"));
    };
    let by_path = format!("{area}-{rest}");
    let named = NAMED.iter().find(|(path, _)| *path == folder).map(|(_, name)| *name);
    let is_guest = area == "guests" && name == format!("guest-{rest}");
    let fits = name == named.unwrap_or(&by_path) || is_guest;
    (!fits).then(|| format!("{folder}: the package is named {name} and not {}", named.unwrap_or(&by_path)))
}

pub(crate) fn file(path: &str, content: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !is_rust(path) {
        return problems;
    }
    if path.ends_with("/mod.rs") {
        problems.push(format!("{path}: a module lies in a file of its name beside its folder, not in mod.rs"));
    }
    if !content.starts_with("//!") {
        problems.push(format!("{path}:1: a file begins with `//!` and one sentence that says what it is about"));
    }
    let lines = content.lines().count();
    if lines > LINES {
        problems.push(format!("{path}: {lines} lines; split it by idea, {LINES} at most"));
    }
    problems
}

/// Every component is a folder with the same names inside.
pub(crate) fn components(files: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for (area, role) in [("receivers", "receiver.rs"), ("processors", "processor.rs"), ("exporters", "exporter.rs")] {
        let inside = format!("host/{area}/src/");
        let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (folder, name) in files.iter().filter_map(|file| file.strip_prefix(&inside)?.split_once('/')) {
            folders.entry(folder).or_default().push(name);
        }
        // What components share has folders too; a component is what has a configuration or a role.
        for (folder, names) in folders.iter().filter(|(_, names)| names.contains(&"config.rs") || names.contains(&role))
        {
            for wanted in ["config.rs", role, "tests.rs"].iter().filter(|wanted| !names.contains(wanted)) {
                problems.push(format!("{inside}{folder}: a component has a file {wanted}"));
            }
        }
    }
    problems
}
