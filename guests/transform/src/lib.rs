//! The transform processor: statements in OTTL over each signal, under the Collector's keys.

use sdk_ottl::{Groups, Mode, Statements};
use serde::{Deserialize, Serialize};
use tidegate_sdk::{Any, Batch, Context, Edits, Error, Plan, Processor, Signal};

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    error_mode: Mode,
    trace_statements: Groups,
    metric_statements: Groups,
    log_statements: Groups,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_statements: Option<Any>,
    flatten_data: bool,
}

/// The statements of one signal.
pub struct Transform {
    statements: Option<Statements>,
}

impl Processor for Transform {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        if config.profile_statements.is_some() {
            return Err(Error::at("profile_statements", "profiles are not served; remove the key"));
        }
        if config.flatten_data {
            return Err(Error::at("flatten_data", "is not served; remove the key"));
        }
        let (key, groups) = match signal {
            Signal::Logs => ("log_statements", config.log_statements),
            Signal::Traces => ("trace_statements", config.trace_statements),
            Signal::Metrics => ("metric_statements", config.metric_statements),
        };
        let mut plan = Plan::new();
        // A signal of which nothing is said passes as it is.
        let statements = (!groups.is_empty())
            .then(|| Statements::new(signal, key, groups, config.error_mode, &mut plan))
            .transpose()?;
        Ok((Transform { statements }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        match &self.statements {
            Some(statements) => statements.run(context, batch, edits),
            None => Ok(()),
        }
    }
}

tidegate_sdk::export!(Transform);

#[cfg(test)]
mod tests;
