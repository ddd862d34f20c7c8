//! What a host says of pushed modules: an event where one is refused, and the states of all on its own pod.

use std::collections::{BTreeMap, BTreeSet};
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
/// Digits of a digest that a pod is told.
pub(crate) const DIGITS: usize = 12;
/// The state of what runs.
pub(crate) const LIVE: &str = "Live";
/// The state of a module that a processor is of, while no head of it is known.
const MISSING: &str = "Missing";

/// How what one head says stands on one host. What most have in common is not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) head: String,
    /// Empty where it is that of the head.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) module: String,
    pub(crate) revision: u64,
    pub(crate) digest: String,
    #[serde(default = "live", skip_serializing_if = "is_live")]
    pub(crate) state: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// The first digits of the digest of the manifest that this is about.
    pub(crate) manifest: String,
    /// Since when it is live, where it is.
    #[serde(skip)]
    pub(crate) since: Option<Instant>,
}

/// What a host says on its own pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The modules that its processors are of, and why nothing can be said of one; empty where there is something to say.
    pub(crate) wanted: BTreeMap<String, String>,
    pub(crate) heads: Vec<State>,
    /// Heads that there was no room for.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) left_out: usize,
}

fn live() -> String {
    LIVE.to_owned()
}

fn is_live(state: &str) -> bool {
    state == LIVE
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

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
    written: Option<Said>,
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

    /// Whether this is another than what the pod says, and it may be told already.
    pub(crate) fn is_due(&self, said: &Said) -> bool {
        self.pod.is_some()
            && self.written.as_ref() != Some(said)
            && !(self.written.is_none() && *said == Said::default())
            && self.next.is_none_or(|next| next <= Instant::now())
    }

    /// Says on the pod how modules stand; whether it was told.
    pub(crate) async fn report(&mut self, api: &Api, namespace: &str, said: Said) -> bool {
        let Some(pod) = &self.pod else { return true };
        let (text, left_out) = written(&said);
        if left_out > 0 {
            tracing::warn!(
                pod,
                left_out,
                "the pod cannot be told of so many heads: those that have been live longest are left out"
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
            self.written = Some(said);
        }
        is_told
    }
}

/// What is said as text, without what does not fit: of heads, those that have been live longest. And how many these are.
pub(crate) fn written(said: &Said) -> (String, usize) {
    // All that is said is text and numbers.
    let text = |said: &Said| serde_json::to_string(said).unwrap_or_default();
    let mut heads: Vec<&State> = said.heads.iter().collect();
    // What is not live comes first, and then what has been so for the shortest time.
    heads.sort_by_key(|head| (head.since.is_some(), std::cmp::Reverse(head.since)));
    let mut fitting = Said { wanted: said.wanted.clone(), heads: Vec::new(), left_out: heads.len() };
    let mut room = ANNOTATION.saturating_sub(text(&fitting).len());
    for head in heads {
        let mut head = head.clone();
        if head.module == head.head {
            head.module.clear();
        }
        head.reason = cut(&head.reason);
        let taken = serde_json::to_string(&head).unwrap_or_default().len() + 1;
        if taken > room {
            break;
        }
        room -= taken;
        fitting.left_out -= 1;
        fitting.heads.push(head);
    }
    (text(&fitting), fitting.left_out)
}

/// As much of a message as the API server takes of that of an event.
fn cut(message: &str) -> String {
    message.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MESSAGE).map(|(_, c)| c).collect()
}

/// An event that has the same name on each host that refuses the same manifest of a head for the same reason.
pub(crate) fn event(namespace: &str, complaint: &Complaint<'_>) -> Event {
    let Complaint { head, uid, manifest, reason, message } = complaint;
    let now = Time(jiff::Timestamp::now());
    let about = Digest::of(format!("{head} {manifest} {reason}").as_bytes()).short();
    // A ConfigMap may have a name that leaves no room for more.
    let begin: String = head.chars().take(NAME).collect();
    let begin = begin.trim_end_matches(['-', '.']);
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
        message: Some(cut(message)),
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
    /// The modules that its processors are of.
    pub wanted: BTreeSet<String>,
    pub modules: Vec<Report>,
    /// Heads that its pod has no room for: those that have been live longest.
    pub left_out: usize,
}

/// How what one head says stands there, or that there is none of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// None where the module is missing.
    pub head: Option<String>,
    pub module: String,
    pub revision: u64,
    /// The first digits.
    pub digest: String,
    pub state: String,
    pub reason: String,
    /// The first digits of the digest of the manifest that this is about.
    pub manifest: String,
}

impl From<State> for Report {
    fn from(State { head, module, revision, digest, state, reason, manifest, .. }: State) -> Self {
        let module = if module.is_empty() { head.clone() } else { module };
        Report { head: Some(head), module, revision, digest, state, reason, manifest }
    }
}

impl Host {
    /// What a pod says.
    pub(crate) fn read(pod: String, text: &str) -> Option<Host> {
        let Said { wanted, heads, left_out } = serde_json::from_str(text).ok()?;
        let mut modules: Vec<Report> = heads.into_iter().map(Report::from).collect();
        let missing = wanted.iter().filter(|(_, why)| !why.is_empty()).map(|(module, why)| {
            let (module, reason, state) = (module.clone(), why.clone(), MISSING.to_owned());
            let (digest, manifest) = (String::new(), String::new());
            Report { head: None, module, revision: 0, digest, state, reason, manifest }
        });
        modules.extend(missing);
        Some(Host { pod, wanted: wanted.into_keys().collect(), modules, left_out })
    }
}

/// All hosts of a namespace that say something of modules.
///
/// # Errors
/// When the server is not reached, or does not tell.
pub async fn hosts(api: &Api, namespace: &str) -> Result<Vec<Host>, ApiError> {
    let pods = api.list::<Pod>(namespace, "").await?;
    let said = pods.into_iter().filter_map(|pod| {
        // One that ends, or has ended, says nothing new any more.
        let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
        let is_over = pod.metadata.deletion_timestamp.is_some() || matches!(phase.as_str(), "Failed" | "Succeeded");
        let metadata = (!is_over).then_some(pod.metadata)?;
        let text = metadata.annotations?.remove(MODULES)?;
        Host::read(metadata.name?, &text)
    });
    Ok(said.collect())
}
