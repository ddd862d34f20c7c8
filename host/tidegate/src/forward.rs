//! The `forward` connector joins pipelines of a signal: what ends in it goes to each pipeline that begins with it. All that it
//! does is done by the graph.

use schemars::JsonSchema;
use serde::Deserialize;

/// The section as written: there is nothing to say.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {}
