//! Actions change the attributes of a row one after the other, as the Collector's `attributes` and `resource` do.
//!
//! Where an action depends on nothing that a row has, all rows get one edit. The keys of the others are read, each row is
//! gone through in its little table, and what has changed in it becomes one edit a key.

mod config;

mod constant;

mod fixed;

mod rows;

mod simulate;

mod value;

#[cfg(test)]
mod tests;

use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan};

use config::Action;
pub use config::{ActionConfig, request_keys};
use fixed::Fixed;
use rows::Rows;

/// The actions of one processor, for one map of attributes.
pub struct Actions {
    list: Vec<Action>,
    level: Level,
    fixed: Fixed,
    rows: Option<Rows>,
}

/// Which rows are left as they are.
pub trait Skip {
    /// Whether this row is one of them.
    fn skips(&self, row: u32) -> bool;
}

/// No row is left as it is.
pub struct None;

impl Skip for None {
    fn skips(&self, _: u32) -> bool {
        false
    }
}

impl Actions {
    /// Takes the actions that stand under `key` in the configuration, for the attributes at `map`, such as
    /// `resource.attributes`, whose rows are at `level`.
    ///
    /// # Errors
    /// An action that makes no sense, by its key.
    pub fn new(key: &str, configs: Vec<ActionConfig>, map: &str, level: Level, plan: &mut Plan) -> Result<Self, Error> {
        if configs.is_empty() {
            return Err(Error::at(key, "there is none, so that nothing would be done; name at least one action"));
        }
        let list = config::actions(key, configs)?;
        let dynamic = config::dynamic(&list);
        let fixed = Fixed::new(&list, &dynamic, map, plan);
        let rows = Rows::new(&list, &dynamic, map, plan)?;
        Ok(Actions { list, level, fixed, rows })
    }

    /// Changes the rows of a batch that are not skipped.
    pub fn apply(&self, context: &Context, batch: &Batch<'_>, skip: &impl Skip, edits: &mut Edits) {
        let count = batch.count(self.level);
        self.fixed.apply(&self.list, context, count, skip, edits);
        if let Some(rows) = &self.rows {
            rows.apply(&self.list, context, batch, count, skip, edits);
        }
    }
}
