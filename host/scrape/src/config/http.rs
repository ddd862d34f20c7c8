//! How one asks over HTTP: who asks, what encrypts it, which way it goes. Scrapes and service discovery have the same keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host_config::{Files, Refused, Secret, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

/// `basic_auth:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BasicAuth {
    pub username: String,
    pub username_file: PathBuf,
    pub password: Secret,
    pub password_file: PathBuf,
    username_ref: Refused,
    password_ref: Refused,
}

/// `authorization:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Authorization {
    pub r#type: String,
    pub credentials: Secret,
    pub credentials_file: PathBuf,
    credentials_ref: Refused,
}

impl Default for Authorization {
    fn default() -> Self {
        Authorization {
            r#type: "Bearer".to_owned(),
            credentials: Secret::default(),
            credentials_file: PathBuf::new(),
            credentials_ref: Refused::default(),
        }
    }
}

/// `tls_config:`, with Prometheus' keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    pub ca: Secret,
    pub ca_file: PathBuf,
    pub cert: Secret,
    pub cert_file: PathBuf,
    pub key: Secret,
    pub key_file: PathBuf,
    pub server_name: String,
    pub insecure_skip_verify: bool,
    /// `TLS12` or `TLS13`.
    pub min_version: String,
    pub max_version: String,
    pub(super) ca_ref: Refused,
    pub(super) cert_ref: Refused,
    pub(super) key_ref: Refused,
}

/// `http_headers.NAME:`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderValues {
    pub values: Vec<String>,
    pub secrets: Vec<Secret>,
    pub files: Vec<PathBuf>,
}

/// All of that for one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub basic_auth: Option<BasicAuth>,
    pub authorization: Option<Authorization>,
    pub bearer_token: Secret,
    pub bearer_token_file: PathBuf,
    pub tls_config: TlsConfig,
    pub proxy_url: String,
    pub no_proxy: String,
    pub proxy_from_environment: bool,
    pub follow_redirects: bool,
    pub http_headers: BTreeMap<String, HeaderValues>,
    pub(super) oauth2: Refused,
    pub(super) proxy_connect_header: Refused,
}

/// Declares a section that has these keys beside its own.
macro_rules! with_http {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$of:meta])* pub $field:ident: $type:ty $(= $value:expr)?,)* }
     private { $($private:ident: $private_type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$of])* pub $field: $type,)*
            $($private: $private_type,)*
            basic_auth: Option<crate::config::http::BasicAuth>,
            authorization: Option<crate::config::http::Authorization>,
            oauth2: host_config::Refused,
            bearer_token: host_config::Secret,
            bearer_token_file: std::path::PathBuf,
            tls_config: crate::config::http::TlsConfig,
            proxy_url: String,
            no_proxy: String,
            proxy_from_environment: bool,
            proxy_connect_header: host_config::Refused,
            follow_redirects: bool,
            /// Taken for Prometheus' sake: it is HTTP/1.1 that is spoken.
            pub enable_http2: bool,
            http_headers: std::collections::BTreeMap<String, crate::config::http::HeaderValues>,
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    $($field: crate::config::http::with_http!(@default $($value)?),)*
                    $($private: Default::default(),)*
                    basic_auth: None,
                    authorization: None,
                    oauth2: host_config::Refused::default(),
                    bearer_token: host_config::Secret::default(),
                    bearer_token_file: std::path::PathBuf::new(),
                    tls_config: crate::config::http::TlsConfig::default(),
                    proxy_url: String::new(),
                    no_proxy: String::new(),
                    proxy_from_environment: false,
                    proxy_connect_header: host_config::Refused::default(),
                    follow_redirects: true,
                    enable_http2: true,
                    http_headers: std::collections::BTreeMap::new(),
                }
            }
        }

        impl $name {
            /// How it is asked.
            pub fn http(&self) -> crate::config::http::Http {
                crate::config::http::Http::new(crate::config::http::Written {
                    basic_auth: self.basic_auth.clone(),
                    authorization: self.authorization.clone(),
                    oauth2: self.oauth2,
                    bearer_token: self.bearer_token.clone(),
                    bearer_token_file: self.bearer_token_file.clone(),
                    tls_config: self.tls_config.clone(),
                    proxy_url: self.proxy_url.clone(),
                    no_proxy: self.no_proxy.clone(),
                    proxy_from_environment: self.proxy_from_environment,
                    proxy_connect_header: self.proxy_connect_header,
                    follow_redirects: self.follow_redirects,
                    http_headers: self.http_headers.clone(),
                })
            }
        }
    };
    (@default) => {
        Default::default()
    };
    (@default $value:expr) => {
        $value
    };
}

