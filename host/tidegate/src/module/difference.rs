//! A difference is one place at which two outcomes are not the same, and what stands there in each.
//!
//! Outcomes are compared as OTLP and not as text: an absent field is one with its default value, an attribute is found by its
//! key, and rows that were dropped or added do not make all rows behind them differ. The order of rows and attributes counts.

mod align;
mod show;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};

use anstyle::Style;
use anyhow::Context;
use host_otlp::{Payload, json};
use host_wasm::Part;
use serde_json::Value;

use super::told;

/// What became of a batch, by the route that it takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome(BTreeMap<Option<String>, Value>);

/// One place that is not the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    place: String,
    change: Change,
}

/// How it is not.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    Changed {
        old: String,
        new: String,
    },
    Added(String),
    Removed(String),
    /// The same keys in another order.
    Reordered {
        old: String,
        new: String,
    },
}

impl Outcome {
    /// The outcome of a module that does nothing with a batch, or of none at all.
    ///
    /// # Errors
    /// Values are nested so deep that no reader of JSON takes them.
    pub(super) fn unchanged(payload: &Payload) -> anyhow::Result<Self> {
        Ok(Outcome([(None, tree(payload)?)].into()))
    }

    /// # Errors
    /// As [`Outcome::unchanged`].
    pub(super) fn of(parts: &[Part]) -> anyhow::Result<Self> {
        let parts = parts.iter().map(|part| (part.route.clone(), &part.payload));
        Self::by_route(parts)
    }

    /// # Errors
    /// As [`Outcome::unchanged`].
    pub(super) fn by_route<'p>(parts: impl IntoIterator<Item = (Option<String>, &'p Payload)>) -> anyhow::Result<Self> {
        let mut routes = BTreeMap::new();
        for (route, payload) in parts {
            routes.insert(route, tree(payload)?);
        }
        // What is left of a batch of which nothing is left is no outcome.
        routes.retain(|_, tree| tree.as_object().is_none_or(|fields| !fields.is_empty()));
        Ok(Outcome(routes))
    }

    /// What is another way in `other`, in the order of the batch.
    pub(super) fn differences(&self, other: &Outcome) -> Vec<Difference> {
        let nothing = Value::Object(serde_json::Map::new());
        let routes: BTreeSet<&Option<String>> = self.0.keys().chain(other.0.keys()).collect();
        let of = |outcome: &'_ Outcome, route| outcome.0.get(route).cloned().unwrap_or_else(|| nothing.clone());
        routes
            .into_iter()
            .flat_map(|route| walk::between(route.as_deref(), &of(self, route), &of(other, route)))
            .collect()
    }
}

fn tree(payload: &Payload) -> anyhow::Result<Value> {
    let mut text = Vec::new();
    json::write(payload, &mut text);
    let mut tree = serde_json::from_slice(&text).context("the telemetry is nested too deep to be compared")?;
    walk::forget_defaults(&mut tree);
    Ok(tree)
}

impl Difference {
    /// Writes a line, with colours where they are wanted.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let style = match &self.change {
            Change::Changed { .. } | Change::Reordered { .. } => Style::new(),
            Change::Added(_) => told::GOOD,
            Change::Removed(_) => told::BAD,
        };
        match &self.change {
            Change::Changed { old, new } => {
                let (bad, good) = (told::BAD, told::GOOD);
                writeln!(out, "{}: {bad}{old}{bad:#} → {good}{new}{good:#}", self.place)
            }
            _ => writeln!(out, "{style}{self}{style:#}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match &self.change {
            Change::Changed { old, new } => write!(f, "{place}: {old} → {new}"),
            Change::Added(new) => write!(f, "+ {place}: {new}"),
            Change::Removed(old) => write!(f, "- {place}: {old}"),
            Change::Reordered { old, new } => write!(f, "{place}: in the order {old} → {new}"),
        }
    }
}

#[cfg(test)]
mod tests;
