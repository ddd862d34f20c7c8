//! Which items a processor works on: those that `include` takes and `exclude` leaves.
//!
//! The host looks for what can be told by a pattern, so that a row passes where a cell of it has crossed over. What it
//! cannot tell, such as whether a name is empty, is looked at here.

mod condition;

mod config;

mod text;

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Batch, Error, Level, Plan, Signal};

use condition::Condition;
pub use config::Properties;

use crate::actions::Skip;

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatchConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include: Option<Properties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Properties>,
}

/// The conditions of one processor.
pub struct Matcher {
    include: Option<Vec<Condition>>,
    exclude: Option<Vec<Condition>>,
}

/// By row, whether it is left as it is.
pub struct Skipped(Vec<bool>);

impl Skip for Skipped {
    fn skips(&self, row: u32) -> bool {
        self.0.get(row as usize).copied().unwrap_or_default()
    }
}

impl Matcher {
    /// Takes the conditions for a signal.
    ///
    /// # Errors
    /// A property that the signal has not, or a value that makes no sense, by its key.
    pub fn new(config: MatchConfig, signal: Signal, plan: &mut Plan) -> Result<Matcher, Error> {
        let MatchConfig { include, exclude } = config;
        let mut conditions = |key, properties: Option<Properties>| {
            properties.map(|properties| config::conditions(key, properties, signal, plan)).transpose()
        };
        Ok(Matcher { include: conditions("include", include)?, exclude: conditions("exclude", exclude)? })
    }

    /// The items of a batch that are left as they are; nothing where there are no conditions.
    pub fn skipped(&self, batch: &Batch<'_>) -> Option<Skipped> {
        if self.include.is_none() && self.exclude.is_none() {
            return None;
        }
        let items = batch.count(Level::Item) as usize;
        let mut skipped = vec![false; items];
        if let Some(include) = &self.include {
            let included = condition::all(include, batch, items);
            skipped.iter_mut().zip(included).for_each(|(skipped, included)| *skipped |= !included);
        }
        if let Some(exclude) = &self.exclude {
            let excluded = condition::all(exclude, batch, items);
            skipped.iter_mut().zip(excluded).for_each(|(skipped, excluded)| *skipped |= excluded);
        }
        Some(Skipped(skipped))
    }
}
