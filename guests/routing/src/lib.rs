//! The routing processor: ordered rules over resource and item fields, that choose among a pipeline's routes.

mod config;

mod condition;

mod subject;

mod rules;

use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, RouteId, Signal};

use config::Config;
use rules::{Rule, Test};

/// The rules of a configuration, as far as they are about one signal.
pub struct Routing {
    rules: Vec<Rule>,
    /// What the rules ask of single cells, each once.
    tests: Vec<Test>,
    default: Option<RouteId>,
    /// The innermost level that any rule looks at: rows of it are what is routed.
    level: Level,
}

impl Processor for Routing {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        if config.rules.is_empty() && config.default.is_none() {
            return Err(Error::at("rules", "there is none, and no `default` either, so that nothing is routed"));
        }
        let mut plan = Plan::new();
        let mut rules = Vec::new();
        let mut tests = Vec::new();
        for (at, rule) in config.rules.iter().enumerate() {
            rules.extend(Rule::new(at, rule, signal, &mut plan, &mut tests)?);
        }
        if config.default.as_deref() == Some("") {
            return Err(Error::at("default", "is empty; leave the key out for the pipeline's own exporters"));
        }
        let default = config.default.map(|name| plan.route(&name));
        let level = tests.iter().map(Test::level).max().unwrap_or(Level::Item);
        Ok((Routing { rules, tests, default, level }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let results: Vec<Vec<bool>> = self.tests.iter().map(|test| test.rows(batch)).collect();
        let mut above = Vec::with_capacity(self.tests.len());
        for test in &self.tests {
            above.push(batch.ancestors(self.level, test.level()));
        }
        let holds = |test: usize, row: u32| {
            let at = above[test].as_ref().and_then(|above| above.get(row as usize));
            at.is_some_and(|at| results[test].get(*at as usize).is_some_and(|holds| *holds))
        };
        for row in 0..batch.count(self.level) {
            let rule = self.rules.iter().find(|rule| rule.tests.iter().all(|test| holds(*test, row)));
            if let Some(route) = rule.map(|rule| rule.route).or(self.default) {
                edits.route_rows(self.level, row..row + 1, route);
            }
        }
        Ok(())
    }
}

tidegate_sdk::export!(Routing);

#[cfg(test)]
mod tests;
