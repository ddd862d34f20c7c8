//! The section of `k8s_cluster`.

use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Wrong};
use host_kubernetes::{Access, AuthType, Server};
use host_periodic::{Choices, Schedule};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::attribute::ResourceAttributes;
use crate::fact::{Own, Plan};
use crate::metric;

/// Of which cluster, and what of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long it is from one collection to the next.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub collection_interval: Duration,
    /// How long the first one waits.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_delay: Duration,
    /// As whom the API server is asked.
    pub auth_type: AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// The namespaces whose objects are told; all of them, nodes and namespaces themselves too, where there is none.
    pub namespaces: Vec<String>,
    /// An older key: one namespace.
    pub namespace: String,
    /// The conditions of nodes that have a metric each.
    pub node_conditions_to_report: Vec<String>,
    /// What nodes have for pods, and has a metric each.
    pub allocatable_types_to_report: Vec<String>,
    /// Which metrics there are.
    pub metrics: Choices,
    /// Which attributes resources have.
    pub resource_attributes: ResourceAttributes,
    /// The `k8s_leader_elector` whose leader alone tells anything.
    pub k8s_leader_elector: Option<String>,
    /// What kind of cluster it is.
    pub distribution: Distribution,
    /// Not served: which exporters are told of labels and owners.
    pub metadata_exporters: Vec<String>,
    /// Taken for the Collector's sake: labels and owners are not told.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub metadata_collection_interval: Duration,
    /// Taken for the Collector's sake: the server is asked once for each kind, and tells by itself then.
    pub kube_api_qps: f64,
    /// Taken for the Collector's sake.
    pub kube_api_burst: u32,
    #[serde(skip)]
    pub(crate) server: Option<Server>,
}

/// What kind of cluster it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    #[default]
    Kubernetes,
    Openshift,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            collection_interval: Duration::from_secs(10),
            initial_delay: Schedule::INITIAL_DELAY,
            auth_type: AuthType::default(),
            context: None,
            namespaces: Vec::new(),
            namespace: String::new(),
            node_conditions_to_report: vec!["Ready".to_owned()],
            allocatable_types_to_report: Vec::new(),
            metrics: Choices::default(),
            resource_attributes: ResourceAttributes::default(),
            k8s_leader_elector: None,
            distribution: Distribution::default(),
            metadata_exporters: Vec::new(),
            metadata_collection_interval: Duration::from_secs(300),
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

    pub(crate) fn server(&self) -> Server {
        let access = || Access { auth_type: self.auth_type, context: self.context.clone(), ..Access::default() };
        self.server.clone().unwrap_or_else(|| Server::As(access()))
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule { interval: self.collection_interval, initial_delay: self.initial_delay, timeout: Duration::ZERO }
    }

    /// The namespaces, or none for all.
    pub(crate) fn scopes(&self) -> Vec<Option<String>> {
        let older = Some(&self.namespace).filter(|namespace| !namespace.is_empty());
        let named: Vec<_> = self.namespaces.iter().chain(older).cloned().map(Some).collect();
        if named.is_empty() { vec![None] } else { named }
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan {
            metrics: self.metrics.clone(),
            attributes: self.resource_attributes.clone(),
            conditions: self.node_conditions_to_report.iter().map(|of| Own::condition(of)).collect(),
            allocatable: self.allocatable_types_to_report.iter().map(|of| Own::allocatable(of)).collect(),
        }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let is_context_idle = self.context.is_some() && self.auth_type != AuthType::KubeConfig;
        let is_twice = !self.namespace.is_empty() && !self.namespaces.is_empty();
        let mut wrongs = self.schedule().wrongs();
        wrongs.extend(Wrong::among([
            ("context", is_context_idle, "it is for `auth_type: kubeConfig`: write that, or take it out"),
            ("namespace", is_twice, "`namespaces` is there, too: take this one out"),
            (
                "distribution",
                self.distribution == Distribution::Openshift,
                "`openshift`, for quotas of clusters, comes in a later release: write `kubernetes` for all else",
            ),
            (
                "metadata_exporters",
                !self.metadata_exporters.is_empty(),
                "labels and owners are not told to exporters: take it out, and have `k8s_attributes` add them",
            ),
        ]));
        for (at, namespace) in self.namespaces.iter().enumerate() {
            let is_odd = |c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-';
            if namespace.is_empty() || namespace.contains(is_odd) {
                wrongs.push(Wrong::new(format!("namespaces.{at}"), "it is no name of a namespace"));
            } else if self.namespaces.iter().take(at).any(|before| before == namespace) {
                wrongs.push(Wrong::new(format!("namespaces.{at}"), "it stands there twice: take one of the two out"));
            }
        }
        wrongs.extend(self.metrics.wrongs("metrics", metric::ALL));
        wrongs.extend(self.resource_attributes.wrongs());
        wrongs
    }
}
