//! `tidegate components`: what this binary can be configured with.

use std::io::{self, Write};

use host_component::{Kind, Signal};
use serde_json::json;

use crate::bundled;
use crate::catalog::{Entry, entries};

/// Prints the list, one component a line.
///
/// # Errors
/// When standard output is gone.
pub(crate) fn print(as_json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match as_json {
        true => writeln!(out, "{:#}", as_value())?,
        false => out.write_all(as_text().as_bytes())?,
    }
    Ok(())
}

pub(crate) fn as_text() -> String {
    let mut text = String::new();
    for entry in entries() {
        let aliases = match entry.aliases {
            [] => String::new(),
            aliases => format!("  also: {}", aliases.join(", ")),
        };
        let signals = signals(entry).join(",");
        let line = format!("{:<10} {:<21} {signals:<22}{aliases}", entry.kind.name(), entry.r#type);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    for module in bundled::MODULES {
        text.push_str(&format!("module     {}\n", module.name));
    }
    text
}

fn as_value() -> serde_json::Value {
    let components: Vec<_> = entries()
        .map(|entry| {
            json!({
                "kind": entry.kind.name(),
                "type": entry.r#type,
                "aliases": entry.aliases,
                "signals": signals(entry),
            })
        })
        .collect();
    let modules: Vec<_> =
        bundled::MODULES.iter().map(|module| json!({ "name": module.name, "embedded": module.is_there() })).collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "components": components, "modules": modules })
}

fn signals(entry: &Entry) -> Vec<&'static str> {
    match entry.kind {
        Kind::Extension => Vec::new(),
        _ => entry.signals.iter().copied().map(Signal::name).collect(),
    }
}
