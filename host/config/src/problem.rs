//! A problem is one thing that is wrong with a configuration, and where.

use std::fmt;
use std::sync::Arc;

use crate::nearest::hint;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub file: Arc<str>,
    /// Counted from 1, as editors do.
    pub line: usize,
    pub column: usize,
}

/// One thing that is wrong, or odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub file: Arc<str>,
    pub line: usize,
    pub column: usize,
    /// The keys that lead there, such as `receivers.otlp.protocols`; empty for the document itself.
    pub path: String,
    pub message: String,
    /// Whether it is a key that nobody here knows.
    unknown_key: bool,
}

/// A problem that does not keep a configuration from being used.
pub type Warning = Problem;

impl Problem {
    pub fn new(at: &Position, path: impl Into<String>, message: impl Into<String>) -> Self {
        Problem {
            file: Arc::clone(&at.file),
            line: at.line,
            column: at.column,
            path: path.into(),
            message: message.into(),
            unknown_key: false,
        }
    }

    /// A key that is not among the `known` ones.
    pub(crate) fn unknown_key<'a>(
        at: &Position,
        path: impl Into<String>,
        key: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let message = format!("unknown key `{key}`{}", hint(key, known));
        Problem { unknown_key: true, ..Problem::new(at, path, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration, one problem a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<Problem>);

impl Errors {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub fn extend(&mut self, other: Errors) {
        self.0.extend(other.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Says of each unknown key what to do instead, where `instead` knows that of its path.
    pub(crate) fn explain(&mut self, instead: impl Fn(&str) -> Option<&'static str>) {
        for problem in self.0.iter_mut().filter(|problem| problem.unknown_key) {
            if let Some(instead) = instead(&problem.path) {
                problem.message = format!("this key of the Collector's is not served: {instead}");
            }
        }
    }

    /// `value`, unless something is wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Errors> {
        if self.0.is_empty() { Ok(value) } else { Err(self.sorted()) }
    }

    /// In the order of the file, each problem once.
    pub(crate) fn sorted(mut self) -> Errors {
        self.0.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        self.0.dedup();
        self
    }
}

impl From<Problem> for Errors {
    fn from(problem: Problem) -> Self {
        Errors(vec![problem])
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
