//! How a record holds data.

use host_config::Wrong;
use schemars::JsonSchema;
use serde::Deserialize;

/// `encoding:` of a signal; the Collector's others are refused by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Encoding(String);

/// The form of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Proto,
    Json,
}

impl Default for Encoding {
    fn default() -> Self {
        Encoding("otlp_proto".to_owned())
    }
}

impl Encoding {
    pub fn new(name: impl Into<String>) -> Self {
        Encoding(name.into())
    }

    /// The form that it names; `key` is where it stands.
    pub(crate) fn form(&self, key: &str) -> Result<Form, Wrong> {
        match self.0.as_str() {
            "otlp_proto" => Ok(Form::Proto),
            "otlp_json" => Ok(Form::Json),
            "jaeger_proto"
            | "jaeger_json"
            | "zipkin_proto"
            | "zipkin_json"
            | "zipkin_thrift"
            | "raw"
            | "text"
            | "json"
            | "azure_resource_logs" => Err(Wrong::new(
                key,
                format!("{} is not served: write otlp_proto or otlp_json, or keep a Collector at that end", self.0),
            )),
            other => Err(Wrong::new(key, format!("{other:?} is no encoding: write otlp_proto or otlp_json"))),
        }
    }
}
