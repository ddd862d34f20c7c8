//! The parser of paths: one pass, and errors that say what would have been right.

use super::fields::{CONTEXTS, Class, Context};
use super::{Path, Reach};

/// Why a path was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path `{path}`, at byte {at}: {fault}")]
pub struct PathError {
    pub path: String,
    pub at: usize,
    pub fault: PathFault,
}

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    #[error("there is no context `{found}`; there are {known}")]
    Context { found: String, known: String },
    #[error("a field must follow `{context}.`; there are {known}")]
    Field { context: &'static str, known: String },
    #[error("`{context}` has no field `{found}`; there are {known}")]
    UnknownField { context: &'static str, found: String, known: String },
    #[error("`{field}` is no map, so it has no `[`")]
    Index { field: &'static str },
    #[error("`{field}` has no keys; all of its texts are `{field}[**]`")]
    Keys { field: &'static str },
    #[error("an index is `[\"key\"]`, `[*]` or `[**]`")]
    Syntax,
    #[error("nothing may follow `[*]` or `[**]`")]
    Trailing,
    #[error("there are more than {0} indices")]
    Depth(usize),
}

/// Indices that a path may have.
const DEPTH: usize = 16;

pub(super) fn parse(source: &str) -> Result<Path, PathError> {
    let fail = |at: usize, fault: PathFault| PathError { path: source.chars().take(200).collect(), at, fault };
    let name_end = source.find(['.', '[']).unwrap_or(source.len());
    let name = &source[..name_end];
    let Some(context) = Context::named(name) else {
        let fault =
            PathFault::Context { found: name.chars().take(64).collect(), known: list(CONTEXTS.iter().map(|c| c.name)) };
        return Err(fail(0, fault));
    };
    let known = || list(context.fields.iter().map(|field| field.name));
    let Some(rest) = source[name_end..].strip_prefix('.') else {
        return Err(fail(name_end, PathFault::Field { context: context.name, known: known() }));
    };
    let field_end = rest.find('[').unwrap_or(rest.len());
    let found = &rest[..field_end];
    let Some(field) = context.field(found) else {
        let found = found.chars().take(64).collect();
        return Err(fail(name_end + 1, PathFault::UnknownField { context: context.name, found, known: known() }));
    };
    let mut at = name_end + 1 + field_end;
    if at < source.len() && !matches!(field.class, Class::Map | Class::Any | Class::Texts) {
        return Err(fail(at, PathFault::Index { field: field.name }));
    }
    let mut path = Path { context, field, keys: Vec::new(), reach: Reach::Exact };
    while at < source.len() {
        if path.reach != Reach::Exact {
            return Err(fail(at, PathFault::Trailing));
        }
        if path.keys.len() == DEPTH {
            return Err(fail(at, PathFault::Depth(DEPTH)));
        }
        let (index, len) = index(&source[at..]).ok_or_else(|| fail(at, PathFault::Syntax))?;
        if field.class == Class::Texts && !matches!(index, Index::Deep) {
            return Err(fail(at, PathFault::Keys { field: field.name }));
        }
        match index {
            Index::Key(key) => path.keys.push(key),
            Index::Values => path.reach = Reach::Values,
            Index::Deep => path.reach = Reach::Deep,
        }
        at += len;
    }
    Ok(path)
}

enum Index {
    Key(String),
    Values,
    Deep,
}

/// Reads one index at the start of `source`; returns it with its length.
fn index(source: &str) -> Option<(Index, usize)> {
    for (text, index) in [("[*]", Index::Values), ("[**]", Index::Deep)] {
        if source.starts_with(text) {
            return Some((index, text.len()));
        }
    }
    let quoted = source.strip_prefix("[\"")?;
    let mut key = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let closed = quoted[at + 1..].starts_with(']');
                return closed.then_some((Index::Key(key), 2 + at + 2));
            }
            '\\' => match chars.next()?.1 {
                escaped @ ('"' | '\\') => key.push(escaped),
                'n' => key.push('\n'),
                't' => key.push('\t'),
                _ => return None,
            },
            c => key.push(c),
        }
    }
    None
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
