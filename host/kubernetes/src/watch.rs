//! Following objects: all that there are, and then what becomes of them.

use std::convert::Infallible;
use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::{TryStreamExt as _, pin_mut};
use http::Uri;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ObjectList, Request};
use kube::{Client, Config, Resource};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::access::{Access, AccessError};
use crate::api::{Api, ApiError, told};
use crate::kind::Kind;
use crate::objects::{Object, Pod};

/// Objects that are asked for at a time.
const PAGE: u32 = 500;
/// How long the server keeps a question open, in seconds: it is asked again then.
const OPEN: u32 = 240;
/// A watch that says nothing for so long, though the server would have ended it, has no server at its other end.
const SILENCE: Duration = Duration::from_secs(OPEN as u64 + 30);
/// How long an answer may take to begin, and a page of objects to come.
const ANSWER: Duration = Duration::from_secs(60);
/// How long after that, about: hosts whose watches end at the same moment do not ask at the same moment.
const REST: Duration = Duration::from_secs(1);
/// The server has forgotten what was asked from.
const GONE: u16 = 410;

/// Where the API server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Server {
    /// That of the cluster, as the service account of the pod.
    #[default]
    Cluster,
    /// That which a section says how to reach.
    As(Access),
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

/// Objects of a kind that are followed as a whole.
pub trait Whole: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {}

impl<K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static> Whole for K {}

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
            Server::Cluster => return Api::new(&Access::default()).await,
            Server::As(access) => return Api::new(access).await,
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
    /// When the server is not reached, or does not tell.
    pub async fn follow<K>(&self, scope: &Scope, tell: impl FnMut(Seen<K>) + Send) -> Result<Infallible, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send,
    {
        self.follow_whole(scope.namespace.as_deref(), scope, tell).await
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
        self.follow_whole(None, scope, tell).await
    }

    /// Follows objects, as [`Api::follow`], whether they lie in namespaces or not.
    ///
    /// # Errors
    /// As [`Api::follow`].
    pub async fn follow_any<K: Whole>(
        &self,
        scope: &Scope,
        tell: impl FnMut(Seen<K>) + Send,
    ) -> Result<Infallible, ApiError> {
        self.follow_whole(scope.namespace.as_deref(), scope, tell).await
    }

    async fn follow_whole<K>(
        &self,
        namespace: Option<&str>,
        scope: &Scope,
        tell: impl FnMut(Seen<K>) + Send,
    ) -> Result<Infallible, ApiError>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Send,
    {
        let version: fn(&K) -> Option<&str> = |object| object.meta().resource_version.as_deref();
        let watch = Watch { path: K::url_path(&(), namespace), kind: K::plural(&()).into_owned(), part: Part::Whole };
        watch.follow(&self.0, scope, version, tell).await
    }

    /// Follows objects, as [`Api::follow`], for their metadata, whatever kind they are of.
    ///
    /// # Errors
    /// As [`Api::follow`].
    pub async fn follow_metadata_of<K>(
        &self,
        scope: &Scope,
        tell: impl FnMut(Seen<Object>) + Send,
    ) -> Result<Infallible, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let version: fn(&Object) -> Option<&str> = |object| object.metadata.resource_version.as_deref();
        let (path, kind) = (K::url_path(&(), scope.namespace.as_deref()), K::plural(&()).into_owned());
        Watch { path, kind, part: Part::Metadata }.follow(&self.0, scope, version, tell).await
    }

    /// Follows pods, as [`Api::follow`], for what [`Pod`] has of them.
    ///
    /// # Errors
    /// As [`Api::follow`].
    pub async fn follow_pods(&self, scope: &Scope, tell: impl FnMut(Seen<Pod>) + Send) -> Result<Infallible, ApiError> {
        let version: fn(&Pod) -> Option<&str> = |pod| pod.metadata.resource_version.as_deref();
        Watch::of(Kind::Pods, scope, Part::Whole).follow(&self.0, scope, version, tell).await
    }

    /// Follows objects, as [`Api::follow`], for their metadata, which is all that the server sends.
    ///
    /// # Errors
    /// As [`Api::follow`].
    pub async fn follow_metadata(
        &self,
        kind: Kind,
        scope: &Scope,
        tell: impl FnMut(Seen<Object>) + Send,
    ) -> Result<Infallible, ApiError> {
        let version: fn(&Object) -> Option<&str> = |object| object.metadata.resource_version.as_deref();
        Watch::of(kind, scope, Part::Metadata).follow(&self.0, scope, version, tell).await
    }
}

/// As much of objects as the server is to send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Metadata,
}

/// What is asked for.
struct Watch {
    path: String,
    kind: String,
    part: Part,
}

