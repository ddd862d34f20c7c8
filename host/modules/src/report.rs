//! What a host says of pushed modules: an event where one is refused, and the states of all on its own pod.

use std::collections::BTreeMap;
use std::time::Duration;

use host_kubernetes::{Api, ApiError};
use host_manifest::Digest;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use crate::objects::MODULES;

/// How often the annotation of a pod is written at most; where that fails, it is tried after twice the time before, up to the longest.
const PAUSE: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
const ANSWER: Duration = Duration::from_secs(5);
/// So much of the name of a head begins that of an event.
const NAME: usize = 200;
/// The API server takes no longer message of an event.
const MESSAGE: usize = 1024;
/// Nor does it take much more than that of annotations.
const ANNOTATION: usize = 200 << 10;
/// What one state takes at least: it has two digests.
const LEAST: usize = 256;
/// The state of what runs.
pub(crate) const LIVE: &str = "Live";

/// How what one head says stands on one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) module: String,
    pub(crate) revision: u64,
    pub(crate) digest: String,
    pub(crate) state: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// The digest of the manifest that this is about.
    #[serde(default)]
    pub(crate) manifest: String,
}

/// By head.
pub(crate) type States = BTreeMap<String, State>;

/// Why a head is refused.
pub(crate) struct Complaint<'c> {
    pub(crate) head: &'c str,
    pub(crate) uid: Option<String>,
    /// The digest of the manifest that is refused.
    pub(crate) manifest: &'c str,
    pub(crate) reason: &'c str,
    pub(crate) message: &'c str,
}

pub(crate) struct Reporter {
    pod: Option<String>,
    written: Option<States>,
    next: Option<Instant>,
    pause: Duration,
    /// Why the pod could not be told last: it is said once.
    trouble: Option<String>,
}

impl Reporter {
    pub(crate) fn new(pod: Option<String>) -> Self {
        Reporter { pod, written: None, next: None, pause: PAUSE, trouble: None }
    }

    /// Makes an event, unless a host has made the same before: its name says what it is about.
    pub(crate) async fn tell(&self, api: &Api, namespace: &str, complaint: &Complaint<'_>) {
        let event = event(namespace, complaint);
        let made = match timeout(ANSWER, api.create(namespace, &event, false)).await {
            Ok(made) => made.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err("there was no answer in time".to_owned()),
        };
        if let Err(error) = made {
            tracing::warn!(head = complaint.head, error, "no event tells of a pushed module that is refused");
        }
    }

    /// Whether the states are others than what the pod says, and it may be told already.
    pub(crate) fn is_due(&self, states: &States) -> bool {
        self.pod.is_some()
            && self.written.as_ref() != Some(states)
            && !(self.written.is_none() && states.is_empty())
            && self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Says on the pod how modules stand; whether it was told.
    pub(crate) async fn report(&mut self, api: &Api, namespace: &str, states: States) -> bool {
        let Some(pod) = &self.pod else { return true };
        let (text, left_out) = said(&states);
        if left_out > 0 {
            tracing::warn!(
                pod,
                left_out,
                "the pod cannot be told of so many modules: those that are live and do not fit are left out"
            );
        }
        let annotations = [(MODULES.to_owned(), text)].into();
        let annotating = api.annotate::<Pod>(namespace, pod, &annotations);
        let told = match timeout(ANSWER, annotating).await {
            Ok(told) => told.map_err(|error| error.to_string()),
            Err(_) => Err("there was no answer in time".to_owned()),
        };
        let trouble = told.err();
        if let Some(error) = trouble.as_ref().filter(|error| self.trouble.as_ref() != Some(error)) {
            tracing::warn!(pod, error, "the pod cannot be told how its modules stand: it is tried again");
        }
        let is_told = trouble.is_none();
        let pause = if is_told { PAUSE } else { self.pause };
        (self.next, self.trouble) = (Some(Instant::now() + pause), trouble);
        self.pause = if is_told { PAUSE } else { (pause * 2).min(LONGEST) };
        if is_told {
            self.written = Some(states);
        }
        is_told
    }
}

/// The states as text, without as many of those that are live as do not fit; and how many these are.
pub(crate) fn said(states: &States) -> (String, usize) {
    let (mut states, mut left_out) = (states.clone(), 0);
    loop {
        // States are text and numbers.
        let text = serde_json::to_string(&states).unwrap_or_default();
        let over = text.len().saturating_sub(ANNOTATION);
        let live = states.iter().filter(|(_, state)| state.state == LIVE).map(|(head, _)| head.clone());
        let surplus: Vec<String> = live.take(over.div_ceil(LEAST)).collect();
        if over == 0 || surplus.is_empty() {
            return (text, left_out);
        }
        left_out += surplus.len();
        surplus.iter().for_each(|head| drop(states.remove(head)));
    }
}

/// An event that has the same name on each host that refuses the same manifest of a head for the same reason.
pub(crate) fn event(namespace: &str, complaint: &Complaint<'_>) -> Event {
    let Complaint { head, uid, manifest, reason, message } = complaint;
    let now = Time(jiff::Timestamp::now());
    let about = Digest::of(format!("{head} {manifest} {reason}").as_bytes()).short();
    // A ConfigMap may have a name that leaves no room for more.
    let begin: String = head.chars().take(NAME).collect();
    let begin = begin.trim_end_matches(['-', '.']);
    let message: String =
        message.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MESSAGE).map(|(_, c)| c).collect();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{begin}.{about}")),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ConfigMap".to_owned()),
            name: Some((*head).to_owned()),
            namespace: Some(namespace.to_owned()),
            uid: uid.clone(),
            ..ObjectReference::default()
        },
        reason: Some((*reason).to_owned()),
        message: Some(message),
        type_: Some("Warning".to_owned()),
        source: Some(EventSource { component: Some("tidegate".to_owned()), host: None }),
        first_timestamp: Some(now.clone()),
        last_timestamp: Some(now),
        count: Some(1),
        ..Event::default()
    }
}

/// How the modules stand on one host, as its pod says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub pod: String,
    pub modules: Vec<Report>,
}

/// How what one head says stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub head: String,
    pub module: String,
    pub revision: u64,
    pub digest: String,
    pub state: String,
    pub reason: String,
    /// The digest of the manifest that this is about.
    pub manifest: String,
}

/// All hosts of a namespace that say something of modules.
///
/// # Errors
/// When the server is not reached, or does not tell.
pub async fn hosts(api: &Api, namespace: &str) -> Result<Vec<Host>, ApiError> {
    let pods = api.list::<Pod>(namespace, "").await?;
    let said =
        pods.into_iter().filter_map(|pod| {
            // One that ends, or has ended, says nothing new any more.
            let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
            let is_over = pod.metadata.deletion_timestamp.is_some() || matches!(phase.as_str(), "Failed" | "Succeeded");
            let metadata = (!is_over).then_some(pod.metadata)?;
            let text = metadata.annotations?.remove(MODULES)?;
            let states: States = serde_json::from_str(&text).ok()?;
            let report = |(head, State { module, revision, digest, state, reason, manifest }): (String, State)| {
                Report { head, module, revision, digest, state, reason, manifest }
            };
            Some(Host { pod: metadata.name?, modules: states.into_iter().map(report).collect() })
        });
    Ok(said.collect())
}
