//! The section of `k8s_events`.

use host_config::{Check, Wrong};
use host_kubernetes::{Access, AuthType, Server};
use schemars::JsonSchema;
use serde::Deserialize;

/// Of which cluster, and of which namespaces of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// As whom the API server is asked.
    pub auth_type: AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// The namespaces whose events are told; those of all where there is none.
    pub namespaces: Vec<String>,
    /// The `k8s_leader_elector` whose leader alone tells events.
    pub k8s_leader_elector: Option<String>,
    /// The `file_storage` that remembers how far events were told.
    pub storage: Option<String>,
    /// Taken for the Collector's sake: the server is asked once, and tells by itself then.
    pub kube_api_qps: f64,
    /// Taken for the Collector's sake.
    pub kube_api_burst: u32,
    #[serde(skip)]
    pub(crate) server: Option<Server>,
}

impl Config {
    /// Asks another server than the section says.
    #[must_use]
    pub fn at(self, server: Server) -> Self {
        Config { server: Some(server), ..self }
    }

    pub(crate) fn server(&self) -> Server {
        let access = || Access { auth_type: self.auth_type, context: self.context.clone(), ..Access::default() };
        self.server.clone().unwrap_or_else(|| Server::As(access()))
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let is_context_idle = self.context.is_some() && self.auth_type != AuthType::KubeConfig;
        let mut wrongs = Wrong::among([(
            "context",
            is_context_idle,
            "it is for `auth_type: kubeConfig`: write that, or take it out",
        )]);
        for (at, namespace) in self.namespaces.iter().enumerate() {
            let is_odd = |c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-';
            if namespace.is_empty() || namespace.contains(is_odd) {
                wrongs.push(Wrong::new(format!("namespaces.{at}"), "it is no name of a namespace"));
            } else if self.namespaces.iter().take(at).any(|before| before == namespace) {
                wrongs.push(Wrong::new(format!("namespaces.{at}"), "it stands there twice: take one of the two out"));
            }
        }
        wrongs
    }
}
