//! What the tools tell beside their results, on standard error and in cargo's manner.

use std::io::Write as _;

use anstyle::{AnsiColor, Effects, Style};

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const HEAD: Style = Style::new().effects(Effects::BOLD);
const STATUS: Style = GOOD.effects(Effects::BOLD);
const ERROR: Style = BAD.effects(Effects::BOLD);
const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);

/// Says what is being done, or was.
pub(super) fn status(word: &str, what: &str) {
    // Where standard error is gone, nobody is there to be told that.
    let _ = writeln!(anstream::stderr(), "{STATUS}{word:>12}{STATUS:#} {what}");
}

/// Says what was passed over.
pub(super) fn warning(what: &str) {
    let _ = writeln!(anstream::stderr(), "{WARNING}warning{WARNING:#}{HEAD}:{HEAD:#} {what}");
}

/// Says why nothing came of it, and what that came from.
pub(super) fn error(error: &anyhow::Error) {
    let mut err = anstream::stderr();
    let _ = writeln!(err, "{ERROR}error{ERROR:#}{HEAD}:{HEAD:#} {}", plain(&error.to_string()));
    let causes = causes(error);
    if !causes.is_empty() {
        let _ = writeln!(err, "\nCaused by:\n{causes}");
    }
}

/// The causes of an error, indented, a line each at least; what the one before has told already is left out.
pub(super) fn causes(error: &anyhow::Error) -> String {
    let mut before = error.to_string();
    let mut lines = Vec::new();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !before.ends_with(&cause) {
            lines.extend(cause.lines().map(|line| format!("  {}", plain(line))));
        }
        before = cause;
    }
    lines.join("\n")
}

/// A stranger's words on one line, without what would turn a terminal's head.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => plain.extend(c.escape_default()),
            false => plain.push(c),
        }
    }
    plain
}
