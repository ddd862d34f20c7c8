//! A configuration as YAML again: merged, with references replaced, and without its secrets unless they are asked for.

mod secret;

use saphyr::{Mapping, Scalar, ScalarStyle, Yaml, YamlEmitter};

use self::secret::Veil;
use crate::node::{Data, Node, plain};

/// What stands in place of a secret, as in the Collector.
pub(crate) const REDACTED: &str = "[REDACTED]";

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passwords, tokens, keys and headers are left out.
    Redacted,
    Unredacted,
}

/// `node` as a YAML document that reads as the same configuration, where nothing was left out.
pub(crate) fn to_yaml(node: &Node, mode: Mode) -> String {
    let veil = match mode {
        Mode::Redacted => Veil::default(),
        Mode::Unredacted => Veil::lifted(),
    };
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = YamlEmitter::new(&mut out).dump(&tree(node, veil));
    let document = out.strip_prefix("---\n").unwrap_or(&out);
    format!("{document}\n")
}

fn tree<'a>(node: &'a Node, veil: Veil<'a>) -> Yaml<'a> {
    if veil.hides_all_of(node) {
        return text(REDACTED.to_owned());
    }
    match &node.data {
        Data::Null | Data::Invalid(_) => Yaml::Value(Scalar::Null),
        Data::Sequence(list) => Yaml::Sequence(list.iter().map(|node| tree(node, veil)).collect()),
        Data::Mapping(entries) => {
            let entry = |(key, node): &'a (crate::node::Key, Node)| {
                (text(key.name.to_string()), tree(node, veil.below(&key.name)))
            };
            Yaml::Mapping(entries.iter().map(entry).collect::<Mapping<'_>>())
        }
        _ if veil.hides(node) => text(REDACTED.to_owned()),
        Data::Bool(_, written) | Data::Signed(_, written) | Data::Unsigned(_, written) | Data::Float(_, written) => {
            Yaml::Representation(written.as_ref().into(), ScalarStyle::Plain, None)
        }
        Data::Text(written) => text(escape(&veil.without_passwords(written))),
    }
}

/// A text, in quotes where it would be read as something else.
fn text<'a>(written: String) -> Yaml<'a> {
    match plain(&written) {
        Data::Text(_) => Yaml::Value(Scalar::String(written.into())),
        // No number or word of YAML has a sign in it that would have to be escaped.
        _ => Yaml::Representation(written.into(), ScalarStyle::DoubleQuoted, None),
    }
}

/// What was a `$` once references were replaced is to be one again.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && chars.peek().is_some_and(|next| matches!(next, '$' | '{')) {
            out.push('$');
        }
    }
    out
}
