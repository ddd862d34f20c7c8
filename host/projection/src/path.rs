//! A path names one field of a payload, or a set of them, in OTTL's syntax: `log.attributes["http.route"]`.
//!
//! Paths are what modules ask for and what operators grant; [`Path::covers`] is the question between the two.

mod fields;
mod parse;

use std::fmt;

use host_otlp::Signal;

use crate::batch::Level;

pub use fields::{Class, Context, Field};
pub use parse::{PathError, PathFault};

/// Which of the values at or under a field a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// The value itself.
    Exact,
    /// `[*]`: each scalar value of the map.
    Values,
    /// `[**]`: every text, byte string and map key, however deep.
    Deep,
}

/// A parsed path.
#[derive(Clone, Debug)]
pub struct Path {
    context: &'static Context,
    field: &'static Field,
    keys: Vec<String>,
    reach: Reach,
}

impl Path {
    /// Parses `source`.
    ///
    /// # Errors
    /// Names the position and what would have been right there.
    pub fn parse(source: &str) -> Result<Path, PathError> {
        parse::parse(source)
    }

    pub fn context(&self) -> &'static Context {
        self.context
    }

    pub fn field(&self) -> &'static Field {
        self.field
    }

    /// The keys of the path's indices, outermost first.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    pub fn level(&self) -> Level {
        self.context.level
    }

    /// Whether a payload of `signal` has such a field.
    pub fn exists_in(&self, signal: Signal) -> bool {
        self.context.signal.is_none_or(|only| only == signal)
    }

    /// Whether whoever may touch `self` may touch `other`: the same field, or something beneath it.
    pub fn covers(&self, other: &Path) -> bool {
        if !std::ptr::eq(self.field, other.field) || !other.keys.starts_with(&self.keys) {
            return false;
        }
        let beneath = other.keys.len() - self.keys.len();
        match self.reach {
            Reach::Exact | Reach::Deep => true,
            Reach::Values => match other.reach {
                Reach::Exact => beneath == 1,
                Reach::Values => beneath == 0,
                Reach::Deep => false,
            },
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.context.name, self.field.name)?;
        for key in &self.keys {
            write!(f, "[{key:?}]")?;
        }
        match self.reach {
            Reach::Exact => Ok(()),
            Reach::Values => f.write_str("[*]"),
            Reach::Deep => f.write_str("[**]"),
        }
    }
}

#[cfg(test)]
mod tests;
