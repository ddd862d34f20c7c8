//! Where targets are: written down, in files, or told by a server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use host_config::{Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use super::http::{Http, with_http};
use super::units::{duration, duration_schema};

/// Targets with the labels that all of them have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StaticConfig {
    /// `host:port`.
    pub targets: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

impl StaticConfig {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let told = |(at, target): (usize, &String)| {
            let is_address = !target.is_empty() && !target.contains('/');
            let message =
                format!("{target:?} is no target: write `host:port`, and the rest in `scheme` and `metrics_path`");
            (!is_address).then(|| Wrong::new(format!("targets[{at}]"), message))
        };
        self.targets.iter().enumerate().filter_map(told).collect()
    }
}

/// Files that hold lists of targets, as JSON or YAML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FileSdConfig {
    /// Paths that end in `.json`, `.yml` or `.yaml`; the last part may have `*`.
    pub files: Vec<String>,
    /// Files are looked at so often at the least.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "duration_schema")]
    pub refresh_interval: Option<Duration>,
}

impl FileSdConfig {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([("files", self.files.is_empty(), "there is none: name at least one")]);
        for (at, file) in self.files.iter().enumerate() {
            let path = PathBuf::from(file);
            let folder = path.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
            let ends = [".json", ".yml", ".yaml"].into_iter().any(|end| file.ends_with(end));
            let message = if !ends {
                format!("{file:?} does not end in `.json`, `.yml` or `.yaml`")
            } else if folder.contains('*') {
                format!("{file:?} has a `*` before its last part: name the folder")
            } else {
                continue;
            };
            wrongs.push(Wrong::new(format!("files[{at}]"), message));
        }
        wrongs
    }
}

with_http! {
    /// A server that tells targets as JSON.
    pub struct HttpSdConfig {
        pub url: String,
        #[serde(deserialize_with = "duration")]
        #[schemars(schema_with = "duration_schema")]
        pub refresh_interval: Option<Duration>,
    }
    private {
    }
}

impl HttpSdConfig {
    /// A server at this address, that is asked in the same way as another.
    pub(crate) fn at(url: String, refresh: Duration, http: &Http) -> Self {
        let (tls_config, follow_redirects) = (http.tls_config.clone(), http.follow_redirects);
        HttpSdConfig { url, refresh_interval: Some(refresh), tls_config, follow_redirects, ..HttpSdConfig::default() }
    }

    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.http().wrongs();
        if let Err(wrong) = host_config::without_userinfo("url", &self.url) {
            wrongs.push(wrong);
        } else if crate::http::address(&self.url).is_none() {
            let message = format!("{:?} is no address: write `http://host:port/path` or `https://host/path`", self.url);
            wrongs.push(Wrong::new("url", message));
        }
        wrongs
    }
}

/// What targets are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KubernetesRole {
    Pod,
    Service,
    Endpoints,
    EndpointSlice,
    Node,
    Ingress,
}

/// Which namespaces are looked at; all where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesNamespaces {
    /// That of the pod.
    pub own_namespace: bool,
    pub names: Vec<String>,
}

/// Which objects of a role are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSelector {
    pub role: KubernetesRole,
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub field: String,
}

/// What else is said of targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AttachMetadata {
    /// What their node says.
    pub node: bool,
    /// What their namespace says.
    pub namespace: bool,
}

/// An API server of Kubernetes that tells targets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSdConfig {
    pub role: KubernetesRole,
    /// Where it is; that of the cluster where nothing is said.
    #[serde(default)]
    pub api_server: String,
    #[serde(default)]
    pub kubeconfig_file: PathBuf,
    #[serde(default)]
    pub namespaces: KubernetesNamespaces,
    #[serde(default)]
    pub selectors: Vec<KubernetesSelector>,
    #[serde(default)]
    pub attach_metadata: AttachMetadata,
    #[serde(default)]
    basic_auth: Refused,
    #[serde(default)]
    authorization: Refused,
    #[serde(default)]
    oauth2: Refused,
    #[serde(default)]
    bearer_token: Refused,
    #[serde(default)]
    bearer_token_file: Refused,
    #[serde(default)]
    tls_config: Refused,
    #[serde(default)]
    proxy_url: Refused,
    #[serde(default)]
    http_headers: Refused,
}

impl KubernetesRole {
    pub fn name(self) -> &'static str {
        match self {
            KubernetesRole::Pod => "pod",
            KubernetesRole::Service => "service",
            KubernetesRole::Endpoints => "endpoints",
            KubernetesRole::EndpointSlice => "endpointslice",
            KubernetesRole::Node => "node",
            KubernetesRole::Ingress => "ingress",
        }
    }

    /// The roles whose objects are looked at for this one.
    fn looks_at(self) -> &'static [KubernetesRole] {
        use KubernetesRole::{EndpointSlice, Endpoints, Ingress, Node, Pod, Service};
        match self {
            Pod => &[Pod],
            Service => &[Service],
            Endpoints => &[Endpoints, Service, Pod],
            EndpointSlice => &[EndpointSlice, Service, Pod],
            Node => &[Node],
            Ingress => &[Ingress],
        }
    }
}

impl KubernetesSdConfig {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        const ELSEWHERE: &str = "who asks stands in a kubeconfig: name it in `kubeconfig_file`, or take it out for the service \
                                 account of the pod";
        let has_file = !self.kubeconfig_file.as_os_str().is_empty();
        let is_address = self.api_server.is_empty() || crate::http::address(&self.api_server).is_some();
        let mut wrongs = Wrong::among([
            ("basic_auth", self.basic_auth.0, ELSEWHERE),
            ("authorization", self.authorization.0, ELSEWHERE),
            ("oauth2", self.oauth2.0, ELSEWHERE),
            ("bearer_token", self.bearer_token.0, ELSEWHERE),
            ("bearer_token_file", self.bearer_token_file.0, ELSEWHERE),
            ("tls_config", self.tls_config.0, ELSEWHERE),
            ("proxy_url", self.proxy_url.0, ELSEWHERE),
            ("http_headers", self.http_headers.0, ELSEWHERE),
            ("kubeconfig_file", has_file && !self.api_server.is_empty(), "`api_server` is there, too: keep one"),
            ("api_server", !is_address, "it is no address: write `http://host:port`, such as that of `kubectl proxy`"),
        ]);
        wrongs.extend(host_config::without_userinfo("api_server", &self.api_server).err());
        for (at, selector) in self.selectors.iter().enumerate() {
            if !self.role.looks_at().contains(&selector.role) {
                let (own, other) = (self.role.name(), selector.role.name());
                let message =
                    format!("the role {own} does not look at objects of the role {other}: take the selector out");
                wrongs.push(Wrong::new(format!("selectors[{at}].role"), message));
            }
        }
        wrongs
    }
}
