//! A source is where a module's bytes and its configuration come from: the binary itself, a file, or the watched folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use host_config::watched::{Contents, Watched};
use host_manifest::{Digest, canonical};
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::inspect::InspectError;
use crate::shelf::{Edition, Shelf};

/// A larger file is no configuration.
const CONFIG_BYTES: u64 = 4 << 20;

/// Why there is nothing to load.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("there is no module {name:?}: {}", places(folder.as_deref(), bundled))]
    Unknown { name: String, folder: Option<PathBuf>, bundled: Vec<&'static str> },
    #[error("{path} cannot be read: there is no such file")]
    Missing { path: PathBuf },
    #[error("{path} cannot be read: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Size(InspectError),
    #[error("{path} is being written to: rename a finished file into its place")]
    Changing { path: PathBuf },
    #[error("{path} has {bytes} bytes, more than {limit}")]
    ConfigSize { path: PathBuf, bytes: u64, limit: u64 },
    #[error("{path} is no configuration: {reason}")]
    Config { path: PathBuf, reason: String },
    #[error("`module` is missing: name a bundled module, or the path of a .wasm file")]
    NoModule,
    #[error("`config` and `config_file` are both set: keep one")]
    TwoConfigs,
    #[error("the module {0} was not pushed to the cluster, or has not come from there yet")]
    NotPushed(String),
    #[error("it is not to run any more: {0}")]
    Withheld(String),
    #[error("{path} is not the component that was pushed: it has another digest")]
    Damaged { path: PathBuf },
}

fn places(folder: Option<&Path>, bundled: &[&'static str]) -> String {
    let bundled = format!("the bundled ones are {}", bundled.join(", "));
    match folder {
        Some(folder) => format!("no such file in {}, and {bundled}", folder.display()),
        None => format!("modules.folder is not set, and {bundled}"),
    }
}

/// What a processor is made of, and whether it has changed.
pub(crate) struct Source {
    name: String,
    origin: Origin,
}

enum Origin {
    Local(Box<Local>),
    /// With what was taken from it last.
    Shelf {
        shelf: Arc<Shelf>,
        head: String,
        taken: Option<Arc<Edition>>,
    },
}

/// Files, or what the binary carries.
struct Local {
    file: Option<Watched>,
    bundled: Option<&'static [u8]>,
    config: ConfigSource,
}

enum ConfigSource {
    Inline(Value),
    File(Watched),
}

/// What was found at one time.
pub(crate) struct Fetched {
    pub(crate) component: Bytes,
    /// Canonical JSON.
    pub(crate) config: String,
    /// What was pushed, where it was.
    pub(crate) edition: Option<Arc<Edition>>,
}

/// Where to look.
pub(crate) struct Places<'a> {
    pub(crate) base: &'a Path,
    pub(crate) folder: Option<&'a Path>,
    pub(crate) bundled: &'a [crate::Bundled],
    /// Whether a module may come later.
    pub(crate) may_be_missing: bool,
}

impl Source {
    /// Says where `module` and its configuration are to be found. Reads nothing.
    pub(crate) fn new(
        module: &str,
        config: Option<Value>,
        config_file: Option<&Path>,
        places: &Places<'_>,
    ) -> Result<Self, SourceError> {
        if module.is_empty() {
            return Err(SourceError::NoModule);
        }
        let config = match (config, config_file) {
            (Some(_), Some(_)) => return Err(SourceError::TwoConfigs),
            (None, Some(file)) => ConfigSource::File(Watched::new(places.base.join(file))),
            (config, None) => ConfigSource::Inline(config.unwrap_or_else(|| Value::Object(Map::new()))),
        };
        if is_path(module) {
            let path = places.base.join(module);
            let origin = Origin::Local(Box::new(Local { file: Some(Watched::new(path)), bundled: None, config }));
            return Ok(Source { name: name_of(module), origin });
        }
        let file = places.folder.map(|folder| Watched::new(in_folder(places.base, folder, module)));
        let bundled = places.bundled.iter().find(|bundled| bundled.name == module).map(|bundled| bundled.component);
        let is_there = |file: &Watched| places.may_be_missing || file.exists();
        if bundled.is_none() && !file.as_ref().is_some_and(is_there) {
            return Err(SourceError::Unknown {
                name: module.to_owned(),
                folder: places.folder.map(Path::to_path_buf),
                bundled: places.bundled.iter().map(|bundled| bundled.name).collect(),
            });
        }
        Ok(Source { name: module.to_owned(), origin: Origin::Local(Box::new(Local { file, bundled, config })) })
    }

    /// The module of this name on a shelf, under a head.
    pub(crate) fn on_shelf(module: &str, head: &str, shelf: Arc<Shelf>) -> Self {
        Source { name: module.to_owned(), origin: Origin::Shelf { shelf, head: head.to_owned(), taken: None } }
    }

    /// Wakes whoever waits for something new; none where nobody tells, so that one has to look.
    pub(crate) fn changes(&self) -> Option<watch::Receiver<()>> {
        match &self.origin {
            Origin::Local(_) => None,
            Origin::Shelf { shelf, .. } => Some(shelf.changes()),
        }
    }

