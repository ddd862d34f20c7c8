//! What is written to the API server, and what is read of it before that.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::api::{Api, ApiError, kind, told, unanswered};

/// Who writes, as the fields of objects name it.
const MANAGER: &str = "tidegate";
/// The server has another version than the one that was to be changed, or something of that name.
const CONFLICT: u16 = 409;
const NOT_FOUND: u16 = 404;

/// Objects that lie in namespaces, and are written as a whole.
pub trait Written:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize + Send + Sync
{
}

impl<K> Written for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
{
}

impl Api {
    /// The namespace that is meant where none is named: that of the pod, or of the context.
    pub fn namespace_of_its_own(&self) -> &str {
        self.0.default_namespace()
    }

    /// All objects of a namespace with these labels.
    ///
    /// # Errors
    /// When the server is not reached, or does not tell.
    pub async fn list<K: Written>(&self, namespace: &str, labels: &str) -> Result<Vec<K>, ApiError> {
        let listed = self.of::<K>(namespace).list(&ListParams::default().labels(labels)).await;
        listed.map(|list| list.items).map_err(|error| unanswered::<K>(labels, error))
    }

    /// The object of this name, if there is one.
    ///
    /// # Errors
    /// As [`Api::list`].
    pub async fn find<K: Written>(&self, namespace: &str, name: &str) -> Result<Option<K>, ApiError> {
        self.of::<K>(namespace).get_opt(name).await.map_err(|error| unanswered::<K>(name, error))
    }

    /// Makes an object, unless there is one of that name; whether it was made. `is_trial` has the server say what it would do.
    ///
    /// # Errors
    /// When the server is not reached, or refuses.
    pub async fn create<K: Written>(&self, namespace: &str, object: &K, is_trial: bool) -> Result<bool, ApiError> {
        let params = PostParams { dry_run: is_trial, field_manager: Some(MANAGER.to_owned()) };
        match self.of::<K>(namespace).create(&params, object).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == CONFLICT => Ok(false),
            Err(error) => Err(unwritten(object, error)),
        }
    }

    /// Applies an object on the server's side; false where it is of another version there than the object says, or was made by
    /// somebody else at the same time.
    ///
    /// # Errors
    /// As [`Api::create`].
    pub async fn apply<K: Written>(&self, namespace: &str, object: &K, is_trial: bool) -> Result<bool, ApiError> {
        let params = PatchParams { dry_run: is_trial, force: true, ..PatchParams::apply(MANAGER) };
        let name = object.meta().name.clone().unwrap_or_default();
        match self.of::<K>(namespace).patch(&name, &params, &Patch::Apply(object)).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == CONFLICT => Ok(false),
            Err(error) => Err(unwritten(object, error)),
        }
    }

    /// Sets annotations of an object and leaves all else of it as it is.
    ///
    /// # Errors
    /// As [`Api::create`].
    pub async fn annotate<K: Written>(
        &self,
        namespace: &str,
        name: &str,
        annotations: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
        let patched = self.of::<K>(namespace).patch_metadata(name, &PatchParams::default(), &patch).await;
        patched.map(drop).map_err(|error| refused::<K>(name.to_owned(), error))
    }

    /// Deletes an object; it may be gone already.
    ///
    /// # Errors
    /// As [`Api::create`].
    pub async fn delete<K: Written>(&self, namespace: &str, name: &str) -> Result<(), ApiError> {
        match self.of::<K>(namespace).delete(name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => Ok(()),
            Err(error) => Err(refused::<K>(name.to_owned(), error)),
        }
    }

    fn of<K: Written>(&self, namespace: &str) -> kube::Api<K> {
        kube::Api::namespaced(self.0.clone(), namespace)
    }
}

fn unwritten<K: Written>(object: &K, error: kube::Error) -> ApiError {
    refused::<K>(object.meta().name.clone().unwrap_or_default(), error)
}

fn refused<K: Resource<DynamicType = ()>>(name: String, error: kube::Error) -> ApiError {
    let kind = kind::<K>();
    match error {
        kube::Error::Api(status) => ApiError::Unwritten { kind, name, code: status.code, message: status.message },
        error => ApiError::Unreachable { kind, name, why: told(&error) },
    }
}
