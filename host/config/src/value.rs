//! A value is a part of a configuration that somebody else knows the meaning of: a component's own section.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::canonical;
use crate::check::{Check, Files, Wrong};
use crate::decode::{self, Decoder};
use crate::expand::Expansion;
use crate::location::folder_of;
use crate::node::Node;
use crate::print::{self, Mode};
use crate::problem::{Errors, Position, Problem, Warning};
use crate::source::Source;
use crate::yaml;

/// A spanned subtree. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Value {
    node: Arc<Node>,
    path: Arc<str>,
}

impl Value {
    pub(crate) fn new(node: Node, path: String) -> Self {
        Value { node: Arc::new(node), path: path.into() }
    }

    /// Reads `text` as one YAML document (or JSON, which is YAML, too); `file` is what problems name.
    ///
    /// # Errors
    /// Every duplicate key, or the one thing that made reading end.
    pub fn parse(file: &str, text: &str) -> Result<Value, Errors> {
        Ok(Value::new(yaml::parse(&Arc::from(file), text)?, String::new()))
    }

    /// Reads the text of a file that holds a piece of configuration, with references replaced as they are in the main one;
    /// relative paths start from the file's folder.
    ///
    /// # Errors
    /// What [`Value::parse`] finds, and every reference that leads nowhere.
    pub fn load(path: &Path, text: &str, source: &dyn Source) -> Result<(Value, Vec<Warning>), Errors> {
        let root = yaml::parse(&path.display().to_string().into(), text)?;
        let mut expansion = Expansion::new(source, folder_of(path));
        let root = expansion.node(root, "", 0);
        let Expansion { warnings, errors, .. } = expansion;
        errors.or((Value::new(root, String::new()), warnings))
    }

    /// Decodes this as a `T`.
    ///
    /// # Errors
    /// Every unknown key and every value of the wrong type, each at its place. What the type itself refuses, in a
    /// `deserialize_with` or a `try_from`, ends the search.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Errors> {
        let errors = RefCell::default();
        let result = T::deserialize(Decoder::new(&self.node, decode::Path::Root(&self.path), &errors));
        let errors: Errors = errors.into_inner();
        match result {
            Ok(value) => errors.or(value),
            Err(error) if errors.is_empty() => Err(self.problem(error.to_string()).into()),
            Err(_) => Err(errors.sorted()),
        }
    }

    /// Decodes this as a `T` and asks that what makes no sense, and what is wrong with the files that it names.
    ///
    /// # Errors
    /// As [`Value::decode`]; where that has none, every value that makes no sense, at its place.
    pub fn checked<T: DeserializeOwned + Check>(&self, files: &Files<'_>) -> Result<T, Errors> {
        let decoded: T = self.decode()?;
        let mut errors = Errors::new();
        let mut wrongs = decoded.wrongs();
        for wrong in decoded.wrongs_in(files) {
            // What is wrong without a look at files is not told twice.
            if wrongs.iter().all(|told| told.key != wrong.key) {
                wrongs.push(wrong);
            }
        }
        for Wrong { key, message } in wrongs {
            errors.push(self.problem_at(&key.split('.').collect::<Vec<_>>(), message));
        }
        errors.or(decoded)
    }

    /// A text that is the same for the same content, wherever it was written and in whichever order. It has the secrets.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        canonical::write(&self.node, &mut text);
        text
    }

    /// This as a YAML document.
    pub fn to_yaml(&self, mode: Mode) -> String {
        print::to_yaml(&self.node, mode)
    }

    /// A problem with this value as a whole.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(&self.node.at, &*self.path, message)
    }

    /// A problem with what these keys lead to, or with the last of them that is there.
    pub fn problem_at(&self, keys: &[&str], message: impl Into<String>) -> Problem {
        let (mut node, mut path) = (&*self.node, self.path.to_string());
        for key in keys {
            path = join_key(&path, key);
            node = node.get(key).unwrap_or(node);
        }
        Problem::new(&node.at, path, message)
    }

    /// A problem with what a key such as `actions[2].pattern` leads to, or with the last step to it that is there.
    pub fn problem_under(&self, key: &str, message: impl Into<String>) -> Problem {
        let (mut node, mut path) = (&*self.node, self.path.to_string());
        for step in key.split('.') {
            let (name, indices) = step.split_at(step.find('[').unwrap_or(step.len()));
            path = join_key(&path, name);
            node = node.get(name).unwrap_or(node);
            for index in indices.split(['[', ']']).filter_map(|index| index.parse().ok()) {
                path = join_index(&path, index);
                node = node.item(index).unwrap_or(node);
            }
        }
        Problem::new(&node.at, path, message)
    }

    /// The value at `key`, where this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<Value> {
        let node = self.node.get(key)?.clone();
        Some(Value::new(node, join_key(&self.path, key)))
    }

    /// The values of a list, where this is one.
    pub fn items(&self) -> Vec<Value> {
        let items = (0..).map_while(|index| Some((index, self.node.item(index)?.clone())));
        items.map(|(index, node)| Value::new(node, join_index(&self.path, index))).collect()
    }

    pub fn position(&self) -> &Position {
        &self.node.at
    }

    /// The keys that lead here.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether nothing was written here.
    pub fn is_null(&self) -> bool {
        self.node.is_null()
    }
}

pub(crate) fn join_key(path: &str, key: &str) -> String {
    let simple = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/'));
    match (simple, path.is_empty()) {
        (true, true) => key.to_owned(),
        (true, false) => format!("{path}.{key}"),
        (false, _) => format!("{path}[{key:?}]"),
    }
}

pub(crate) fn join_index(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}