pub(crate) use with_http;

/// What stands in a section.
pub(crate) struct Written {
    pub(crate) basic_auth: Option<BasicAuth>,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) oauth2: Refused,
    pub(crate) bearer_token: Secret,
    pub(crate) bearer_token_file: PathBuf,
    pub(crate) tls_config: TlsConfig,
    pub(crate) proxy_url: String,
    pub(crate) no_proxy: String,
    pub(crate) proxy_from_environment: bool,
    pub(crate) proxy_connect_header: Refused,
    pub(crate) follow_redirects: bool,
    pub(crate) http_headers: BTreeMap<String, HeaderValues>,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            basic_auth: None,
            authorization: None,
            bearer_token: Secret::default(),
            bearer_token_file: PathBuf::new(),
            tls_config: TlsConfig::default(),
            proxy_url: String::new(),
            no_proxy: String::new(),
            proxy_from_environment: false,
            follow_redirects: true,
            http_headers: BTreeMap::new(),
            oauth2: Refused::default(),
            proxy_connect_header: Refused::default(),
        }
    }
}

const REFS: &str = "there is no manager of secrets here: write the text, or the path of a file, instead";
const OAUTH2: &str = "no token is fetched for a scrape: have a proxy beside this fetch it and name that as `proxy_url`, or \
                      write the token to a file and name that in `authorization.credentials_file`";

impl Http {
    pub(crate) fn new(written: Written) -> Self {
        let Written { basic_auth, authorization, oauth2, bearer_token, bearer_token_file, .. } = written;
        Http {
            basic_auth,
            authorization,
            bearer_token,
            bearer_token_file,
            tls_config: written.tls_config,
            proxy_url: written.proxy_url,
            no_proxy: written.no_proxy,
            proxy_from_environment: written.proxy_from_environment,
            follow_redirects: written.follow_redirects,
            http_headers: written.http_headers,
            oauth2,
            proxy_connect_header: written.proxy_connect_header,
        }
    }

