//! What a user may write under `extensions: bearertokenauth:`. The keys and defaults are the Collector's.

use std::path::PathBuf;

use host_config::{Check, Files, Secret, Wrong};
use host_tls::{Fresh, Watch, read};
use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::authenticator::Bearer;
use crate::lines::{INTERVAL, Read, Source};
use crate::{Deps, no_header};

/// The extension's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub header: String,
    /// What stands before the token; empty is nothing.
    pub scheme: String,
    pub token: Secret,
    /// A receiver takes each of them, an exporter sends the first.
    pub tokens: Vec<Secret>,
    /// A file of tokens, one a line; it goes before `token`.
    pub filename: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            header: "Authorization".to_owned(),
            scheme: "Bearer".to_owned(),
            token: Secret::default(),
            tokens: Vec::new(),
            filename: PathBuf::new(),
        }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let (token, tokens) = (!self.token.is_empty(), !self.tokens.is_empty());
        let file = !self.filename.as_os_str().is_empty();
        Wrong::among([
            ("token", !token && !tokens && !file, "there is no token: set `token`, `tokens` or `filename`"),
            ("tokens", tokens && token, "`token` is set, too: keep one of the two"),
            ("tokens", tokens && file, "`filename` is set, too: keep one of the two"),
            ("header", HeaderName::try_from(&self.header).is_err(), "it is no name of a header"),
        ])
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        self.values(&|path| files.read(path)).err().into_iter().collect()
    }
}

impl Config {
    /// Makes the authenticator, for either side.
    ///
    /// # Errors
    /// When there is no token.
    pub fn build(mut self, deps: &Deps<'_>) -> Result<Bearer, Wrong> {
        let mut files = Vec::new();
        if !self.filename.as_os_str().is_empty() {
            self.filename = deps.base.join(&self.filename);
            files.push(self.filename.clone());
        }
        let (header, scheme) = (self.header.to_ascii_lowercase(), self.scheme.clone());
        let watch = Watch { owner: deps.owner(), what: "tokens", files, interval: INTERVAL };
        Ok(Bearer::new(header, scheme, Fresh::new(watch, deps.metrics, move || self.values(&read))?))
    }

    /// What the header may say.
    pub(super) fn values(&self, read: &Read<'_>) -> Result<Vec<Secret>, Wrong> {
        let of_file = Source::new(&self.token, "filename", &self.filename);
        let key = match (self.tokens.is_empty(), of_file.file()) {
            (false, _) => "tokens",
            (true, Some(_)) => "filename",
            (true, None) => "token",
        };
        let text;
        let tokens: Vec<&str> = match self.tokens.as_slice() {
            // What stands behind the first word of a file's line is a note.
            [] if of_file.file().is_some() => {
                text = of_file.text(read)?;
                text.lines().filter_map(|line| line.split_whitespace().next()).collect()
            }
            // What stands in the configuration is meant as it stands.
            [] => vec![self.token.as_str()],
            tokens => tokens.iter().map(Secret::as_str).collect(),
        };
        if tokens.is_empty() || tokens.iter().any(|token| token.trim().is_empty()) {
            let message = "there is no token in it";
            return Err(if key == "filename" { of_file.wrong(message) } else { Wrong::new(key, message) });
        }
        let value = |token: &&str| match self.scheme.as_str() {
            "" => (*token).to_owned(),
            scheme => format!("{scheme} {token}"),
        };
        let values: Vec<String> = tokens.iter().map(value).collect();
        if values.iter().any(|value| HeaderValue::try_from(value).is_err()) {
            return Err(no_header(key));
        }
        Ok(values.into_iter().map(Secret::new).collect())
    }
}