    /// The module's name: grants, log lines and metrics go by it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is of the shelf, and nothing is there any more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(&self.origin, Origin::Shelf { shelf, head, .. } if shelf.get(&self.name, head).is_none())
    }

    /// What was taken from the shelf last.
    pub(crate) fn taken(&self) -> Option<Arc<Edition>> {
        match &self.origin {
            Origin::Local(_) => None,
            Origin::Shelf { taken, .. } => taken.clone(),
        }
    }

    /// Reads what is in force on the shelf, or was last; none where that is what was taken, or nothing.
    pub(crate) fn fetch_in_force(&self) -> Option<Result<Fetched, SourceError>> {
        let Origin::Shelf { shelf, head, taken } = &self.origin else { return None };
        let edition = shelf.live(&self.name, head)?;
        let is_other = taken.as_ref().is_none_or(|taken| !Arc::ptr_eq(taken, &edition));
        is_other.then(|| pushed(&edition))
    }

    /// Whether something was pushed that was not fetched yet, which takes no time to say; none where it is about files.
    pub(crate) fn has_changed_on_shelf(&mut self) -> Option<bool> {
        matches!(self.origin, Origin::Shelf { .. }).then(|| self.has_changed())
    }

    /// Whether something is there that was not fetched yet. Files that are still being written are left alone.
    pub(crate) fn has_changed(&mut self) -> bool {
        match &mut self.origin {
            Origin::Local(local) => {
                let Local { file, config, .. } = &mut **local;
                let module = file.as_mut().is_some_and(Watched::has_changed);
                let config = match config {
                    ConfigSource::File(file) => file.has_changed(),
                    ConfigSource::Inline(_) => false,
                };
                module || config
            }
            Origin::Shelf { shelf, head, taken } => match (shelf.get(&self.name, head), taken) {
                (Some(there), Some(taken)) => !Arc::ptr_eq(&there, taken),
                (there, taken) => there.is_some() || taken.is_some(),
            },
        }
    }

    /// Reads what is there now.
    pub(crate) fn fetch(&mut self, limit: u64) -> Result<Fetched, SourceError> {
        match &mut self.origin {
            Origin::Local(local) => {
                let Local { file, bundled, config } = &mut **local;
                let component = component(file, *bundled, limit)?;
                let config = match config {
                    ConfigSource::Inline(value) => canonical(value),
                    ConfigSource::File(file) => config_of(file)?,
                };
                Ok(Fetched { component, config, edition: None })
            }
            Origin::Shelf { shelf, head, taken } => {
                *taken = shelf.get(&self.name, head);
                taken.as_ref().map_or_else(|| Err(SourceError::NotPushed(self.name.clone())), pushed)
            }
        }
    }
}

/// The edition with its component. Whoever has put it there has looked at its size.
fn pushed(edition: &Arc<Edition>) -> Result<Fetched, SourceError> {
    if let Some(reason) = &edition.withheld {
        return Err(SourceError::Withheld(reason.clone()));
    }
    let path = &edition.component;
    let read = std::fs::read(path).map_err(|error| SourceError::Read { path: path.clone(), error })?;
    if Digest::of(&read) != edition.digest {
        return Err(SourceError::Damaged { path: path.clone() });
    }
    Ok(Fetched { component: read.into(), config: edition.config.clone(), edition: Some(Arc::clone(edition)) })
}

fn component(file: &mut Option<Watched>, bundled: Option<&'static [u8]>, limit: u64) -> Result<Bytes, SourceError> {
    let Some(file) = file else { return Ok(Bytes::from_static(bundled.unwrap_or_default())) };
    match file.read(limit) {
        Ok(Contents::Whole(bytes)) => Ok(bytes.into()),
        Ok(Contents::Large(bytes)) => Err(SourceError::Size(InspectError::Size { bytes, limit })),
        Ok(Contents::Changing) => Err(SourceError::Changing { path: file.path().to_path_buf() }),
        Err(error) => match bundled {
            Some(bundled) if error.kind() == io::ErrorKind::NotFound => Ok(Bytes::from_static(bundled)),
            None if error.kind() == io::ErrorKind::NotFound => {
                Err(SourceError::Missing { path: file.path().to_path_buf() })
            }
            _ => Err(SourceError::Read { path: file.path().to_path_buf(), error }),
        },
    }
}

/// The configuration in a file, as canonical JSON.
pub(crate) fn config_of(file: &mut Watched) -> Result<String, SourceError> {
    let read = file.read(CONFIG_BYTES);
    let path = || file.path().to_path_buf();
    let bytes = match read.map_err(|error| SourceError::Read { path: path(), error })? {
        Contents::Whole(bytes) => bytes,
        Contents::Large(bytes) => {
            return Err(SourceError::ConfigSize { path: path(), bytes, limit: CONFIG_BYTES });
        }
        Contents::Changing => return Err(SourceError::Changing { path: path() }),
    };
    let parsed = String::from_utf8(bytes).map_err(|error| error.to_string()).and_then(|text| {
        // JSON is YAML, too. References mean here what they mean in the main configuration: a key of a hash that is
        // taken for the text `${env:KEY}` would be known to everyone.
        let loaded = host_config::Value::load(file.path(), &text, &host_config::Os);
        let (value, warnings) = loaded.map_err(|errors| errors.to_string())?;
        warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        value.decode::<Value>().map_err(|errors| errors.to_string())
    });
    let value = parsed.map_err(|reason| SourceError::Config { path: path(), reason })?;
    Ok(canonical(&value))
}

/// Whether `module` is the path of a file, and no name.
pub(crate) fn is_path(module: &str) -> bool {
    module.contains('/') || module.ends_with(".wasm")
}

/// The file of the module of this name.
pub(crate) fn in_folder(base: &Path, folder: &Path, name: &str) -> PathBuf {
    base.join(folder).join(format!("{name}.wasm"))
}

/// The name of a module, also where its path was written.
pub(crate) fn name_of(module: &str) -> String {
    match is_path(module) {
        true => Path::new(module).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
        false => module.to_owned(),
    }
}

#[cfg(test)]
mod tests;
