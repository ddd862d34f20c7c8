//! The finder lists the files that `include` matches and `exclude` does not, symlinks followed.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use rustix::io::Errno;

/// Folders that `**` goes down.
const DEPTH: usize = 32;

/// One file that was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

/// What a look has come to.
#[derive(Default)]
pub(super) struct Look {
    pub(super) found: Vec<Found>,
    /// How often something could not be looked at: what was not found may be there nevertheless.
    pub(super) failures: u64,
    /// The first of that.
    pub(super) failure: Option<(PathBuf, io::Error)>,
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
        let absolute = |pattern: &String| {
            let path = std::path::absolute(base.join(pattern));
            let path = path.map_err(|error| format!("{pattern:?} cannot be looked for: {error}"))?;
            Ok::<_, String>(path.to_string_lossy().into_owned())
        };
        let exclude = exclude.iter().map(|pattern| glob(&absolute(pattern)?)).collect::<Result<_, _>>()?;
        let include = include.iter().map(|pattern| steps(&absolute(pattern)?)).collect::<Result<_, _>>()?;
        Ok(Finder { include, exclude })
    }

    /// All files, in the order of the patterns, those of one in that of their names.
    pub(super) fn find(&self) -> Look {
        let mut walk = Walk { exclude: &self.exclude, seen: HashSet::new(), look: Look::default() };
        self.include.iter().for_each(|steps| walk.go(Path::new("/"), steps, 0));
        walk.look
    }
}

/// Whether an error says that something is not there, for us; other errors say nothing of that.
pub(super) fn is_absence(error: &io::Error) -> bool {
    let of_name = [Errno::NOENT, Errno::ACCESS, Errno::PERM, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG];
    Errno::from_io_error(error).is_some_and(|error| of_name.contains(&error))
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

/// One look under way.
struct Walk<'f> {
    exclude: &'f [GlobMatcher],
    seen: HashSet<PathBuf>,
    look: Look,
}

impl Walk<'_> {
    fn go(&mut self, folder: &Path, steps: &[Step], depth: usize) {
        let Some((first, rest)) = steps.split_first() else { return };
        match first {
            Step::Named(name) => self.on(folder.join(name), rest, depth),
            Step::Matching(pattern) => {
                for name in self.names(folder).into_iter().filter(|name| pattern.is_match(name)) {
                    self.on(folder.join(name), rest, depth);
                }
            }
            Step::Deep => {
                self.go(folder, rest, depth);
                let names = if depth < DEPTH { self.names(folder) } else { Vec::new() };
                for path in names.into_iter().map(|name| folder.join(name)) {
                    // A link to a folder above would never end.
                    let metadata = path.symlink_metadata();
                    if self.noted(&path, metadata).is_some_and(|metadata| metadata.is_dir()) {
                        self.go(&path, steps, depth + 1);
                    }
                }
            }
        }
    }

    fn on(&mut self, path: PathBuf, rest: &[Step], depth: usize) {
        if !rest.is_empty() {
            return self.go(&path, rest, depth);
        }
        let is_out = self.exclude.iter().any(|pattern| pattern.is_match(&path));
        if is_out || !self.seen.insert(path.clone()) {
            return;
        }
        let metadata = fs::metadata(&path);
        if let Some(metadata) = self.noted(&path, metadata).filter(Metadata::is_file) {
            self.look.found.push(Found { path, metadata });
        }
    }

    fn names(&mut self, folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder);
        let Some(entries) = self.noted(folder, entries) else { return Vec::new() };
        let mut names: Vec<_> = entries.filter_map(|entry| Some(self.noted(folder, entry)?.file_name())).collect();
        names.sort();
        names
    }

    fn noted<T>(&mut self, path: &Path, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(found) => Some(found),
            Err(error) => {
                if !is_absence(&error) {
                    self.look.failures += 1;
                    self.look.failure.get_or_insert_with(|| (path.to_owned(), error));
                }
                None
            }
        }
    }
}
