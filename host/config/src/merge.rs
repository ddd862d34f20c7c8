//! Merging makes one configuration of several, in the Collector's way: mappings are joined, everything else is replaced
//! by what comes later, a value of nothing included.

use std::collections::BTreeMap;

use crate::node::{Data, Key, Node};

/// What divides keys that stand in one, as in `exporters::debug::verbosity`.
const DELIMITER: &str = "::";

/// Keys that one may hold: beyond that it is a mistake, and would nest deeper than anything else may.
pub(crate) const MAX_KEYS: usize = 32;

/// `base` with what `over` says in addition or instead. Each value keeps the place where it was written.
pub(crate) fn merge(base: Node, over: Node) -> Node {
    match (base, over) {
        (Node { at, data: Data::Mapping(entries), original: None }, Node { data: Data::Mapping(more), .. }) => {
            Node::new(at, Data::Mapping(join(entries, more)))
        }
        (_, over) => over,
    }
}

fn join(mut entries: Vec<(Key, Node)>, more: impl IntoIterator<Item = (Key, Node)>) -> Vec<(Key, Node)> {
    let place = |(index, (key, _)): (usize, &(Key, Node))| (key.name.clone(), index);
    let mut places: BTreeMap<Box<str>, usize> = entries.iter().enumerate().map(place).collect();
    for (key, value) in more {
        if let Some(index) = places.get(&key.name) {
            let there = &mut entries[*index].1;
            let empty = Node::new(there.at.clone(), Data::Null);
            let base = std::mem::replace(there, empty);
            *there = merge(base, value);
        } else {
            places.insert(key.name.clone(), entries.len());
            entries.push((key, value));
        }
    }
    entries
}

/// The document with its outermost keys taken apart: `a::b: c` means `a: { b: c }`.
pub(crate) fn unflatten(root: Node) -> Node {
    let is_flat = |(key, _): &(Key, Node)| key.name.contains(DELIMITER);
    match root.data {
        Data::Mapping(entries) if entries.iter().any(is_flat) => {
            let entries = join(Vec::new(), entries.into_iter().map(nest));
            Node { data: Data::Mapping(entries), ..root }
        }
        data => Node { data, ..root },
    }
}

fn nest((key, value): (Key, Node)) -> (Key, Node) {
    let names: Vec<&str> = key.name.split(DELIMITER).collect();
    let (first, inner) = match names.split_first() {
        Some((first, inner)) if names.len() <= MAX_KEYS => (*first, inner),
        _ => return (key, value),
    };
    let value = inner.iter().rev().fold(value, |value, name| {
        let inner = Key { name: (*name).into(), at: key.at.clone() };
        Node::new(key.at.clone(), Data::Mapping(vec![(inner, value)]))
    });
    (Key { name: first.into(), at: key.at.clone() }, value)
}
