//! The kinds of objects that are followed for a part of what they say.

use std::fmt;

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Pods,
    Namespaces,
    Nodes,
    ReplicaSets,
    Deployments,
    StatefulSets,
    DaemonSets,
    Jobs,
    CronJobs,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Pods,
        Kind::Namespaces,
        Kind::Nodes,
        Kind::ReplicaSets,
        Kind::Deployments,
        Kind::StatefulSets,
        Kind::DaemonSets,
        Kind::Jobs,
        Kind::CronJobs,
    ];

    /// As rules of RBAC name it.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Pods => "pods",
            Kind::Namespaces => "namespaces",
            Kind::Nodes => "nodes",
            Kind::ReplicaSets => "replicasets",
            Kind::Deployments => "deployments",
            Kind::StatefulSets => "statefulsets",
            Kind::DaemonSets => "daemonsets",
            Kind::Jobs => "jobs",
            Kind::CronJobs => "cronjobs",
        }
    }

    /// The group of the API, which is empty for the oldest.
    pub fn group(self) -> &'static str {
        match self {
            Kind::Pods | Kind::Namespaces | Kind::Nodes => "",
            Kind::ReplicaSets | Kind::Deployments | Kind::StatefulSets | Kind::DaemonSets => "apps",
            Kind::Jobs | Kind::CronJobs => "batch",
        }
    }

    /// Whether they lie in no namespace.
    pub fn is_of_cluster(self) -> bool {
        matches!(self, Kind::Namespaces | Kind::Nodes)
    }

    /// Where they are asked for: in one namespace, or in all.
    pub(crate) fn path(self, namespace: Option<&str>) -> String {
        let root = match self.group() {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        match namespace {
            Some(namespace) if !self.is_of_cluster() => format!("{root}/namespaces/{namespace}/{}", self.plural()),
            _ => format!("{root}/{}", self.plural()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural())
    }
}
