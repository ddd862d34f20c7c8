//! A pattern in Go's syntax, made into one that means the same here.

use regex::{Regex, RegexBuilder};
use sdk_patterns::from_go_for_host;

/// How large a compiled pattern may be.
const SIZE: usize = 1 << 20;

/// A pattern that matches the whole of a text.
pub(crate) fn anchored(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(&format!("^(?s:{})$", from_go_for_host(pattern))).size_limit(SIZE).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(most) => format!("{pattern:?} takes more than {most} bytes when it is compiled"),
        _ => format!("{pattern:?} is no pattern: {}", last_line(&error)),
    })
}

/// The line of an error that says what is wrong: those before it draw the pattern.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}
