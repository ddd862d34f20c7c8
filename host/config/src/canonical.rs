//! The canonical text of a value: one for each content, wherever and in whichever order its keys were written.

use std::fmt::Write as _;

use crate::node::{Data, Key, Node};

/// Two nodes mean the same to every component if their canonical texts are equal.
pub(crate) fn write(node: &Node, out: &mut String) {
    // Where text is wanted, what a reference gave means something else than the list or mapping that it was read as.
    if let (Some(original), Data::Sequence(_) | Data::Mapping(_)) = (&node.original, &node.data) {
        out.push('@');
        quote(original, out);
    }
    match &node.data {
        Data::Null => out.push('~'),
        // Not by value: `010` is a number in one place, and three letters in another.
        Data::Bool(_, text) | Data::Signed(_, text) | Data::Unsigned(_, text) | Data::Float(_, text) => {
            out.push_str(text);
        }
        Data::Text(text) => quote(text, out),
        Data::Invalid(message) => {
            out.push('!');
            quote(message, out);
        }
        Data::Sequence(list) => {
            out.push('[');
            for node in list {
                write(node, out);
                out.push(',');
            }
            out.push(']');
        }
        Data::Mapping(entries) => {
            let mut sorted: Vec<&(Key, Node)> = entries.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
            out.push('{');
            for (key, node) in sorted {
                quote(&key.name, out);
                out.push(':');
                write(node, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn quote(text: &str, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{text:?}");
}
