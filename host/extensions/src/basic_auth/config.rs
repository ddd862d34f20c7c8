//! What a user may write under `extensions: basicauth:`. The keys are the Collector's.

use std::path::PathBuf;
use std::sync::Arc;

use host_component::{ClientAuth, ServerAuth};
use host_config::{Check, Files, Secret, Wrong};
use host_tls::{Fresh, Watch, read};
use schemars::JsonSchema;
use serde::Deserialize;

use super::client::{Client, header};
use super::htpasswd::Users;
use super::server::Server;
use crate::Deps;
use crate::lines::{INTERVAL, Read, Source};

/// The extension's configuration: one side or the other.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whom a receiver lets in.
    pub htpasswd: Option<Htpasswd>,
    /// Who an exporter says that it is.
    pub client_auth: Option<ClientConfig>,
}

/// Users, one a line: `name:password`. What stands in the configuration goes before what stands in the file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Htpasswd {
    pub file: PathBuf,
    pub inline: Secret,
}

/// One user.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    pub username: String,
    pub username_file: PathBuf,
    pub password: Secret,
    pub password_file: PathBuf,
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let none = self.htpasswd.is_none() && self.client_auth.is_none();
        let mut wrongs = Wrong::among([
            ("htpasswd", none, "neither `htpasswd`, for a receiver, nor `client_auth`, for an exporter, is set"),
            (
                "client_auth",
                self.htpasswd.is_some() && self.client_auth.is_some(),
                "`htpasswd` is set, too: an extension is for one side only, so write two, such as `basicauth/client`",
            ),
        ]);
        if let Some(htpasswd) = &self.htpasswd {
            let empty = htpasswd.file.as_os_str().is_empty() && htpasswd.inline.is_empty();
            wrongs.extend(Wrong::among([("htpasswd", empty, "it names nobody: set `file` or `inline`")]));
        }
        if let Some(client) = &self.client_auth {
            let [name, password] = client.sources();
            wrongs.extend(Wrong::among([
                ("client_auth.username", name.is_empty(), "it is missing, and so is `username_file`"),
                ("client_auth.password", password.is_empty(), "it is missing, and so is `password_file`"),
            ]));
        }
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let read: &Read<'_> = &|path| files.read(path);
        let users = self.htpasswd.as_ref().and_then(|htpasswd| htpasswd.users(read).err());
        let header = self.client_auth.as_ref().and_then(|client| header(&client.sources(), read).err());
        users.into_iter().chain(header).collect()
    }
}

impl Htpasswd {
    pub(super) fn users(&self, read: &Read<'_>) -> Result<Users, Wrong> {
        let mut users = Users::default();
        let nothing = Secret::default();
        let sources = [
            Source::new(&nothing, "htpasswd.file", &self.file),
            Source::new(&self.inline, "htpasswd.inline", "".as_ref()),
        ];
        for source in sources.iter().filter(|source| !source.is_empty()) {
            users.add(&source.text(read)?).map_err(|message| source.wrong(&message))?;
        }
        Ok(users)
    }
}

impl ClientConfig {
    fn sources(&self) -> [Source; 2] {
        [
            Source::new(&Secret::new(&self.username), "client_auth.username_file", &self.username_file),
            Source::new(&self.password, "client_auth.password_file", &self.password_file),
        ]
    }
}

impl Config {
    /// What lets requests in; nothing where the configuration is for the other side.
    ///
    /// # Errors
    /// When the users cannot be read.
    pub fn server(&self, deps: &Deps<'_>) -> Result<Option<Arc<dyn ServerAuth>>, Wrong> {
        let Some(mut htpasswd) = self.htpasswd.clone() else { return Ok(None) };
        let mut files = Vec::new();
        if !htpasswd.file.as_os_str().is_empty() {
            htpasswd.file = deps.base.join(&htpasswd.file);
            files.push(htpasswd.file.clone());
        }
        let watch = Watch { owner: deps.owner(), what: "htpasswd", files, interval: INTERVAL };
        let users = Fresh::new(watch, deps.metrics, move || htpasswd.users(&read))?;
        Ok(Some(Arc::new(Server::new(users))))
    }

    /// What adds to requests; nothing where the configuration is for the other side.
    ///
    /// # Errors
    /// When the name or the password cannot be read.
    pub fn client(&self, deps: &Deps<'_>) -> Result<Option<Arc<dyn ClientAuth>>, Wrong> {
        let Some(client) = &self.client_auth else { return Ok(None) };
        let sources = client.sources().map(|source| source.based(deps.base));
        let files = sources.iter().filter_map(Source::file).collect();
        let watch = Watch { owner: deps.owner(), what: "credentials", files, interval: INTERVAL };
        let header = Fresh::new(watch, deps.metrics, move || header(&sources, &read))?;
        Ok(Some(Arc::new(Client::new(header))))
    }
}
