//! A language is one that there is an SDK for.

use std::fmt;
use std::str::FromStr;

/// The languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust, for `wasm32-unknown-unknown`.
    Rust,
    /// Python, by componentize-py.
    Python,
    /// JavaScript, on QuickJS.
    JavaScript,
    /// Go, by its own compiler.
    Go,
    /// C, by clang and wasi-libc.
    C,
}

impl Language {
    /// All of them, in the order in which they are told.
    pub const ALL: [Language; 5] = [Language::Rust, Language::Python, Language::JavaScript, Language::Go, Language::C];

    /// What a manifest and the command line call it.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Python => "python",
            Language::JavaScript => "javascript",
            Language::Go => "go",
            Language::C => "c",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(name: &str) -> Result<Language, String> {
        let found = Language::ALL.into_iter().find(|language| language.name() == name);
        found
            .ok_or_else(|| format!("there is no SDK for `{name}`; there is one for rust, python, javascript, go and c"))
    }
}
