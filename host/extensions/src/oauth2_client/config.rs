//! What a user may write under `extensions: oauth2client:`. The keys are the Collector's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host_component::ClientAuth;
use host_config::time::duration;
use host_config::{Check, Files, Secret, Wrong};
use host_tls::{ClientConfig, Fresh, Watch, read};
use schemars::JsonSchema;
use serde::Deserialize;

use super::authenticator::Authenticator;
use super::endpoint::{Credentials, Endpoint, Place};
use crate::Deps;
use crate::lines::{INTERVAL, Read, Source};

/// The extension's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub client_id: String,
    pub client_id_file: PathBuf,
    pub client_secret: Secret,
    pub client_secret_file: PathBuf,
    /// Where tokens are given out.
    pub token_url: String,
    pub scopes: Vec<String>,
    /// What else the request for a token says.
    pub endpoint_params: BTreeMap<String, Values>,
    /// How long a request for a token may take; zero is for ever.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// So long before the end of a token there is a new one.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub expiry_buffer: Duration,
    pub tls: ClientConfig,
    /// Only `client_credentials` is served.
    pub grant_type: String,
}

/// A value, or several of one name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    One(String),
    Several(Vec<String>),
}

impl Default for Config {
    fn default() -> Self {
        Config {
            client_id: String::new(),
            client_id_file: PathBuf::new(),
            client_secret: Secret::default(),
            client_secret_file: PathBuf::new(),
            token_url: String::new(),
            scopes: Vec::new(),
            endpoint_params: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            expiry_buffer: Duration::from_secs(300),
            tls: ClientConfig::default(),
            grant_type: CLIENT_CREDENTIALS.to_owned(),
        }
    }
}

const CLIENT_CREDENTIALS: &str = "client_credentials";

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let [id, secret] = self.sources();
        let mut wrongs = Wrong::among([
            ("client_id", id.is_empty(), "it is missing, and so is `client_id_file`"),
            ("client_secret", secret.is_empty(), "it is missing, and so is `client_secret_file`"),
            (
                "grant_type",
                self.grant_type != CLIENT_CREDENTIALS,
                "only `client_credentials` is served: keep the exporter in a Collector, or use a secret",
            ),
        ]);
        wrongs.extend(Place::of(&self.token_url).err());
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let mut wrongs: Vec<Wrong> = credentials(&self.sources(), &|path| files.read(path)).err().into_iter().collect();
        if Place::of(&self.token_url).is_ok_and(|place| place.is_https) {
            wrongs.extend(self.tls.wrongs_in("tls", &|path| files.read(path)));
        }
        wrongs
    }
}

impl Config {
    /// Makes the authenticator. It asks for a token when the first request is to be sent.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn build(self, deps: &Deps<'_>) -> Result<Arc<dyn ClientAuth>, Wrong> {
        let place = Place::of(&self.token_url)?;
        let owner = deps.owner();
        let tls = place.connector(self.tls.clone(), &owner, deps)?;
        let sources = self.sources().map(|source| source.based(deps.base));
        let files = sources.iter().filter_map(Source::file).collect();
        let watch = Watch { owner: owner.clone(), what: "credentials", files, interval: INTERVAL };
        let credentials = Fresh::new(watch, deps.metrics, move || credentials(&sources, &read))?;
        let endpoint = Endpoint::new(place, tls, self.form(), self.timeout);
        Ok(Arc::new(Authenticator::new(owner, credentials, endpoint, self.expiry_buffer, deps.metrics)))
    }

    fn sources(&self) -> [Source; 2] {
        [
            Source::new(&Secret::new(&self.client_id), "client_id_file", &self.client_id_file),
            Source::new(&self.client_secret, "client_secret_file", &self.client_secret_file),
        ]
    }

    /// What each request for a token says, besides who asks.
    fn form(&self) -> Vec<(String, String)> {
        let mut form = vec![("grant_type".to_owned(), CLIENT_CREDENTIALS.to_owned())];
        if !self.scopes.is_empty() {
            form.push(("scope".to_owned(), self.scopes.join(" ")));
        }
        for (name, values) in &self.endpoint_params {
            let values = match values {
                Values::One(value) => std::slice::from_ref(value),
                Values::Several(values) => values.as_slice(),
            };
            form.extend(values.iter().map(|value| (name.clone(), value.clone())));
        }
        form
    }
}

fn credentials([id, secret]: &[Source; 2], read: &Read<'_>) -> Result<Credentials, Wrong> {
    Ok(Credentials { id: id.word(read)?, secret: Secret::new(secret.word(read)?) })
}
