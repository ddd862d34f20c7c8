//! The routing connector: chooses pipelines by conditions in OTTL, under the Collector's keys.

mod config;

mod request;

use sdk_ottl::{Conditions, Found};
use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, RouteId, Signal};

pub use config::{Config, request_keys};
use config::{Row, Test};

/// The table of one signal.
pub struct RoutingConnector {
    table: Vec<Row>,
    conditions: Conditions,
    /// Where what no row takes goes; without one it is dropped.
    default: Option<RouteId>,
    item: Level,
}

impl Processor for RoutingConnector {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        let mut conditions = Conditions::default();
        let (table, default) = config.compile(signal, &mut conditions, &mut plan)?;
        conditions.plan(&mut plan);
        if default.is_none() {
            plan.drop_rows();
        }
        // Rows are counted where something of them is read.
        plan.read(match signal {
            Signal::Logs => "log.flags",
            Signal::Traces => "span.flags",
            Signal::Metrics => "datapoint.flags",
        });
        Ok((RoutingConnector { table, conditions, default, item: Level::Item }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let found = self.conditions.find_each(context, batch)?;
        let items = batch.count(self.item);
        // By item, the row of the table that takes it.
        let mut taken: Vec<Option<usize>> = vec![None; items as usize];
        for (number, row) in self.table.iter().enumerate() {
            match &row.test {
                Test::Request(request) => {
                    if request.holds(context) {
                        taken.iter_mut().for_each(|taken| *taken = taken.or(Some(number)));
                    }
                }
                Test::Rows(condition) => self.take(batch, &found[*condition], number, &mut taken),
            }
        }
        for (item, taken) in (0..).zip(&taken) {
            match taken.map(|number| self.table[number].route).or(self.default) {
                Some(route) => edits.route_rows(self.item, item..item + 1, route),
                None => edits.drop_rows(self.item, item..item + 1),
            }
        }
        Ok(())
    }
}

impl RoutingConnector {
    /// Gives a row of the table the items for which its condition holds, or something around them.
    fn take(&self, batch: &Batch<'_>, found: &Found, number: usize, taken: &mut [Option<usize>]) {
        let Some(ancestors) = batch.ancestors(self.item, found.context.level()) else { return };
        for (taken, above) in taken.iter_mut().zip(ancestors) {
            let holds = found.rows.get(above as usize).copied().unwrap_or_default();
            if taken.is_none() && holds {
                *taken = Some(number);
            }
        }
    }
}

tidegate_sdk::export!(RoutingConnector);

#[cfg(test)]
mod tests;
