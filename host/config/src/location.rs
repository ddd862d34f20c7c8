//! A location is where a part of the configuration comes from, as it stands behind `--config` and `--set`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::merge;
use crate::node::{Data, Key, Node};
use crate::problem::{Errors, Position, Problem};
use crate::source::Source;
use crate::yaml;

/// What is shown of a text that has no name of its own.
const SHOWN: usize = 60;

/// What is wrong with a location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    #[error("it is empty: name a file, or write file:PATH, env:NAME or yaml:TEXT")]
    Empty,
    #[error(
        "{scheme}: is not served, since a collector should start when that server is away: write the configuration to a \
         file, and name that"
    )]
    Remote { scheme: String },
    #[error("unknown scheme `{scheme}`: there are file:PATH, env:NAME and yaml:TEXT; write file:{text} for a file")]
    Scheme { scheme: String, text: String },
    #[error("a `=` is missing: write KEY=VALUE, such as processors.batch.timeout=2s")]
    Equals,
    #[error("there is an empty key in {0:?}: write KEY=VALUE, such as processors.batch.timeout=2s")]
    Key(String),
    #[error("more than {} keys stand behind one another", merge::MAX_KEYS)]
    Deep,
}

/// A part of the configuration. Maps of several are merged, lists replaced; what comes later wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `file:PATH`, or the path alone.
    File(PathBuf),
    /// `env:NAME`: the text of an environment variable.
    Env(String),
    /// `yaml:TEXT`: the text itself.
    Yaml(String),
    /// `--set a.b=VALUE`: one value, and the keys that lead to it.
    Set { keys: Vec<String>, value: String },
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        match scheme(text) {
            None => Ok(Location::File(text.into())),
            Some(("file", rest)) => Ok(Location::File(rest.into())),
            Some(("env", rest)) => Ok(Location::Env(rest.to_owned())),
            Some(("yaml", rest)) => Ok(Location::Yaml(rest.to_owned())),
            Some((scheme @ ("http" | "https"), _)) => Err(LocationError::Remote { scheme: scheme.to_owned() }),
            Some((scheme, _)) => Err(LocationError::Scheme { scheme: scheme.to_owned(), text: text.to_owned() }),
        }
    }
}

impl Location {
    /// What stands behind `--set`: keys with dots between them, and a value that is read as YAML.
    ///
    /// # Errors
    /// Where there is no `=`, a key is empty, or there are too many.
    pub fn set(text: &str) -> Result<Self, LocationError> {
        let (path, value) = text.split_once('=').ok_or(LocationError::Equals)?;
        // As in the Collector, the two separators mean the same here.
        let keys: Vec<String> = path.trim().replace("::", ".").split('.').map(str::to_owned).collect();
        if keys.iter().any(String::is_empty) {
            return Err(LocationError::Key(path.to_owned()));
        }
        if keys.len() > merge::MAX_KEYS {
            return Err(LocationError::Deep);
        }
        Ok(Location::Set { keys, value: value.trim().to_owned() })
    }

    /// The folder that relative paths in it start from, where it has one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Location::File(path) => Some(folder_of(path)),
            _ => None,
        }
    }

    /// Reads it as far as it makes sense: the tree, with what is wrong but did not end the reading.
    ///
    /// # Errors
    /// Where there is nothing to read, or it is no YAML.
    pub(crate) fn read(&self, source: &dyn Source) -> Result<(Node, Errors), Errors> {
        let name: Arc<str> = self.to_string().into();
        let start = Position { file: Arc::clone(&name), line: 1, column: 1 };
        let missing = |message: String| Errors::from(Problem::new(&start, "", message));
        let (root, errors) = match self {
            Location::File(path) => {
                let read = source.read(path);
                let text = read.map_err(|error| missing(format!("cannot read the configuration: {error}")))?;
                yaml::read(&name, &text)?
            }
            Location::Env(variable) => {
                let text = source.env(variable);
                let none = || missing(format!("the environment variable {variable} is not set"));
                yaml::read(&name, &text.ok_or_else(none)?)?
            }
            Location::Yaml(text) => yaml::read(&name, text)?,
            Location::Set { keys, value } => {
                let (node, errors) = yaml::read(&name, value)?;
                let nested = keys.iter().rev().fold(node, |inner, key| {
                    let key = Key { name: key.as_str().into(), at: start.clone() };
                    Node::new(start.clone(), Data::Mapping(vec![(key, inner)]))
                });
                return Ok((nested, errors));
            }
        };
        Ok((merge::unflatten(root), errors))
    }
}

/// The name that problems give as their file.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::File(path) => path.display().fmt(f),
            Location::Env(name) => write!(f, "env:{name}"),
            // A value may be a secret, and the first keys are enough to find it again.
            Location::Yaml(text) => write!(f, "yaml:{}", first_keys(text).unwrap_or("…")),
            Location::Set { keys, .. } => write!(f, "--set {}", keys.join(".")),
        }
    }
}

/// The keys that a text begins with; none where it begins with anything else.
fn first_keys(text: &str) -> Option<&str> {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']);
    let (end, _) = text.match_indices(':').find(|(at, _)| is_end(&text[at + 1..]))?;
    let keys = &text[..end];
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | ':');
    (!keys.is_empty() && keys.len() <= SHOWN && keys.chars().all(is_key)).then_some(keys)
}

/// The folder of a file; of one without any, the folder in which the process runs.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What stands before and behind the colon, where the text has a scheme: two characters at least, since one is a drive.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'));
    is_scheme.then_some((scheme, rest))
}
