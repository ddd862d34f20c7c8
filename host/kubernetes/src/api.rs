//! What is asked of the API server: for the metadata of an object alone where that does, since that of a node has a few hundred
//! bytes and the node itself tens of thousands.

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use k8s_openapi::api::core::v1::{Namespace, Node};
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::core::PartialObjectMeta;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::access::{Access, AccessError};

/// A connection to the API server, which is opened by the first question.
#[derive(Clone)]
pub struct Api(pub(crate) Client);

/// Which object it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub uid: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("cannot make a client of the API server: {0}")]
    Client(String),
    /// The server has answered.
    #[error("the API server refuses to tell of the {kind} {name:?}: {code} {message}")]
    Refused { kind: String, name: String, code: u16, message: String },
    #[error("the API server refuses to write the {kind} {name:?}: {code} {message}")]
    Unwritten { kind: String, name: String, code: u16, message: String },
    #[error("cannot ask the API server of the {kind} {name:?}: {why}")]
    Unreachable { kind: String, name: String, why: String },
    #[error("the API server does not tell of {kind}: {code} {message}")]
    Withheld { kind: String, code: u16, message: String },
    #[error("{kind} are not told any more: {why}")]
    Lost { kind: String, why: String },
    #[error("the API server tells of the {kind} {name:?} without its UID")]
    Nameless { kind: String, name: String },
}

impl ApiError {
    /// Whether the server knows the asker and lets him not, or does not know him.
    pub fn is_denied(&self) -> bool {
        matches!(
            self,
            ApiError::Refused { code: 401 | 403, .. }
                | ApiError::Unwritten { code: 401 | 403, .. }
                | ApiError::Withheld { code: 401 | 403, .. }
        )
    }
}

impl Api {
    /// Prepares to ask.
    ///
    /// # Errors
    /// When files that say where the server is, or as whom it is asked, are missing or wrong.
    pub async fn new(access: &Access) -> Result<Self, ApiError> {
        let config = access.config().await?;
        Client::try_from(config).map(Api).map_err(|error| ApiError::Client(told(&error)))
    }

    /// The node of this name.
    ///
    /// # Errors
    /// When the server is not reached, or does not tell.
    pub async fn node(&self, name: &str) -> Result<Identity, ApiError> {
        self.identity(kube::Api::<Node>::all(self.0.clone()), name).await
    }

    /// The namespace of this name.
    ///
    /// # Errors
    /// As [`Api::node`].
    pub async fn namespace(&self, name: &str) -> Result<Identity, ApiError> {
        self.identity(kube::Api::<Namespace>::all(self.0.clone()), name).await
    }

    /// The object of this name in a namespace, as a whole.
    ///
    /// # Errors
    /// As [`Api::node`].
    pub async fn object<K>(&self, namespace: &str, name: &str) -> Result<K, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let api = kube::Api::<K>::namespaced(self.0.clone(), namespace);
        api.get(name).await.map_err(|error| unanswered::<K>(name, error))
    }

    /// The object of this name that is in no namespace, as a whole.
    ///
    /// # Errors
    /// As [`Api::node`].
    pub async fn object_of_cluster<K>(&self, name: &str) -> Result<K, ApiError>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let api = kube::Api::<K>::all(self.0.clone());
        api.get(name).await.map_err(|error| unanswered::<K>(name, error))
    }

    /// What the kubelet of a node answers at a path, asked through the API server. Whatever status the answer has, it is given.
    ///
    /// # Errors
    /// When the server is not reached.
    pub async fn of_kubelet(
        &self,
        node: &str,
        path: &str,
    ) -> Result<Response<impl Body<Data = Bytes, Error: Error> + Unpin + Send + use<>>, ApiError> {
        let unreachable = |why| ApiError::Unreachable { kind: "kubelet of".to_owned(), name: node.to_owned(), why };
        let request = Request::get(format!("/api/v1/nodes/{node}/proxy{path}")).body(kube::client::Body::empty());
        let request = request.map_err(|error| unreachable(told(&error)))?;
        self.0.send(request).await.map_err(|error| unreachable(told(&error)))
    }

    async fn identity<K>(&self, api: kube::Api<K>, name: &str) -> Result<Identity, ApiError>
    where
        K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let asked = api.get_metadata(name).await;
        let object: PartialObjectMeta<K> = asked.map_err(|error| unanswered::<K>(name, error))?;
        match (object.metadata.name, object.metadata.uid) {
            (Some(name), Some(uid)) => Ok(Identity { name, uid }),
            _ => Err(ApiError::Nameless { kind: kind::<K>(), name: name.to_owned() }),
        }
    }
}

pub(crate) fn kind<K: Resource<DynamicType = ()>>() -> String {
    K::kind(&()).to_lowercase()
}

/// Why there is no object.
pub(crate) fn unanswered<K: Resource<DynamicType = ()>>(name: &str, error: kube::Error) -> ApiError {
    let (kind, name) = (kind::<K>(), name.to_owned());
    match error {
        kube::Error::Api(status) => ApiError::Refused { kind, name, code: status.code, message: status.message },
        error => ApiError::Unreachable { kind, name, why: told(&error) },
    }
}

/// An error with what caused it: most say little themselves.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut error = error;
    while let Some(cause) = error.source() {
        let says = cause.to_string();
        if !told.contains(&says) {
            told = format!("{told}: {says}");
        }
        error = cause;
    }
    told
}
