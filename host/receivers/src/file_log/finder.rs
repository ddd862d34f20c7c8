//! The finder lists the files that `include` matches and `exclude` does not, symlinks followed.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// Folders that `**` goes down.
const DEPTH: usize = 32;

/// One file that was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

pub(super) struct Finder {
    include: Vec<Vec<Step>>,
    exclude: Vec<GlobMatcher>,
}

/// One step of a pattern's path.
enum Step {
    Named(String),
    Matching(GlobMatcher),
    /// `**`: any number of folders.
    Deep,
}

fn glob(pattern: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| format!("{pattern:?} is no pattern of files: {error}"))
}

/// # Errors
/// Where the text is no pattern.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    glob(pattern).map(|_| ())
}

impl Finder {
    /// # Errors
    /// Where a pattern is none.
    pub(super) fn new(include: &[String], exclude: &[String], base: &Path) -> Result<Self, String> {
        let absolute = |pattern: &String| base.join(pattern).to_string_lossy().into_owned();
        let exclude = exclude.iter().map(|pattern| glob(&absolute(pattern))).collect::<Result<_, _>>()?;
        let include = include.iter().map(|pattern| steps(&absolute(pattern))).collect::<Result<_, _>>()?;
        Ok(Finder { include, exclude })
    }

    /// All files, in the order of the patterns, those of one in that of their names.
    pub(super) fn find(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for steps in &self.include {
            walk(Path::new("/"), steps, 0, &mut |path| {
                let is_out = self.exclude.iter().any(|pattern| pattern.is_match(&path));
                if is_out || !seen.insert(path.clone()) {
                    return;
                }
                if let Ok(metadata) = fs::metadata(&path)
                    && metadata.is_file()
                {
                    found.push(Found { path, metadata });
                }
            });
        }
        found
    }
}

fn steps(pattern: &str) -> Result<Vec<Step>, String> {
    let named = |step: &&str| !step.is_empty() && *step != ".";
    // An alternative may have several steps: then all of it is matched at once.
    if let Some(at) =
        pattern.find('{').filter(|_| pattern.split('/').any(|s| s.matches('{').count() != s.matches('}').count()))
    {
        return Err(format!(
            "{pattern:?}: what stands between the braces at {at} has a `/` in it: write one pattern for each"
        ));
    }
    pattern
        .split('/')
        .filter(named)
        .map(|step| match step {
            "**" => Ok(Step::Deep),
            step if step.contains(['*', '?', '[', '{', '\\']) => glob(step).map(Step::Matching),
            step => Ok(Step::Named(step.to_owned())),
        })
        .collect()
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    names
}

fn walk(folder: &Path, steps: &[Step], depth: usize, found: &mut dyn FnMut(PathBuf)) {
    let Some((first, rest)) = steps.split_first() else { return };
    let mut go = |path: PathBuf| if rest.is_empty() { found(path) } else { walk(&path, rest, depth, found) };
    match first {
        Step::Named(name) => go(folder.join(name)),
        Step::Matching(pattern) => {
            names(folder).into_iter().filter(|name| pattern.is_match(name)).for_each(|name| go(folder.join(name)));
        }
        Step::Deep => {
            walk(folder, rest, depth, found);
            if depth < DEPTH {
                for name in names(folder) {
                    let path = folder.join(name);
                    // A link to a folder above would never end.
                    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
                        walk(&path, steps, depth + 1, found);
                    }
                }
            }
        }
    }
}
