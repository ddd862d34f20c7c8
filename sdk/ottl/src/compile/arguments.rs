//! What a call is given: by parameter, and as what it has to be.

use regex_lite::Regex;
use sdk_collector::pattern::Pattern;

use crate::lex::Fault;
use crate::syntax::{Argument, Call, Node};

/// Stands for an argument of which `given` has seen that it is there.
static NIL: Node = Node::Nil;

pub(super) fn required(node: Option<&Node>) -> &Node {
    node.unwrap_or(&NIL)
}

/// The arguments of a call by parameter.
pub(super) fn given<'n, const N: usize>(
    call: &'n Call,
    parameters: [&str; N],
    required: usize,
) -> Result<[Option<&'n Node>; N], Fault> {
    let mut found = [None; N];
    for (slot, argument) in found.iter_mut().zip(ordered(call, &parameters, required)?) {
        *slot = argument;
    }
    Ok(found)
}

/// The arguments of a call in the order of the parameters.
pub(super) fn ordered<'n>(
    call: &'n Call,
    parameters: &[&str],
    required: usize,
) -> Result<Vec<Option<&'n Node>>, Fault> {
    let refuse = |problem: &[&str]| Err(Fault::new(call.at, ["`", &call.name, "` ", &problem.concat()].concat()));
    let mut found = vec![None; parameters.len()];
    let mut is_named = false;
    for (at, Argument { name, value }) in call.arguments.iter().enumerate() {
        let at = match name {
            Some(name) => {
                is_named = true;
                // The Collector's names are in snake case, and those of Go are taken, too.
                let same = |parameter: &&str| parameter.replace('_', "").eq_ignore_ascii_case(&name.replace('_', ""));
                match parameters.iter().position(same) {
                    Some(at) => at,
                    None => return refuse(&["has no argument `", name, "`; it has ", &parameters.join(", ")]),
                }
            }
            None if is_named => return refuse(&["has an argument without a name after one with a name"]),
            None => at,
        };
        match found.get_mut(at) {
            Some(slot @ None) => *slot = Some(value),
            Some(Some(_)) => return refuse(&["is given `", parameters[at], "` twice"]),
            None => return refuse(&["takes ", &parameters.len().to_string(), " arguments at most"]),
        }
    }
    match found[..required].iter().position(Option::is_none) {
        Some(at) => refuse(&["needs the argument `", parameters[at], "`"]),
        None => Ok(found),
    }
}

pub(super) fn regex(pattern: &Pattern, at: usize) -> Result<Regex, Fault> {
    pattern.own_regex().cloned().map_err(|error| Fault::new(at, ["the pattern ", error.problem()].concat()))
}

pub(super) fn literal(at: usize, node: &Node) -> Result<String, Fault> {
    match node {
        Node::Text(text) => Ok(text.clone()),
        _ => Err(Fault::new(at, "a pattern, mode, marker, format or strategy is a text in quotes")),
    }
}

pub(super) fn texts(at: usize, node: &Node) -> Result<Vec<String>, Fault> {
    match node {
        Node::List(items) => items.iter().map(|item| literal(at, item)).collect(),
        _ => Err(Fault::new(at, "the keys are a list of texts")),
    }
}

pub(super) fn size(at: usize, node: &Node) -> Result<usize, Fault> {
    let size = match node {
        Node::Int(int) => usize::try_from(*int).ok(),
        _ => None,
    };
    size.ok_or_else(|| Fault::new(at, "the limit is an integer of 0 or more"))
}

/// A glob as a pattern that has to match the whole text.
pub(super) fn glob(at: usize, node: &Node) -> Result<Regex, Fault> {
    let glob = literal(at, node)?;
    let mut source = String::from("(?s)^(?:");
    let mut alternatives = 0;
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => source.push_str(".*"),
            '?' => source.push('.'),
            '{' => {
                alternatives += 1;
                source.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                source.push(')');
            }
            ',' if alternatives > 0 => source.push('|'),
            '[' => {
                source.push('[');
                if chars.next_if_eq(&'!').is_some() {
                    source.push('^');
                }
            }
            ']' | '-' => source.push(c),
            '\\' => source.push_str(&regex_lite::escape(&chars.next().unwrap_or('\\').to_string())),
            c => source.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    source.push_str(")$");
    Regex::new(&source).map_err(|_| Fault::new(at, "the pattern is no glob such as `/api/*`"))
}
