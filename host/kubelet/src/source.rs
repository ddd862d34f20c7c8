//! Where documents come from: the kubelet itself, or the API server that asks it for us.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use host_kubernetes::Api;
use host_periodic::Missed;
use host_receivers::budget::Reservation;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Body;

use crate::config::AuthType;
use crate::http::{Client, chain};

/// A document beyond this is none of a node's: the largest has a few thousand pods.
pub(crate) const MOST: usize = 32 << 20;
/// What is read of an answer that is no document, and what is told of it.
const REFUSAL: usize = 8 << 10;
const TOLD: usize = 300;
/// How long one answer may take, whatever the collection may.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) enum Source {
    Kubelet { client: Box<Client>, auth: AuthType },
    ApiServer { api: Api, node: String },
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Summary,
    Pods,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it has not answered within {PATIENCE:?}")]
    Late,
    #[error("it answers HTTP {status}{}{message}", if message.is_empty() { "" } else { ": " })]
    Status { status: StatusCode, message: String },
    #[error("what it answers is larger than {} MiB", MOST >> 20)]
    TooLarge,
    #[error("there is no room for what it answers")]
    NoRoom,
    #[error("what it answers is none of the kubelet's documents: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Document {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Document::Summary => "/stats/summary",
            Document::Pods => "/pods",
        }
    }

    /// What a role has to allow.
    fn resource(self) -> &'static str {
        match self {
            Document::Summary => "`get` of the resource `nodes/stats`",
            Document::Pods => {
                "`get` of the resource `nodes/pods` (before Kubernetes 1.33, `nodes/proxy`), or switch off what needs it: the \
                 metric `k8s.container.restarts`, `extra_metadata_labels`, and shares of limits and requests"
            }
        }
    }
}

impl Source {
    /// Where a document is, for people.
    pub(crate) fn place(&self, document: Document) -> String {
        match self {
            Source::Kubelet { client, .. } => client.place(document.path()),
            Source::ApiServer { node, .. } => format!("{} of the kubelet of {node}", document.path()),
        }
    }

    /// To be called before documents are asked for together.
    pub(crate) async fn look(&self) {
        if let Source::Kubelet { client, .. } = self {
            client.look().await;
        }
    }

    /// A document in full, for which `room` grows.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn get(&self, document: Document, room: &mut Reservation) -> Result<Vec<u8>, Failed> {
        let getting = async {
            match self {
                Source::Kubelet { client, .. } => {
                    let answer = client.get(document.path()).await.map_err(Failed::Unreachable)?;
                    body(answer, room).await
                }
                Source::ApiServer { api, node } => {
                    let answer = api.of_kubelet(node, document.path()).await;
                    body(answer.map_err(|error| Failed::Unreachable(error.to_string()))?, room).await
                }
            }
        };
        tokio::time::timeout(PATIENCE, getting).await.unwrap_or(Err(Failed::Late))
    }

    /// What is missing for want of a document, and the way out.
    pub(crate) fn missed(&self, document: Document, failed: &Failed) -> Missed {
        Missed::new(self.place(document), failed.to_string(), self.way_out(document, failed))
    }

    fn way_out(&self, document: Document, failed: &Failed) -> String {
        match failed {
            Failed::Unreachable(why) => unreachable(why).to_owned(),
            Failed::Late => "see what keeps the kubelet, or set a longer `collection_interval`".to_owned(),
            Failed::Status { status, .. } => self.refused(document, *status),
            Failed::TooLarge => "have fewer pods on the node, or leave out what asks for this".to_owned(),
            Failed::NoRoom => "raise `service.limits.in_flight_mib`".to_owned(),
            Failed::Unreadable(_) => {
                "see whether `endpoint` is the kubelet's, and no proxy cuts what it answers".to_owned()
            }
        }
    }

    fn refused(&self, document: Document, status: StatusCode) -> String {
        match (self, status) {
            (Source::ApiServer { .. }, StatusCode::FORBIDDEN) => {
                "allow the user of the kubeconfig `get` of the resource `nodes/proxy` in a ClusterRole".to_owned()
            }
            (Source::Kubelet { .. }, StatusCode::FORBIDDEN) => {
                format!("allow the account in a ClusterRole {}", document.resource())
            }
            (Source::Kubelet { auth: AuthType::None, .. }, StatusCode::UNAUTHORIZED) => {
                "this is not the port that answers everybody: write `auth_type: serviceAccount`".to_owned()
            }
            (_, StatusCode::UNAUTHORIZED) => {
                "see whether the token or the certificate is one of this cluster, and whether the kubelet asks the API server \
                 (`authentication.webhook.enabled`)"
                    .to_owned()
            }
            (Source::ApiServer { .. }, StatusCode::NOT_FOUND) => {
                "write in `endpoint` the name of a node, as `kubectl get nodes` has it".to_owned()
            }
            (Source::Kubelet { .. }, StatusCode::NOT_FOUND) => {
                "see whether `endpoint` is the kubelet's, which serves this path".to_owned()
            }
            _ => "see what the log of the kubelet says".to_owned(),
        }
    }
}

fn unreachable(why: &str) -> &'static str {
    if why.contains("UnknownIssuer") {
        "name the authority of the kubelet's certificate in `ca_file`; one that the kubelet has signed itself, as without \
         `serverTLSBootstrap`, is taken with `insecure_skip_verify: true`"
    } else if why.contains("not valid for name") {
        "name in `endpoint` what the certificate is for, or in `server_name_override`"
    } else {
        "set `endpoint` to the address of the node, such as `${env:K8S_NODE_NAME}:10250`, and see whether a network policy \
         holds this up"
    }
}

async fn body<B>(answer: Response<B>, room: &mut Reservation) -> Result<Vec<u8>, Failed>
where
    B: Body<Data = Bytes, Error: Error> + Unpin,
{
    let (head, mut body) = answer.into_parts();
    let is_document = head.status == StatusCode::OK;
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failed::Unreachable(chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > MOST {
            return Err(Failed::TooLarge);
        }
        if !room.grow(data.len()) {
            return Err(Failed::NoRoom);
        }
        whole.extend_from_slice(&data);
        if !is_document && whole.len() > REFUSAL {
            break;
        }
    }
    if is_document {
        return Ok(whole);
    }
    // The API server says it as an object.
    #[derive(serde::Deserialize)]
    struct Told {
        message: String,
    }
    let told: Option<Told> = serde_json::from_slice(&whole).ok();
    let message = told.map_or_else(|| String::from_utf8_lossy(&whole).into_owned(), |told| told.message);
    let message: String = message.trim().chars().filter(|c| !c.is_control()).take(TOLD).collect();
    Err(Failed::Status { status: head.status, message })
}
