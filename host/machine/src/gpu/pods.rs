//! Which container has which card, as the kubelet says over its socket of pod resources.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use host_periodic::Missed;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::card::{Identity, Instance};
use super::config::PodResources;

/// The kubelet is on the same machine.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What it may answer.
const LIMIT: usize = 16 << 20;
const LIST: &str = "/v1.PodResourcesLister/List";
/// Resources whose devices are cards or parts of them.
const VENDOR: &str = "nvidia.com/";

/// What is asked, and what of the answer is looked at: `k8s.io/kubelet/pkg/apis/podresources/v1`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct ListRequest {}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct ListResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) pod_resources: Vec<Pod>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Pod {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) namespace: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) containers: Vec<Container>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Container {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) devices: Vec<Devices>,
}

#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Devices {
    #[prost(string, tag = "1")]
    pub(super) resource_name: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) device_ids: Vec<String>,
}

/// The container that has a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
}

/// The one container of each device; none where several share it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owners(HashMap<String, Option<Owner>>);

impl Owners {
    pub(super) fn of(answer: ListResponse) -> Self {
        let mut owners: HashMap<String, Option<Owner>> = HashMap::new();
        for pod in answer.pod_resources {
            for container in pod.containers {
                let owner =
                    Owner { namespace: pod.namespace.clone(), pod: pod.name.clone(), container: container.name };
                let ours = container.devices.into_iter().filter(|devices| devices.resource_name.starts_with(VENDOR));
                for id in ours.flat_map(|devices| devices.device_ids) {
                    // A card that is shared in time has an id for each that shares it.
                    let device = id.split_once("::").map_or(id.as_str(), |(device, _)| device).to_owned();
                    let known = owners.entry(device).or_insert_with(|| Some(owner.clone()));
                    if known.as_ref() != Some(&owner) {
                        *known = None;
                    }
                }
            }
        }
        Owners(owners)
    }

    /// Device plugins name a card by its UUID or by its file.
    pub(super) fn of_card(&self, identity: &Identity) -> Option<&Owner> {
        self.0.get(&identity.uuid).or_else(|| self.0.get(&identity.device()))?.as_ref()
    }

    pub(super) fn of_instance(&self, instance: &Instance) -> Option<&Owner> {
        self.0.get(&instance.uuid)?.as_ref()
    }
}

/// Asks the kubelet, where there is one.
pub(super) struct Pods {
    socket: Option<PathBuf>,
    /// Whether it was said that there is none.
    is_absence_told: bool,
}

impl Pods {
    pub(super) fn new(config: &PodResources) -> Self {
        Pods { socket: config.enabled.then(|| config.socket.clone()), is_absence_told: false }
    }

    /// Who has which card now; nobody where there is no kubelet.
    ///
    /// # Errors
    /// Where there is one and it does not answer.
    pub(super) async fn owners(&mut self) -> Result<Owners, Missed> {
        let Some(socket) = &self.socket else { return Ok(Owners::default()) };
        match tokio::fs::metadata(socket).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if !std::mem::replace(&mut self.is_absence_told, true) {
                    tracing::info!(
                        socket = %socket.display(),
                        "there is no kubelet here, and no pod is told of a GPU; mount its folder here, or set \
                         `pod_resources.enabled` to false"
                    );
                }
                return Ok(Owners::default());
            }
            _ => self.is_absence_told = false,
        }
        let place = socket.display().to_string();
        let missed = |problem: String| Missed {
            points: 0,
            ..Missed::new(
                &place,
                problem,
                "let this process connect to the kubelet's socket, or set `pod_resources.enabled` to false",
            )
        };
        let asked = tokio::time::timeout(TIMEOUT, list(&place)).await;
        let answer = asked.map_err(|_| missed(format!("it has not answered within {TIMEOUT:?}")))?;
        answer.map(Owners::of).map_err(|status| missed(status.message().to_owned()))
    }
}

async fn list(socket: &str) -> Result<ListResponse, Status> {
    let unavailable = |error: tonic::transport::Error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Status::unavailable(format!("{error}{cause}"))
    };
    let endpoint = Endpoint::from_shared(format!("unix://{socket}")).map_err(unavailable)?;
    let channel = endpoint.connect().await.map_err(unavailable)?;
    let mut grpc = Grpc::new(channel).max_decoding_message_size(LIMIT);
    grpc.ready().await.map_err(unavailable)?;
    let codec = ProstCodec::<ListRequest, ListResponse>::default();
    let answer = grpc.unary(Request::new(ListRequest {}), PathAndQuery::from_static(LIST), codec).await?;
    Ok(answer.into_inner())
}
