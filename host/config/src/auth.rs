//! `auth:` of a receiver's protocol or of an exporter: the extension that lets requests in, or adds to them.

use host_component::{ComponentId, Kind};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Wrong;
use crate::value::Value;

/// The section as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// The id of the extension.
    pub authenticator: String,
}

impl Auth {
    /// What makes no sense, with keys below `at`.
    pub fn wrongs(&self, at: &str) -> Vec<Wrong> {
        let missing = "it is missing: name an extension, or take `auth` out";
        let missing = self.authenticator.is_empty().then(|| Wrong::new(format!("{at}.authenticator"), missing));
        missing.into_iter().collect()
    }

    /// What `known` has under the name.
    ///
    /// # Errors
    /// When that is nothing.
    pub fn find<T>(&self, at: &str, known: impl FnOnce(&ComponentId) -> Option<T>) -> Result<T, Wrong> {
        let key = format!("{at}.authenticator");
        let id = self.authenticator.parse::<ComponentId>().map_err(|error| Wrong::new(&key, error.to_string()))?;
        known(&id).ok_or_else(|| Wrong::new(&key, format!("the extension `{id}` does not do this")))
    }
}

/// Where sections of each kind name an authenticator.
const PLACES: [(Kind, &[&str]); 5] = [
    (Kind::Receiver, &["protocols", "grpc", "auth", "authenticator"]),
    (Kind::Receiver, &["protocols", "http", "auth", "authenticator"]),
    (Kind::Exporter, &["auth", "authenticator"]),
    (Kind::Exporter, &["protocol", "otlp", "auth", "authenticator"]),
    (Kind::Extension, &["additional_auth"]),
];

/// The names of authenticators in a section.
pub(crate) fn named_in(kind: Kind, section: &Value) -> Vec<Value> {
    let places = PLACES.iter().filter(|(of, _)| *of == kind);
    places.filter_map(|(_, keys)| keys.iter().try_fold(section.clone(), |value, key| value.get(key))).collect()
}
