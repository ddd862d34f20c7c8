//! The detector `k8s_api` asks the API server of Kubernetes for the node that the collector runs on, and for the cluster.

use host_kubernetes::{Access, Api, ApiError, AuthType};
use schemars::JsonSchema;
use serde::Deserialize;

use super::detector::{Found, SCHEMA_URL};
use super::toggle::toggles;

/// The namespace that each cluster has: its UID stands for the cluster.
const OF_CLUSTER: &str = "kube-system";

/// How the API server is asked, and what for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kubernetes {
    /// As whom the API server is asked.
    pub auth_type: AuthType,
    /// With `auth_type: kubeConfig`: the context, where it is not the current one.
    pub context: Option<String>,
    /// The variable of the environment that has the name of the node.
    pub node_from_env_var: String,
    pub resource_attributes: KubernetesAttributes,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Kubernetes {
            auth_type: AuthType::default(),
            context: None,
            node_from_env_var: "K8S_NODE_NAME".to_owned(),
            resource_attributes: KubernetesAttributes::default(),
        }
    }
}

toggles! {
    /// The attributes of `k8s_api`.
    KubernetesAttributes {
        cluster_uid: "k8s.cluster.uid" = true;
        node_name: "k8s.node.name" = true;
        node_uid: "k8s.node.uid" = true;
    }
}

/// Why Kubernetes did not tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubernetesError {
    #[error(
        "{0} is not set: give the container the name of its node, with `valueFrom: {{ fieldRef: {{ fieldPath: \
         spec.nodeName }} }}`, or name another variable in `node_from_env_var`"
    )]
    NoNode(String),
    /// That of the node: without `fail_on_missing_metadata` it counts as nothing found.
    #[error(transparent)]
    Node(ApiError),
    #[error(transparent)]
    Cluster(ApiError),
    #[error(transparent)]
    Access(ApiError),
}

pub(super) async fn detect(config: &Kubernetes) -> Result<Found, KubernetesError> {
    let wanted = &config.resource_attributes;
    let variable = &config.node_from_env_var;
    let node = std::env::var(variable).ok().filter(|name| !name.is_empty());
    let node = node.ok_or_else(|| KubernetesError::NoNode(variable.clone()))?;
    let access = Access { auth_type: config.auth_type, context: config.context.clone(), ..Access::default() };
    let api = Api::new(&access).await.map_err(KubernetesError::Access)?;
    let mut found = Found { schema_url: SCHEMA_URL, ..Found::default() };
    if wanted.node_name().or(wanted.node_uid()).is_some() {
        let node = api.node(&node).await.map_err(KubernetesError::Node)?;
        found.text(wanted.node_uid(), node.uid);
        found.text(wanted.node_name(), node.name);
    }
    if let Some(key) = wanted.cluster_uid() {
        match api.namespace(OF_CLUSTER).await {
            Ok(namespace) => found.text(Some(key), namespace.uid),
            Err(error) if error.is_denied() => tracing::warn!(
                %error,
                "there is no k8s.cluster.uid: allow `get` of the namespace kube-system, or switch the attribute off"
            ),
            Err(error) => return Err(KubernetesError::Cluster(error)),
        }
    }
    Ok(found)
}
