//! A section is a node with the keys that lead to it, and the shapes that the document expects of one.

use super::Reference;
use crate::node::{Data, Key, Node};
use crate::problem::{Errors, Problem};
use crate::value::{Value, join_index, join_key};

/// A part of the document.
pub(super) struct Section<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
}

impl<'a> Section<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Section { node, path: String::new() }
    }

    pub(super) fn value(&self) -> Value {
        Value::new(self.node.clone(), self.path.clone())
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(&self.node.at, self.path.as_str(), message)
    }

    /// The entries of a mapping.
    pub(super) fn entries(&self, errors: &mut Errors) -> Vec<(&'a Key, Section<'a>)> {
        let Some(entries) = self.node.entries() else {
            errors.push(self.problem(self.node.mismatch("a mapping")));
            return Vec::new();
        };
        entries.iter().map(|(key, node)| (key, Section { node, path: join_key(&self.path, &key.name) })).collect()
    }

    /// The entries whose keys are among `keys`; others are errors.
    pub(super) fn known(&self, keys: &[&'static str], errors: &mut Errors) -> Vec<(&'static str, Section<'a>)> {
        let mut known = Vec::new();
        for (key, section) in self.entries(errors) {
            match keys.iter().find(|name| **name == &*key.name) {
                Some(name) => known.push((*name, section)),
                None => {
                    errors.push(Problem::unknown_key(&key.at, section.path, &key.name, keys.iter().copied()));
                }
            }
        }
        known
    }

    /// A list of component ids, each once.
    pub(super) fn references(&self, errors: &mut Errors) -> Vec<Reference> {
        let list: &[Node] = match &self.node.data {
            Data::Sequence(list) => list,
            Data::Null => &[],
            _ => {
                errors.push(self.problem(self.node.mismatch("a list of component ids")));
                &[]
            }
        };
        let mut references: Vec<Reference> = Vec::new();
        for (index, node) in list.iter().enumerate() {
            let path = join_index(&self.path, index);
            match (Section { node, path }).reference() {
                Ok(reference) => match references.iter().find(|other| other.id == reference.id) {
                    Some(first) => {
                        let message = format!("`{}` stands here twice, first in line {}", reference.id, first.at.line);
                        errors.push(Problem::new(&reference.at, reference.path, message));
                    }
                    None => references.push(reference),
                },
                Err(problem) => errors.push(problem),
            }
        }
        references
    }

    fn reference(&self) -> Result<Reference, Problem> {
        let Some(text) = self.node.text() else {
            return Err(self.problem(self.node.mismatch("a component id")));
        };
        match text.parse() {
            Ok(id) => Ok(Reference { id, at: self.node.at.clone(), path: self.path.clone() }),
            Err(error) => Err(self.problem(error.to_string())),
        }
    }

    /// Named lists of exporters.
    pub(super) fn routes(&self, errors: &mut Errors) -> Vec<(String, Vec<Reference>)> {
        let mut routes = Vec::new();
        for (key, section) in self.entries(errors) {
            let references = section.references(errors);
            if references.is_empty() {
                errors.push(section.problem(format!("the route `{}` needs at least one exporter", key.name)));
            }
            routes.push((key.name.to_string(), references));
        }
        routes
    }
}
