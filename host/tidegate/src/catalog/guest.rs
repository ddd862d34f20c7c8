//! A guest of the catalog: a processor or connector of the Collector's that runs as a bundled module.
//!
//! Its section is the module's configuration. The module's own code reads it here, natively, so that what is wrong is told
//! with its place before anything is built; it is in the sandbox that it meets data.

use host_config::{Errors, Problem, Value};
use host_otlp::Signal;
use host_projection::{Cells, Grants, Limits, Plan, PlanError, Projector, Read};
use serde::Serialize;
use tidegate_sdk::bindings::tidegate::processor::types;
use tidegate_sdk::{Error, Processor};

/// A bundled module behind one of the Collector's types.
pub(crate) struct Guest {
    /// The module's name.
    pub(crate) module: &'static str,
    keys: fn(&Value) -> Vec<String>,
    /// Pages with a list of what is another way in the Collector.
    pages: &'static [&'static str],
    json: fn(&Value) -> Result<serde_json::Value, Errors>,
    plan: fn(&Value, types::Signal) -> Option<Result<types::Plan, Error>>,
}

impl Guest {
    pub(super) const fn of<P>(module: &'static str) -> Guest
    where
        P: Processor,
        P::Config: Serialize,
    {
        Guest { module, keys: |_| Vec::new(), pages: &[], json: json::<P>, plan: plan::<P> }
    }

    /// The same, for a module that looks at request metadata.
    pub(super) const fn reading(self, keys: fn(&Value) -> Vec<String>) -> Guest {
        Guest { keys, ..self }
    }

    /// The same, with pages that list what is another way in the Collector.
    pub(super) const fn documented(self, pages: &'static [&'static str]) -> Guest {
        Guest { pages, ..self }
    }

    /// What is another way in the Collector, a sentence or two each.
    pub(crate) fn differences(&self) -> Vec<String> {
        self.pages.iter().flat_map(|page| listed(page)).collect()
    }

    /// The keys of request metadata that its section looks at, in lower case.
    pub(crate) fn request_keys(&self, section: &Value) -> Vec<String> {
        (self.keys)(section)
    }

    /// The section as the module gets it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn config(&self, section: &Value) -> Result<serde_json::Value, Errors> {
        (self.json)(section)
    }

    /// The names of the routes among which the module chooses; none where its section is not in order, which is told elsewhere.
    pub(super) fn routes(&self, signal: Signal, section: &Value) -> Vec<String> {
        match (self.plan)(section, guest_signal(signal)) {
            Some(Ok(plan)) => plan.routes,
            _ => Vec::new(),
        }
    }

    /// What the module would say of its section in a pipeline of this signal, or the host of what it would ask for.
    pub(super) fn problem_in(&self, signal: Signal, section: &Value) -> Option<Problem> {
        let plan = match (self.plan)(section, guest_signal(signal))? {
            Ok(plan) => host_plan(plan),
            Err(error) => {
                return Some(match error.key() {
                    Some(key) => section.problem_under(key, error.problem()),
                    None => section.problem(error.problem()),
                });
            }
        };
        let everything = || vec!["*".to_owned()];
        let grants = Grants { reads: everything(), writes: everything() };
        match Projector::compile(signal, &plan, &grants, &Limits::default()) {
            Ok(_) => None,
            Err(PlanError::Pattern { name: Some(key), fault, .. }) => {
                Some(section.problem_under(&key, fault.of("the pattern")))
            }
            Err(error) => Some(section.problem(error.to_string())),
        }
    }
}

/// The items of the list under the heading of differences.
fn listed(page: &str) -> Vec<String> {
    let mut lines = page.lines().skip_while(|line| *line != "## Differences from the Collector").skip(1);
    let mut items: Vec<String> = Vec::new();
    for line in lines.by_ref().take_while(|line| !line.starts_with('#')) {
        match (line.strip_prefix("- "), line.strip_prefix("  "), items.last_mut()) {
            (Some(item), ..) => items.push(item.to_owned()),
            (None, Some(more), Some(item)) => {
                item.push(' ');
                item.push_str(more);
            }
            _ => {}
        }
    }
    items
}

/// Text stays text, whatever it looks like: it is what the module's own type holds that is written as JSON.
fn json<P>(section: &Value) -> Result<serde_json::Value, Errors>
where
    P: Processor,
    P::Config: Serialize,
{
    let config: P::Config = section.decode()?;
    serde_json::to_value(config).map_err(|error| section.problem(error.to_string()).into())
}

/// The plan; nothing where the section does not even decode, which is told elsewhere.
fn plan<P: Processor>(section: &Value, signal: types::Signal) -> Option<Result<types::Plan, Error>> {
    let config = section.decode().ok()?;
    Some(P::configure(signal, config).map(|(_, plan)| plan.packed().clone()))
}

fn guest_signal(signal: Signal) -> types::Signal {
    match signal {
        Signal::Logs => types::Signal::Logs,
        Signal::Traces => types::Signal::Traces,
        Signal::Metrics => types::Signal::Metrics,
    }
}

fn host_plan(plan: types::Plan) -> Plan {
    let read = |read: types::Read| Read {
        path: read.path,
        patterns: read.patterns,
        names: read.names,
        cells: match read.cells {
            types::Cells::Scalars => Cells::Scalars,
            types::Cells::Printed => Cells::Printed,
            types::Cells::Whole => Cells::Whole,
            types::Cells::Composites => Cells::Composites,
        },
    };
    let types::Plan { reads, writes, routes, .. } = plan;
    Plan { reads: reads.into_iter().map(read).collect(), writes, routes, ..Plan::default() }
}

#[cfg(test)]
mod tests;
