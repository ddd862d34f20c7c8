//! References in a configuration, such as `${env:X}`, replaced by what they stand for.
//!
//! Text that comes from outside is taken as it is: a `$` in a password means a dollar. Only where a reference is the whole
//! value and what it gives is a mapping or a list is that a piece of configuration, whose references are replaced in turn.

mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::text::{Piece, pieces};
use crate::location::folder_of;
use crate::node::{Data, Node};
use crate::problem::{Errors, Position, Problem, Warning};
use crate::source::Source;
use crate::value::{join_index, join_key};
use crate::yaml;

/// Pieces of configuration inside one another.
const MAX_DEPTH: usize = 8;
/// References in one configuration.
const MAX_REFERENCES: usize = 1_000;
/// Bytes that they stand for.
const MAX_TEXT: usize = 16 << 20;

/// What is needed to replace references, and what was found on the way.
pub(crate) struct Expansion<'a> {
    pub(crate) source: &'a dyn Source,
    /// Where relative paths start from in what is no file.
    base: &'a Path,
    /// The folders of files, by the names that positions give them.
    folders: BTreeMap<Arc<str>, PathBuf>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) errors: Errors,
    references: usize,
    /// Bytes that references have stood for.
    text: usize,
}

/// What a reference gave, and what to call it in messages about its insides.
struct Found {
    text: String,
    file: Arc<str>,
}

impl<'a> Expansion<'a> {
    pub(crate) fn new(source: &'a dyn Source, base: &'a Path) -> Self {
        let (folders, warnings, errors) = (BTreeMap::new(), Vec::new(), Errors::new());
        Expansion { source, base, folders, warnings, errors, references: 0, text: 0 }
    }

    /// Has relative paths in the file of this name start from `folder`.
    pub(crate) fn starts_from(&mut self, file: &Arc<str>, folder: &Path) {
        self.folders.insert(Arc::clone(file), folder.to_owned());
    }

    /// `node` with every reference in it replaced.
    pub(crate) fn node(&mut self, node: Node, path: &str, depth: usize) -> Node {
        let data = match node.data {
            Data::Text(text) if text.contains('$') => return self.scalar(&text, &node.at, path, depth),
            Data::Sequence(list) => {
                let list = list.into_iter().enumerate();
                Data::Sequence(list.map(|(i, node)| self.node(node, &join_index(path, i), depth)).collect())
            }
            Data::Mapping(entries) => Data::Mapping(
                entries
                    .into_iter()
                    .map(|(key, node)| {
                        let path = join_key(path, &key.name);
                        let node = self.node(node, &path, depth);
                        (key, node)
                    })
                    .collect(),
            ),
            data => data,
        };
        Node { data, ..node }
    }

    fn scalar(&mut self, text: &str, at: &Position, path: &str, depth: usize) -> Node {
        if let Some(name) = bare(&text.replace("$$", "")).find(|name| self.source.env(name).is_some()) {
            let message = format!("`${name}` is taken as it stands: ${{env:{name}}} is the environment variable");
            self.warnings.push(Problem::new(at, path, message));
        }
        let expanded = pieces(text).and_then(|pieces| match pieces.as_slice() {
            [Piece::Reference(inner)] => {
                let found = self.reference(inner, at, path, 0)?;
                Ok(self.whole(found, at, path, depth))
            }
            pieces => Ok(Node::new(at.clone(), Data::Text(self.joined(pieces, at, path, 0)?.into()))),
        });
        expanded.unwrap_or_else(|message| self.invalid(at, path, message))
    }

    fn invalid(&mut self, at: &Position, path: &str, message: String) -> Node {
        self.errors.push(Problem::new(at, path, message.as_str()));
        Node::new(at.clone(), Data::Invalid(message.into()))
    }

