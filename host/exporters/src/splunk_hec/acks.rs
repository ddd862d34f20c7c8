//! Acknowledgements: an indexer that has taken a request names it by a number, and says true for that number once it has
//! indexed it. All who wait are asked for at once.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use host_component::{Failure, Origin};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Uri};
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::http::{Answer, Client};
use crate::sending::Denial;

/// Who waits for what, and how to ask.
pub(super) struct Acks {
    uri: Uri,
    /// What tells this exporter's numbers from those of others.
    channel: HeaderValue,
    interval: Duration,
    timeout: Duration,
    waiting: Mutex<Waiting>,
    /// Held by the one who asks for all.
    asking: tokio::sync::Mutex<()>,
}

/// Those who wait, by what they wait for. Several may wait for one number: servers behind one address count each for
/// itself, and one that starts anew begins anew.
#[derive(Default)]
struct Waiting {
    entries: BTreeMap<(Asked, u64), oneshot::Sender<()>>,
    /// What tells the next one from all others; who came later has more.
    next: u64,
}

impl Waiting {
    fn add(&mut self, asked: Asked, tell: oneshot::Sender<()>) -> (Asked, u64) {
        let key = (asked, self.next);
        self.next += 1;
        self.entries.insert(key.clone(), tell);
        key
    }

    /// The numbers under a token, each once.
    fn numbers(&self, token: &[u8]) -> Vec<u64> {
        let mut numbers: Vec<u64> =
            self.entries.keys().filter(|(asked, _)| asked.token == token).map(|(asked, _)| asked.number).collect();
        numbers.dedup();
        numbers
    }

    /// Takes one who waits for this. A number is said to be indexed once, so that of several the one who came last is
    /// told: what a server had numbered so before it started anew, it knows nothing of.
    fn take(&mut self, asked: &Asked) -> Option<oneshot::Sender<()>> {
        let of_number = (asked.clone(), 0)..=(asked.clone(), u64::MAX);
        let key = self.entries.range(of_number).next_back()?.0.clone();
        self.entries.remove(&key)
    }
}

/// A number, under the token that it was given for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    token: Vec<u8>,
    number: u64,
}

/// One who waits; it waits no more when this is dropped.
struct Wait<'a> {
    acks: &'a Acks,
    key: (Asked, u64),
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.acks.waiting().entries.remove(&self.key);
    }
}

/// The number that the answer to a request names.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "ackId")]
    number: Option<u64>,
}

/// What is said of each number that was asked for.
#[derive(Deserialize)]
struct Told {
    acks: HashMap<String, bool>,
}

impl Acks {
    pub(super) fn new(uri: Uri, interval: Duration, timeout: Duration) -> Self {
        let (waiting, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        Acks { uri, channel: channel(), interval, timeout, waiting, asking }
    }

    pub(super) fn channel(&self) -> &HeaderValue {
        &self.channel
    }

    /// Waits until what `answer` names was indexed. `authorization` is what the request showed.
    ///
    /// # Errors
    /// Where it was not in time, which may pass, or the indexer names nothing.
    pub(super) async fn indexed(
        &self,
        client: &Client,
        answer: &Answer,
        authorization: &HeaderValue,
        origin: &Origin,
    ) -> Result<(), Denial> {
        let named = serde_json::from_slice::<Named>(&answer.body).ok().and_then(|named| named.number);
        let Some(number) = named else {
            let reason = "Splunk took the data and will not say when it is indexed: turn on indexer acknowledgement for the \
                          token, or take `indexer_acknowledgement` out";
            return Err(Denial::Failed(Failure::permanent(reason)));
        };
        let asked = Asked { token: authorization.as_bytes().to_vec(), number };
        let (tell, mut told) = oneshot::channel();
        let key = self.waiting().add(asked, tell);
        let _wait = Wait { acks: self, key };
        let deadline = Instant::now() + self.timeout;
        while Instant::now() < deadline {
            tokio::select! {
                answered = &mut told => if answered.is_ok() { return Ok(()) } else { break },
                () = sleep(self.interval) => {}
            }
            // One asks for all.
            let Ok(_asking) = self.asking.try_lock() else { continue };
            if let Err(error) = self.ask(client, authorization, origin).await {
                tracing::info!(%error, "cannot ask Splunk what it has indexed, will ask again");
            }
        }
        if told.try_recv().is_ok() {
            return Ok(());
        }
        let reason = format!("Splunk has not said within {:?} that it has indexed the data", self.timeout);
        Err(Denial::Failed(Failure::retryable(reason)))
    }

    /// Asks for everything under this token that somebody waits for.
    async fn ask(&self, client: &Client, authorization: &HeaderValue, origin: &Origin) -> Result<(), String> {
        let token = authorization.as_bytes();
        let numbers = self.waiting().numbers(token);
        if numbers.is_empty() {
            return Ok(());
        }
        let mut own = HeaderMap::new();
        own.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        own.insert("x-splunk-request-channel", self.channel.clone());
        own.insert(http::header::AUTHORIZATION, authorization.clone());
        let body = Bytes::from(serde_json::json!({ "acks": numbers }).to_string());
        let answer = client.post(&self.uri, &own, vec![body], origin).await.map_err(|denial| format!("{denial:?}"))?;
        if !answer.status.is_success() {
            return Err(format!("HTTP {}: {}", answer.status, answer.message()));
        }
        let told: Told = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        let mut waiting = self.waiting();
        let indexed =
            told.acks.iter().filter(|(_, is_indexed)| **is_indexed).filter_map(|(number, _)| number.parse().ok());
        for number in indexed {
            if let Some(tell) = waiting.take(&Asked { token: token.to_vec(), number }) {
                // Who waits no more has nothing to hear.
                let _ = tell.send(());
            }
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that nobody else has, in the form of a GUID.
pub(super) fn channel() -> HeaderValue {
    let [one, two] = [(); 2].map(|()| RandomState::new().hash_one(()));
    let (a, b, c) = (one >> 32, (one >> 16) & 0xffff, one & 0x0fff);
    let (d, e) = ((two >> 48) & 0x3fff | 0x8000, two & 0xffff_ffff_ffff);
    HeaderValue::try_from(format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}"))
        .unwrap_or_else(|_| HeaderValue::from_static("00000000-0000-4000-8000-000000000000"))
}

#[cfg(test)]
mod tests;
