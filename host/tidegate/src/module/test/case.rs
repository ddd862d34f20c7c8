//! A case is a folder: what goes into the module, and what is to come out of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use host_wasm::{BatchContext, Wanted};

use super::Way;
use super::expected::{self, Expected, Happened};
use crate::module::{capture, desk, otlp, told};

const INPUT: &str = "input.json";
const CONFIG: &str = "config.yaml";
const CONTEXT: &str = "context.yaml";

/// One folder.
pub(super) struct Case {
    pub(super) name: String,
    folder: PathBuf,
}

/// How a case ended.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Passed,
    /// It was not as expected, and is now.
    Blessed,
    Failed(String),
}

/// The cases in a folder, by name. What has none of their files in it is somebody else's.
///
/// # Errors
/// The folder cannot be read.
pub(super) fn find(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the cases in `{}`", folder.display()))?;
    let mut cases = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        if folder.is_dir() && files(&folder)?.iter().any(|file| is_known(file) || is_data(file)) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            cases.push(Case { name, folder });
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

impl Case {
    /// Runs the case; what keeps it from being run is a failure of it, too.
    pub(super) fn run(&self, way: &Way<'_>) -> Verdict {
        self.verdict(way).unwrap_or_else(|error| {
            let lines = |cause: String| cause.lines().map(told::plain).collect::<Vec<_>>().join("\n");
            let causes: Vec<String> = error.chain().map(|cause| lines(cause.to_string())).collect();
            Verdict::Failed(causes.join(": "))
        })
    }

    fn verdict(&self, way: &Way<'_>) -> anyhow::Result<Verdict> {
        let files = files(&self.folder)?;
        if let Some(stranger) = files.iter().find(|file| is_data(file) && !is_known(file)) {
            bail!(
                "there is a file `{stranger}`, which no case has; a case has {INPUT}, {CONFIG}, {CONTEXT}, {}",
                expected::FILES
            );
        }
        let expected = Expected::read(&self.folder, &files);
        let happened = self.happened(way)?;
        match expected.and_then(|expected| expected.differences(&happened)) {
            Ok(differences) if differences.is_empty() => return Ok(Verdict::Passed),
            // Whatever was expected before is going to be written over.
            _ if way.bless => {}
            Ok(differences) => return Ok(Verdict::Failed(differences)),
            Err(error) => return Err(error),
        }
        happened.bless(&self.folder, &files)?;
        Ok(Verdict::Blessed)
    }

    /// Runs the module on the input.
    fn happened(&self, way: &Way<'_>) -> anyhow::Result<Happened> {
        let there = |name: &str| Some(self.folder.join(name)).filter(|path| path.exists());
        let Some(input) = there(INPUT) else { bail!("there is no {INPUT}") };
        let payload = otlp::read(&input)?;
        let context =
            there(CONTEXT).map_or_else(|| Ok(BatchContext::default()), |path| capture::read_context(&path))?;
        let config = desk::config(there(CONFIG).as_deref())?;
        let signal = payload.signal();
        let wanted = Wanted { signal, config: &config, limits: way.limits.clone(), grants: way.grants };
        let trial = match way.opened.configure(&wanted) {
            Ok(trial) => trial,
            Err(error) => return Ok(Happened::refused(signal, &error)),
        };
        let processed = trial.process(payload, &context);
        Ok(Happened::of(signal, processed, trial.said()))
    }
}

/// The names of the files in a folder.
fn files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn is_known(name: &str) -> bool {
    [INPUT, CONFIG, CONTEXT].contains(&name) || expected::is_one(name)
}

/// Whether a file looks as if it were to be a case's: others may keep notes beside them.
fn is_data(name: &str) -> bool {
    let end = Path::new(name).extension().and_then(|end| end.to_str());
    matches!(end, Some("json" | "yaml" | "yml" | "txt")) || name.starts_with("expected")
}
