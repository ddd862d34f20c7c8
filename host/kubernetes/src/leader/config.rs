//! The section of `k8s_leader_elector`.

use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::access::{Access, AuthType};
use crate::watch::Server;

/// What candidates wait at most beyond their pause, as a share of it: they are not to ask all at once.
pub(super) const JITTER: f64 = 1.2;
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Which Lease, and how long it holds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// As whom the API server is asked.
    pub auth_type: AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// The name of the Lease, the same for all candidates.
    pub lease_name: String,
    /// The namespace that it is in.
    pub lease_namespace: String,
    /// After which time without a renewal another takes it.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub lease_duration: Duration,
    /// After which time without a renewal the leader stops.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub renew_deadline: Duration,
    /// How often the Lease is renewed, or asked for.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub retry_period: Duration,
    /// Taken for the Collector's sake: a question is asked each `retry_period`.
    pub kube_api_qps: f64,
    /// Taken for the Collector's sake.
    pub kube_api_burst: u32,
    #[serde(skip)]
    pub(super) server: Option<Server>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            auth_type: AuthType::default(),
            context: None,
            lease_name: String::new(),
            lease_namespace: String::new(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            kube_api_qps: 0.0,
            kube_api_burst: 0,
            server: None,
        }
    }
}

impl Config {
    /// Asks another server than the section says.
    #[must_use]
    pub fn at(self, server: Server) -> Self {
        Config { server: Some(server), ..self }
    }

    pub(super) fn server(&self) -> Server {
        let access = || Access { auth_type: self.auth_type, context: self.context.clone(), ..Access::default() };
        self.server.clone().unwrap_or_else(|| Server::As(access()))
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let no_name = |name: &str| {
            name.is_empty()
                || name.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && !"-.".contains(c))
        };
        let is_context_idle = self.context.is_some() && self.auth_type != AuthType::KubeConfig;
        Wrong::among([
            ("context", is_context_idle, "it is for `auth_type: kubeConfig`: write that, or take it out"),
            ("lease_name", no_name(&self.lease_name), "it has to be the name of a Lease, such as `tidegate`"),
            ("lease_namespace", no_name(&self.lease_namespace), "it has to be the name of the namespace of the Lease"),
            (
                "lease_duration",
                self.lease_duration < Duration::from_secs(1) || self.lease_duration > LONGEST,
                "it has to be between 1s and 24h",
            ),
            (
                "renew_deadline",
                self.renew_deadline >= self.lease_duration,
                "it has to be less than `lease_duration`: the leader stops before another begins",
            ),
            (
                "retry_period",
                self.retry_period.is_zero() || self.renew_deadline <= self.retry_period.mul_f64(JITTER),
                "it has to be more than nothing, and 1.2 times it less than `renew_deadline`",
            ),
        ])
    }
}
