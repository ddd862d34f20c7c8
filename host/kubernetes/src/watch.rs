//! Following objects: all that there are, and then what becomes of them.

use std::convert::Infallible;
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::{StreamExt as _, pin_mut};
use http::Uri;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Resource};
use serde::de::DeserializeOwned;

use crate::access::{Access, AccessError, AuthType};
use crate::api::{Api, ApiError, told};

/// Objects that are asked for at a time.
const PAGE: u32 = 500;
/// How long the server keeps a question open, in seconds: it is asked again then.
const OPEN: u32 = 240;
/// How long after that.
const REST: Duration = Duration::from_secs(1);

/// Where the API server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Server {
    /// That of the cluster, as the service account of the pod.
    #[default]
    Cluster,
    /// That of a kubeconfig.
    KubeConfig(PathBuf),
    /// At this address, as nobody: a proxy beside this, that knows who asks.
    At(Uri),
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// All namespaces where there is none.
    pub namespace: Option<String>,
    pub labels: Option<String>,
    pub fields: Option<String>,
}

/// What is seen.
#[derive(Debug)]
pub enum Seen<K> {
    /// Those that are there come one by one.
    Begin,
    There(K),
    Gone(K),
    /// All that were there have come; what was known before and has not come again is gone.
    All,
}

impl Server {
    /// Prepares to ask.
    ///
    /// # Errors
    /// When files that say where the server is, or as whom it is asked, are missing or wrong.
    pub async fn api(&self) -> Result<Api, ApiError> {
        let mut config = match self {
            Server::Cluster => {
                let access = Access { auth_type: AuthType::ServiceAccount, ..Access::default() };
                return Api::new(&access).await;
            }
            Server::KubeConfig(path) => {
                let read = Kubeconfig::read_from(path).map_err(AccessError::KubeConfig)?;
                let made = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
                made.map_err(AccessError::KubeConfig)?
            }
            Server::At(uri) => Config::new(uri.clone()),
        };
        config.default_retry = false;
        Client::try_from(config).map(Api).map_err(|error| ApiError::Client(told(&error)))
    }
}

impl Api {
    /// Follows objects that lie in namespaces, until that fails.
    ///
    /// # Errors
    /// When the server is not reached, does not tell, or has forgotten where this was.
    pub async fn follow<K>(&self, scope: &Scope, tell: impl FnMut(Seen<K>) + Send) -> Result<Infallible, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send,
    {
        let api = match &scope.namespace {
            Some(namespace) => kube::Api::namespaced(self.0.clone(), namespace),
            None => kube::Api::all(self.0.clone()),
        };
        follow(&api, scope, tell).await
    }

    /// Follows objects of the cluster, as [`Api::follow`].
    ///
    /// # Errors
    /// As [`Api::follow`].
    pub async fn follow_of_cluster<K>(
        &self,
        scope: &Scope,
        tell: impl FnMut(Seen<K>) + Send,
    ) -> Result<Infallible, ApiError>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + Debug + DeserializeOwned + Send,
    {
        follow(&kube::Api::all(self.0.clone()), scope, tell).await
    }
}

async fn follow<K>(
    api: &kube::Api<K>,
    scope: &Scope,
    mut tell: impl FnMut(Seen<K>) + Send,
) -> Result<Infallible, ApiError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send,
{
    let failed = |error: kube::Error| {
        let kind = K::plural(&()).into_owned();
        match error {
            kube::Error::Api(status) => ApiError::Withheld { kind, code: status.code, message: status.message },
            other => ApiError::Lost { kind, why: told(&other) },
        }
    };
    let mut params = ListParams {
        label_selector: scope.labels.clone(),
        field_selector: scope.fields.clone(),
        ..ListParams::default()
    };
    params.limit = Some(PAGE);
    tell(Seen::Begin);
    let mut version = loop {
        let page = api.list(&params).await.map_err(failed)?;
        page.items.into_iter().for_each(|object| tell(Seen::There(object)));
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            break page.metadata.resource_version.unwrap_or_default();
        }
    };
    tell(Seen::All);
    let params = WatchParams {
        label_selector: scope.labels.clone(),
        field_selector: scope.fields.clone(),
        timeout: Some(OPEN),
        ..WatchParams::default()
    };
    loop {
        let events = api.watch(&params, &version).await.map_err(failed)?;
        pin_mut!(events);
        while let Some(event) = events.next().await {
            let object = match event.map_err(failed)? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => Seen::There(object),
                WatchEvent::Deleted(object) => Seen::Gone(object),
                WatchEvent::Bookmark(mark) => {
                    version = mark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(status) => return Err(failed(kube::Error::Api(status))),
            };
            if let Seen::There(object) | Seen::Gone(object) = &object
                && let Some(seen) = &object.meta().resource_version
            {
                version.clone_from(seen);
            }
            tell(object);
        }
        // Whoever closes at once is not to be asked all the time.
        tokio::time::sleep(REST).await;
    }
}
