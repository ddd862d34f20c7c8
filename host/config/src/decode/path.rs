//! The keys that lead to a node, linked from the inside out so that walking costs nothing.

use crate::value::{join_index, join_key};

/// A path on the stack.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    Root(&'a str),
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(super) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    pub(super) fn render(&self) -> String {
        match self {
            Path::Root(root) => (*root).to_owned(),
            Path::Key(parent, key) => join_key(&parent.render(), key),
            Path::Index(parent, index) => join_index(&parent.render(), *index),
        }
    }
}
