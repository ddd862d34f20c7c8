//! The attributes processor: actions on the attributes of log records, spans and data points, under the Collector's keys.

use sdk_collector::actions::{self, ActionConfig, Actions};
use sdk_collector::matching::{MatchConfig, Matcher, Properties};
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, Signal};

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    include: Option<Properties>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude: Option<Properties>,
    actions: Vec<ActionConfig>,
}

/// The keys of request metadata that a configuration looks at, in lower case.
pub fn request_keys(config: &Config) -> Vec<String> {
    actions::request_keys(&config.actions)
}

/// The actions, and what they are for.
pub struct Attributes {
    actions: Actions,
    matcher: Matcher,
}

impl Processor for Attributes {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let Config { include, exclude, actions } = config;
        let map = match signal {
            Signal::Logs => "log.attributes",
            Signal::Traces => "span.attributes",
            Signal::Metrics => "datapoint.attributes",
        };
        let mut plan = Plan::new();
        let matcher = Matcher::new(MatchConfig { include, exclude }, signal, &mut plan)?;
        let actions = Actions::new("actions", actions, map, Level::Item, &mut plan)?;
        Ok((Attributes { actions, matcher }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        match self.matcher.skipped(batch) {
            Some(skipped) => self.actions.apply(context, batch, &skipped, edits),
            None => self.actions.apply(context, batch, &actions::None, edits),
        }
        Ok(())
    }
}

tidegate_sdk::export!(Attributes);

#[cfg(test)]
mod tests;
