//! A batch as text: one line a row, for asserts that show before and after.

use std::fmt;

use super::build::{Row, TestBatch};
use super::path;
use crate::{Any, Level, Signal};

impl fmt::Display for TestBatch {
    /// Writes a line a row, indented by level: `  log body="…" attributes={…} -> route`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, row) in self.rows(Level::Origin).iter().enumerate() {
            self.show(f, Level::Origin, at, row, 0)?;
        }
        Ok(())
    }
}

impl TestBatch {
    fn show(&self, f: &mut fmt::Formatter<'_>, level: Level, at: usize, row: &Row, depth: usize) -> fmt::Result {
        if row.dropped {
            return Ok(());
        }
        write!(f, "{:depth$}{}", "", path::context(self.signal, level))?;
        for (name, value) in &row.fields {
            write!(f, " {name}={value}")?;
        }
        if let (Level::Item, Some(route)) = (level, &row.route) {
            write!(f, " -> {route}")?;
        }
        writeln!(f)?;
        let below: &[Level] = match (level, self.signal) {
            (Level::Origin, _) => &[Level::Scope],
            (Level::Scope, Signal::Metrics) => &[Level::Metric],
            (Level::Scope | Level::Metric, _) => &[Level::Item],
            (Level::Item, _) => &[Level::Event, Level::Link, Level::Exemplar],
            _ => &[],
        };
        for &level in below {
            for (under, row) in self.rows(level).iter().enumerate().filter(|(_, row)| row.parent == at) {
                self.show(f, level, under, row, depth + 2)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Any::Text(text) => write!(f, "{text:?}"),
            Any::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
            Any::Int(int) => write!(f, "{int}"),
            Any::Double(double) => write!(f, "{double:?}"),
            Any::Bool(truth) => write!(f, "{truth}"),
            Any::Empty => f.write_str("null"),
            Any::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Any::Map(entries) => {
                f.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}
