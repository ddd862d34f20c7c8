//! Where the API server is, and as whom it is asked.

use std::env;

use http::Uri;
use kube::Config;
use kube::config::{InClusterError, KubeConfigOptions, KubeconfigError};
use schemars::JsonSchema;
use serde::Deserialize;

/// As whom the API server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AuthType {
    /// Nobody, over TLS with any certificate.
    None,
    /// The service account of the pod.
    #[default]
    ServiceAccount,
    /// The user of a context of `$KUBECONFIG` or `~/.kube/config`.
    KubeConfig,
}

/// Where the API server is, and as whom it is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub auth_type: AuthType,
    /// For [`AuthType::KubeConfig`]: the context, where it is not the current one.
    pub context: Option<String>,
    /// Whether any certificate of the server is taken, whatever the kubeconfig says.
    pub insecure_skip_verify: bool,
}

/// Why the API server cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error(
        "there is no API server in the environment: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not both set"
    )]
    NoServer,
    #[error("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT make no address: {0}")]
    Address(http::uri::InvalidUri),
    #[error("cannot use the service account of the pod: {0}")]
    ServiceAccount(InClusterError),
    #[error("cannot use the kubeconfig: {0}")]
    KubeConfig(KubeconfigError),
}

impl Access {
    /// Reads what there is to read: files of the service account, or the kubeconfig.
    pub(crate) async fn config(&self) -> Result<Config, AccessError> {
        let mut config = match self.auth_type {
            AuthType::None => {
                let mut config = Config::new(server()?);
                config.accept_invalid_certs = true;
                config
            }
            AuthType::ServiceAccount => {
                server()?;
                Config::incluster_env().map_err(AccessError::ServiceAccount)?
            }
            AuthType::KubeConfig => {
                let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
                Config::from_kubeconfig(&options).await.map_err(AccessError::KubeConfig)?
            }
        };
        config.default_retry = false;
        config.accept_invalid_certs |= self.insecure_skip_verify;
        Ok(config)
    }
}

/// The API server that a pod finds in its environment.
fn server() -> Result<Uri, AccessError> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty()).ok_or(AccessError::NoServer);
    let (host, port) = (variable("KUBERNETES_SERVICE_HOST")?, variable("KUBERNETES_SERVICE_PORT")?);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("https://{host}:{port}").parse().map_err(AccessError::Address)
}
