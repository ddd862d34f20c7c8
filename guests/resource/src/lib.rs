//! The resource processor: actions on the attributes of each resource, under the Collector's keys.

use sdk_collector::actions::{self, ActionConfig, Actions};
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, Signal};

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    attributes: Vec<ActionConfig>,
}

/// The keys of request metadata that a configuration looks at, in lower case.
pub fn request_keys(config: &Config) -> Vec<String> {
    actions::request_keys(&config.attributes)
}

/// The actions.
pub struct Resource {
    actions: Actions,
}

impl Processor for Resource {
    type Config = Config;

    fn configure(_: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        let actions = Actions::new("attributes", config.attributes, "resource.attributes", Level::Origin, &mut plan)?;
        Ok((Resource { actions }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        self.actions.apply(context, batch, &actions::None, edits);
        Ok(())
    }
}

tidegate_sdk::export!(Resource);

#[cfg(test)]
mod tests;