    /// What makes no sense, with keys below the section.
    pub(crate) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            ("oauth2", self.oauth2.0, OAUTH2),
            (
                "proxy_connect_header",
                self.proxy_connect_header.0,
                "headers of their own for a proxy are not served: take it out, and let the proxy know us by our address",
            ),
        ]);
        let ways = [
            self.basic_auth.is_some(),
            self.authorization.is_some(),
            !self.bearer_token.is_empty(),
            is_set(&self.bearer_token_file),
        ];
        if ways.into_iter().filter(|is| *is).count() > 1 {
            wrongs.push(Wrong::new(
                "authorization",
                "at most one of `basic_auth`, `authorization`, `bearer_token` and `bearer_token_file` can be there: keep one",
            ));
        }
        if let Some(basic) = &self.basic_auth {
            wrongs.extend(Wrong::among([
                ("basic_auth.username_ref", basic.username_ref.0, REFS),
                ("basic_auth.password_ref", basic.password_ref.0, REFS),
                ("basic_auth.username_file", !basic.username.is_empty() && is_set(&basic.username_file), BOTH),
                ("basic_auth.password_file", !basic.password.is_empty() && is_set(&basic.password_file), BOTH),
            ]));
        }
        if let Some(authorization) = &self.authorization {
            let both = !authorization.credentials.is_empty() && is_set(&authorization.credentials_file);
            wrongs.extend(Wrong::among([
                ("authorization.credentials_ref", authorization.credentials_ref.0, REFS),
                ("authorization.credentials_file", both, BOTH),
                (
                    "authorization.type",
                    authorization.r#type.trim().eq_ignore_ascii_case("basic"),
                    "a name and a password stand in `basic_auth`: write them there",
                ),
            ]));
        }
        wrongs.extend(self.proxy_wrongs());
        wrongs.extend(self.header_wrongs());
        let tls = &self.tls_config;
        wrongs.extend(Wrong::among([
            ("tls_config.ca_ref", tls.ca_ref.0, REFS),
            ("tls_config.cert_ref", tls.cert_ref.0, REFS),
            ("tls_config.key_ref", tls.key_ref.0, REFS),
            ("tls_config.min_version", !is_version(&tls.min_version), VERSION),
            ("tls_config.max_version", !is_version(&tls.max_version), VERSION),
        ]));
        if wrongs.iter().all(|wrong| !wrong.key.starts_with("tls_config")) {
            wrongs.extend(renamed(tls.client().wrongs("tls_config")));
        }
        wrongs
    }

    fn proxy_wrongs(&self) -> Vec<Wrong> {
        let both = self.proxy_from_environment && !(self.proxy_url.is_empty() && self.no_proxy.is_empty());
        let mut wrongs = Wrong::among([
            ("proxy_from_environment", both, "`proxy_url` or `no_proxy` is there, too: keep the one or the others"),
            (
                "no_proxy",
                !self.no_proxy.is_empty() && self.proxy_url.is_empty() && !both,
                "it does nothing without `proxy_url`: name the proxy, or take it out",
            ),
        ]);
        if !self.proxy_url.is_empty() && crate::http::proxy_of(&self.proxy_url).is_none() {
            wrongs.push(Wrong::new(
                "proxy_url",
                "it is no address of a proxy that is served: write `http://host:port`, without a name or password",
            ));
        }
        wrongs
    }

    fn header_wrongs(&self) -> Vec<Wrong> {
        const RESERVED: [&str; 12] = [
            "accept",
            "accept-encoding",
            "authorization",
            "connection",
            "content-length",
            "host",
            "proxy-authorization",
            "te",
            "transfer-encoding",
            "upgrade",
            "user-agent",
            "x-prometheus-scrape-timeout-seconds",
        ];
        let told = |(name, values): (&String, &HeaderValues)| {
            let key = format!("http_headers.{name}");
            let lower = name.to_ascii_lowercase();
            let texts = || values.values.iter().map(String::as_str).chain(values.secrets.iter().map(Secret::as_str));
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                Some(Wrong::new(key, format!("{name:?} is no name of a header")))
            } else if RESERVED.contains(&lower.as_str()) {
                Some(Wrong::new(key, "this header is set already, by its own key or for every request: take it out"))
            } else if texts().any(|text| http::HeaderValue::from_str(text).is_err()) {
                Some(Wrong::new(key, "a value has characters that a header cannot have"))
            } else {
                None
            }
        };
        self.http_headers.iter().filter_map(told).collect()
    }

    /// What is wrong with the files that are named.
    pub(crate) fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let mut wrongs = renamed(self.tls_config.client().wrongs_in("tls_config", &|path| files.read(path)));
        let mut check = |key: &str, path: &Path| {
            if is_set(path)
                && let Err(error) = files.read(path)
            {
                wrongs.push(Wrong::new(key, format!("cannot read {}: {error}", path.display())));
            }
        };
        if let Some(basic) = &self.basic_auth {
            check("basic_auth.username_file", &basic.username_file);
            check("basic_auth.password_file", &basic.password_file);
        }
        if let Some(authorization) = &self.authorization {
            check("authorization.credentials_file", &authorization.credentials_file);
        }
        check("bearer_token_file", &self.bearer_token_file);
        for (name, values) in &self.http_headers {
            values.files.iter().for_each(|path| check(&format!("http_headers.{name}.files"), path));
        }
        wrongs
    }
}

impl TlsConfig {
    /// The same with the Collector's keys.
    pub(crate) fn client(&self) -> host_tls::ClientConfig {
        let version = |text: &str| match text {
            "TLS10" => "1.0".to_owned(),
            "TLS11" => "1.1".to_owned(),
            "TLS12" => "1.2".to_owned(),
            "TLS13" => "1.3".to_owned(),
            other => other.to_owned(),
        };
        host_tls::ClientConfig {
            insecure_skip_verify: self.insecure_skip_verify,
            ca_file: self.ca_file.clone(),
            ca_pem: self.ca.clone(),
            cert_file: self.cert_file.clone(),
            cert_pem: self.cert.clone(),
            key_file: self.key_file.clone(),
            key_pem: self.key.clone(),
            server_name_override: self.server_name.clone(),
            min_version: version(&self.min_version),
            max_version: version(&self.max_version),
            ..host_tls::ClientConfig::default()
        }
    }
}

/// Keys of the Collector's as Prometheus has them.
fn renamed(wrongs: Vec<Wrong>) -> Vec<Wrong> {
    let key = |key: String| key.replace("server_name_override", "server_name").replace("_pem", "");
    wrongs.into_iter().map(|Wrong { key: old, message }| Wrong::new(key(old), message)).collect()
}

const BOTH: &str = "the text is there, too: keep one of the two";
const VERSION: &str = "it is `TLS12` or `TLS13`";

fn is_version(text: &str) -> bool {
    matches!(text, "" | "TLS10" | "TLS11" | "TLS12" | "TLS13")
}

pub(crate) fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}