impl Watch {
    fn of(kind: Kind, scope: &Scope, part: Part) -> Self {
        Watch { path: kind.path(scope.namespace.as_deref()), kind: kind.plural().to_owned(), part }
    }

    /// Where the server has forgotten what came last, all are asked for anew.
    async fn follow<K>(
        &self,
        client: &Client,
        scope: &Scope,
        version: fn(&K) -> Option<&str>,
        mut tell: impl FnMut(Seen<K>) + Send,
    ) -> Result<Infallible, ApiError>
    where
        K: Clone + DeserializeOwned + Send,
    {
        loop {
            let last = self.list(client, scope, &mut tell).await.map_err(|error| self.failed(error))?;
            match self.watch(client, scope, last, version, &mut tell).await {
                kube::Error::Api(status) if status.code == GONE => rest().await,
                error => return Err(self.failed(error)),
            }
        }
    }

    /// Tells what there is, and returns the version that it has.
    async fn list<K>(
        &self,
        client: &Client,
        scope: &Scope,
        tell: &mut (impl FnMut(Seen<K>) + Send),
    ) -> Result<String, kube::Error>
    where
        K: Clone + DeserializeOwned + Send,
    {
        let request = Request::new(self.path.as_str());
        let mut params = ListParams {
            label_selector: scope.labels.clone(),
            field_selector: scope.fields.clone(),
            ..ListParams::default()
        };
        params.limit = Some(PAGE);
        tell(Seen::Begin);
        loop {
            let asked = match self.part {
                Part::Whole => request.list(&params),
                Part::Metadata => request.list_metadata(&params),
            };
            let asked = asked.map_err(kube::Error::BuildRequest)?;
            let page: ObjectList<K> = in_time(client.request(asked)).await?;
            page.items.into_iter().for_each(|object| tell(Seen::There(object)));
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                tell(Seen::All);
                return Ok(page.metadata.resource_version.unwrap_or_default());
            }
        }
    }

    /// Tells what becomes of them, until that fails.
    async fn watch<K>(
        &self,
        client: &Client,
        scope: &Scope,
        mut last: String,
        version: fn(&K) -> Option<&str>,
        tell: &mut (impl FnMut(Seen<K>) + Send),
    ) -> kube::Error
    where
        K: Clone + DeserializeOwned + Send,
    {
        loop {
            match self.watch_once(client, scope, &mut last, version, tell).await {
                // Whoever closes at once is not to be asked all the time.
                Ok(()) => rest().await,
                // The way was lost, and not the place.
                Err(kube::Error::ReadEvents(_)) => rest().await,
                Err(error) => return error,
            }
        }
    }

    async fn watch_once<K>(
        &self,
        client: &Client,
        scope: &Scope,
        last: &mut String,
        version: fn(&K) -> Option<&str>,
        tell: &mut (impl FnMut(Seen<K>) + Send),
    ) -> Result<(), kube::Error>
    where
        K: Clone + DeserializeOwned + Send,
    {
        let request = Request::new(self.path.as_str());
        let params = WatchParams {
            label_selector: scope.labels.clone(),
            field_selector: scope.fields.clone(),
            timeout: Some(OPEN),
            ..WatchParams::default()
        };
        let asked = match self.part {
            Part::Whole => request.watch(&params, last),
            Part::Metadata => request.watch_metadata(&params, last),
        };
        let asked = asked.map_err(kube::Error::BuildRequest)?;
        let events = in_time(client.request_events::<K>(asked)).await?;
        pin_mut!(events);
        // After a silence it is asked anew, which tells whether there is a server.
        while let Some(event) = timeout(SILENCE, events.try_next()).await.unwrap_or(Ok(None))? {
            let object = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => Seen::There(object),
                WatchEvent::Deleted(object) => Seen::Gone(object),
                WatchEvent::Bookmark(mark) => {
                    *last = mark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            };
            if let Seen::There(object) | Seen::Gone(object) = &object
                && let Some(seen) = version(object)
            {
                seen.clone_into(last);
            }
            tell(object);
        }
        Ok(())
    }

    fn failed(&self, error: kube::Error) -> ApiError {
        let kind = self.kind.clone();
        match error {
            kube::Error::Api(status) => ApiError::Withheld { kind, code: status.code, message: status.message },
            other => ApiError::Lost { kind, why: told(&other) },
        }
    }
}

async fn rest() {
    tokio::time::sleep(REST.mul_f64(0.5 + fastrand::f64())).await;
}

/// What is asked, where it is answered in time.
async fn in_time<T>(asked: impl Future<Output = Result<T, kube::Error>>) -> Result<T, kube::Error> {
    match timeout(ANSWER, asked).await {
        Ok(answered) => answered,
        Err(_) => Err(kube::Error::Service(format!("there was no answer within {} s", ANSWER.as_secs()).into())),
    }
}