    /// A value that is one reference: read as YAML, with its text kept for who wants text.
    fn whole(&mut self, found: Found, at: &Position, path: &str, depth: usize) -> Node {
        let original: Arc<str> = found.text.into();
        let node = match yaml::parse(&found.file, &original) {
            Ok(Node { data: Data::Text(_), .. }) | Err(_) => Node::new(at.clone(), Data::Text((&*original).into())),
            Ok(node @ Node { data: Data::Mapping(_) | Data::Sequence(_), .. }) => {
                if depth == MAX_DEPTH {
                    let message = format!("references lead into one another more than {MAX_DEPTH} times");
                    return self.invalid(at, path, message);
                }
                self.node(node, path, depth + 1)
            }
            Ok(node) => Node { at: at.clone(), ..node },
        };
        Node { original: Some(original), ..node }
    }

    fn joined(&mut self, pieces: &[Piece<'_>], at: &Position, path: &str, nesting: usize) -> Result<String, String> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Reference(inner) => out.push_str(&self.reference(inner, at, path, nesting)?.text),
            }
        }
        Ok(out)
    }

    /// What `${inner}` stands for.
    fn reference(&mut self, inner: &str, at: &Position, path: &str, nesting: usize) -> Result<Found, String> {
        self.references += 1;
        if self.references > MAX_REFERENCES {
            return Err(format!("there are more than {MAX_REFERENCES} references"));
        }
        if nesting > MAX_DEPTH {
            return Err(format!("references stand inside one another more than {MAX_DEPTH} times"));
        }
        let inner = self.joined(&pieces(inner)?, at, path, nesting + 1)?;
        let found = match inner.split_once(':') {
            Some(("env", rest)) => self.env(rest, at, path)?,
            Some(("file", rest)) => self.file(rest, at)?,
            Some(("yaml", rest)) => Found { text: rest.to_owned(), file: "${yaml:…}".into() },
            Some((scheme @ ("http" | "https"), _)) => {
                return Err(format!(
                    "${{{scheme}:…}} is not served, since a collector should start when that server is away: write the \
                     text to a file, and ${{file:PATH}}"
                ));
            }
            Some((_, rest)) if rest.starts_with('-') => self.env(&inner, at, path)?,
            None => self.env(&inner, at, path)?,
            Some((scheme, _)) => {
                return Err(format!(
                    "unknown scheme `{scheme}` in ${{{inner}}}: there are ${{env:NAME}}, ${{env:NAME:-default}}, \
                     ${{NAME}}, ${{file:PATH}} and ${{yaml:TEXT}}; $${{ stands for a plain ${{"
                ));
            }
        };
        self.text = self.text.saturating_add(found.text.len());
        if self.text > MAX_TEXT {
            return Err(format!("references stand for more than {} MiB in all", MAX_TEXT >> 20));
        }
        Ok(found)
    }

    fn env(&mut self, text: &str, at: &Position, path: &str) -> Result<Found, String> {
        let (name, default) = match text.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (text, None),
        };
        if !is_env_name(name) {
            return Err(format!(
                "`{name}` is no name of an environment variable: letters, digits and underscores, no digit first; \
                 $${{ stands for a plain ${{"
            ));
        }
        let text = self.source.env(name).or_else(|| default.map(str::to_owned)).unwrap_or_else(|| {
            let message = format!(
                "the environment variable {name} is not set, so this is empty: set it, or write ${{env:{name}:-default}}"
            );
            self.warnings.push(Problem::new(at, path, message));
            String::new()
        });
        Ok(Found { text, file: format!("${{env:{name}}}").into() })
    }

    fn file(&mut self, path: &str, at: &Position) -> Result<Found, String> {
        let folder = self.folders.get(&at.file).map_or(self.base, PathBuf::as_path);
        let path = folder.join(path);
        let mut text =
            self.source.read(&path).map_err(|error| format!("cannot read the file {}: {error}", path.display()))?;
        // Editors and `kubectl create secret` end a file with a line break that nobody means.
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        let file: Arc<str> = path.display().to_string().into();
        self.starts_from(&file, folder_of(&path));
        Ok(Found { text, file })
    }
}

fn is_env_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Names that stand behind a dollar without braces.
fn bare(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        is_env_name(&rest[..end]).then_some(&rest[..end])
    })
}
