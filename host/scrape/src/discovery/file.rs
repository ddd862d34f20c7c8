//! Targets in files, each a list as JSON or YAML. A file that cannot be read, or is no such list, leaves what it said before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use host_component::Shutdown;
use host_config::Value;
use host_config::watched::{Contents, Watched};
use tokio::sync::watch;

use super::{Deps, Told};
use crate::config::{FileSdConfig, StaticConfig};
use crate::counts::Counts;
use crate::labels::Labels;
use crate::target::Group;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How large a file may be, and how many there may be.
const MOST: u64 = 16 << 20;
const FILES: usize = 10_000;

pub(crate) struct FileDiscovery {
    files: Files,
}

struct Files {
    owner: String,
    patterns: Vec<Pattern>,
    counts: Arc<Counts>,
    known: BTreeMap<PathBuf, Known>,
}

/// A folder, and which names in it.
struct Pattern {
    folder: PathBuf,
    name: GlobMatcher,
}

/// A file, and what it said when it could be read last.
struct Known {
    watched: Watched,
    groups: Vec<Group>,
    is_read: bool,
}

impl FileDiscovery {
    pub(crate) fn new(config: &FileSdConfig, deps: &Deps<'_>) -> Self {
        let pattern = |file: &String| {
            let path = deps.base.join(file);
            let name = path.file_name()?.to_string_lossy().into_owned();
            // What no pattern can be made of stands for itself.
            let glob = Glob::new(&name).or_else(|_| Glob::new(&globset::escape(&name))).ok()?;
            Some(Pattern { folder: path.parent()?.to_owned(), name: glob.compile_matcher() })
        };
        let files = Files {
            owner: deps.owner.to_owned(),
            patterns: config.files.iter().filter_map(pattern).collect(),
            counts: Arc::clone(deps.counts),
            known: BTreeMap::new(),
        };
        FileDiscovery { files }
    }

    pub(super) async fn run(self, told: watch::Sender<Told>, mut shutdown: Shutdown) {
        let mut files = self.files;
        loop {
            let looked = tokio::task::spawn_blocking(move || {
                let changed = files.look();
                (files, changed)
            });
            // Only a runtime that ends does not do it.
            let Ok((back, changed)) = looked.await else { return };
            files = back;
            if let Some(groups) = changed.filter(|groups| told.borrow().as_deref() != Some(groups)) {
                told.send_replace(Some(Arc::new(groups)));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = shutdown.wait() => return,
            }
        }
    }
}

impl Files {
    /// Reads what has changed. Gives what there is where anything was read, or is gone.
    fn look(&mut self) -> Option<Vec<Group>> {
        let paths: Vec<PathBuf> = self.patterns.iter().flat_map(Pattern::paths).take(FILES).collect();
        let before = self.known.len();
        self.known.retain(|path, _| paths.contains(path));
        let mut is_changed = self.known.len() != before || before == 0;
        for path in paths {
            let known = self.known.entry(path.clone()).or_insert_with(|| Known {
                watched: Watched::new(path.clone()),
                groups: Vec::new(),
                is_read: false,
            });
            if known.is_read && !known.watched.has_changed() {
                continue;
            }
            known.is_read = true;
            match read(&mut known.watched) {
                Ok(groups) => {
                    known.groups = groups;
                    is_changed = true;
                }
                Err(error) => {
                    self.counts.discovery_failures.inc();
                    tracing::warn!(receiver = self.owner, path = %path.display(), error, "a file of targets cannot be used; what it said before stays");
                }
            }
        }
        is_changed.then(|| self.known.values().flat_map(|known| known.groups.iter().cloned()).collect())
    }
}

impl Pattern {
    fn paths(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> =
            entries.filter(|entry| self.name.is_match(entry.file_name())).map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }
}

fn read(watched: &mut Watched) -> Result<Vec<Group>, String> {
    let path = watched.path().to_owned();
    match watched.read(MOST) {
        Ok(Contents::Whole(bytes)) => {
            let text = String::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
            groups(&path, &text)
        }
        Ok(Contents::Large(size)) => Err(format!("it has {size} bytes, more than {MOST}")),
        Ok(Contents::Changing) => Err("it is being written to".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The groups that a file says.
pub(super) fn groups(path: &Path, text: &str) -> Result<Vec<Group>, String> {
    let file = path.display().to_string();
    let decoded = Value::parse(&file, text).and_then(|value| value.decode::<Vec<StaticConfig>>());
    let configs = decoded.map_err(|errors| errors.to_string().lines().take(3).collect::<Vec<_>>().join("; "))?;
    let group = |config: StaticConfig| {
        let mut labels: Labels = config.labels.into_iter().collect();
        labels.set("__meta_filepath", file.as_str());
        Group::of(&config.targets, labels)
    };
    Ok(configs.into_iter().map(group).collect())
}
