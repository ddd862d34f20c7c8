//! What a user may write under `extensions: headers_setter:`. The keys are the Collector's.

use std::sync::Arc;

use host_component::{ClientAuth, HeaderAction};
use host_config::{Check, Secret, Wrong};
use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::authenticator::{Rule, Setter, Value};

/// Headers that belong to the protocol.
const RESERVED: [&str; 7] =
    ["te", "content-type", "content-length", "connection", "transfer-encoding", "upgrade", "host"];

/// The extension's configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What to do, in this order.
    pub headers: Vec<Header>,
    /// An authenticator whose headers come first.
    pub additional_auth: Option<String>,
}

/// What to do to one header.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Header {
    pub action: Action,
    pub key: String,
    pub value: Option<Secret>,
    /// A key of the metadata of the request that the data came with.
    pub from_context: Option<String>,
    /// What the header says where there is no such metadata; without it there is no header then.
    pub default_value: Option<Secret>,
    /// Taken to be refused: authenticators keep nothing about who was let in.
    pub from_attribute: Option<String>,
}

/// How a header is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Insert,
    Update,
    #[default]
    Upsert,
    Delete,
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([("headers", self.headers.is_empty(), "it is empty: name a header at least")]);
        for (number, header) in (1..).zip(&self.headers) {
            let told = header.wrongs().into_iter();
            wrongs.extend(told.map(|why| Wrong::new("headers", format!("number {number} ({:?}): {why}", header.key))));
        }
        wrongs
    }
}

impl Header {
    fn wrongs(&self) -> Vec<&'static str> {
        let name = HeaderName::try_from(self.key.to_ascii_lowercase());
        let is_reserved =
            name.as_ref().is_ok_and(|name| name.as_str().starts_with("grpc-") || RESERVED.contains(&name.as_str()));
        let sources = [self.value.is_some(), self.from_context.is_some()].into_iter().filter(|is_set| *is_set).count();
        let wants_value = self.action != Action::Delete;
        let texts = [&self.value, &self.default_value].into_iter().flatten();
        let rules = [
            (name.is_err(), "`key` is no name of a header"),
            (is_reserved, "this header belongs to the protocol, which sets it itself"),
            (
                self.from_attribute.is_some(),
                "`from_attribute` is not served: use `from_context` and the request's metadata",
            ),
            (
                wants_value && sources == 0 && self.from_attribute.is_none(),
                "`value` and `from_context` are missing: set one",
            ),
            (sources > 1, "`value` and `from_context` are both set: keep one"),
            (self.default_value.is_some() && self.from_context.is_none(), "`default_value` belongs to `from_context`"),
            (
                texts.map(Secret::as_str).any(|text| HeaderValue::try_from(text).is_err()),
                "its value cannot stand in a header",
            ),
        ];
        rules.into_iter().filter(|(broken, _)| *broken).map(|(_, why)| why).collect()
    }

    fn rule(&self) -> Rule {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.as_str().to_owned());
        let value = match (&self.from_context, text(&self.value)) {
            (Some(key), _) => Value::Metadata { key: key.to_ascii_lowercase(), otherwise: text(&self.default_value) },
            (None, value) => Value::Fixed(value.unwrap_or_default()),
        };
        let action = match self.action {
            Action::Insert => HeaderAction::Insert,
            Action::Update => HeaderAction::Update,
            Action::Upsert => HeaderAction::Upsert,
            Action::Delete => HeaderAction::Delete,
        };
        Rule { name: self.key.to_ascii_lowercase(), action, value }
    }
}

impl Config {
    /// Makes the authenticator; `additional` is the one that `additional_auth` names.
    pub fn build(&self, additional: Option<Arc<dyn ClientAuth>>) -> Arc<dyn ClientAuth> {
        Arc::new(Setter { rules: self.headers.iter().map(Header::rule).collect(), additional })
    }
}
