//! Tests of what stands in `guest`: what a module makes of a section.

use host_config::Value;
use host_otlp::Signal;
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Batch, Context, Edits, Error, Plan, Processor};

use super::Guest;

/// A module that chooses among rows of pipelines.
struct Table;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    table: Vec<Vec<String>>,
}

impl Processor for Table {
    type Config = Rows;

    fn configure(_: tidegate_sdk::Signal, config: Rows) -> Result<(Self, Plan), Error> {
        if config.table.is_empty() {
            return Err(Error::at("table", "it has no row"));
        }
        let mut plan = Plan::new();
        for row in config.table {
            plan.route(&row.join(", "));
        }
        Ok((Table, plan))
    }

    fn process(&mut self, _: &Context, _: &Batch<'_>, _: &mut Edits) -> Result<(), Error> {
        Ok(())
    }
}

#[test]
fn the_routes_of_a_connector_are_those_of_the_plan_that_its_module_makes_of_the_section() {
    let guest = Guest::of::<Table>("table");
    let routes = |yaml: &str| guest.routes(Signal::Logs, &Value::parse("x.yaml", yaml).unwrap());
    assert_eq!(routes("{ table: [[logs/a, logs/b], [logs/b], [logs/a, logs/b]] }"), ["logs/a, logs/b", "logs/b"]);
    for wrong in ["{ table: [] }", "{ tabel: [[logs/a]] }"] {
        assert_eq!(routes(wrong), [""; 0], "what is wrong is told elsewhere");
    }
}
