//! Targets that a server tells as JSON. One that does not answer leaves what it said before.

use std::sync::Arc;
use std::time::Duration;

use host_component::Shutdown;
use host_config::Wrong;
use host_receivers::Budget;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::sync::watch;

use super::{Deps, Told};
use crate::config::{HttpSdConfig, StaticConfig};
use crate::counts::Counts;
use crate::http::{Client, address};
use crate::labels::Labels;
use crate::target::Group;

/// How often it is asked where nobody says.
const REFRESH: Duration = Duration::from_secs(60);
/// How large an answer may be.
const MOST: u64 = 32 << 20;

pub(crate) struct HttpDiscovery {
    owner: String,
    url: String,
    uri: Uri,
    refresh: Duration,
    client: Client,
    budget: Budget,
    counts: Arc<Counts>,
}

impl HttpDiscovery {
    pub(crate) fn new(config: &HttpSdConfig, deps: &Deps<'_>) -> Result<Self, Wrong> {
        let uri = address(&config.url).ok_or_else(|| Wrong::new("url", "it is no address"))?;
        let is_encrypted = uri.scheme_str() == Some("https");
        let client = Client::new(&config.http(), deps.owner, is_encrypted, deps.base, deps.metrics)?;
        Ok(HttpDiscovery {
            owner: deps.owner.to_owned(),
            url: config.url.clone(),
            uri,
            refresh: config.refresh_interval.filter(|interval| !interval.is_zero()).unwrap_or(REFRESH),
            client,
            budget: deps.budget.clone(),
            counts: Arc::clone(deps.counts),
        })
    }

    pub(super) async fn run(self, told: watch::Sender<Told>, mut shutdown: Shutdown) {
        loop {
            let asked = tokio::select! {
                asked = self.ask() => asked,
                () = shutdown.wait() => return,
            };
            match asked {
                Ok(groups) => {
                    if told.borrow().as_deref() != Some(&groups) {
                        told.send_replace(Some(Arc::new(groups)));
                    }
                }
                Err(error) => {
                    self.counts.discovery_failures.inc();
                    tracing::warn!(
                        receiver = self.owner,
                        url = self.url,
                        error,
                        "targets are not told; those that were told before stay"
                    );
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.refresh) => {}
                () = shutdown.wait() => return,
            }
        }
    }

    async fn ask(&self) -> Result<Vec<Group>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let seconds = HeaderValue::from_str(&self.refresh.as_secs_f64().to_string());
        if let Ok(seconds) = seconds {
            headers.insert(HeaderName::from_static("x-prometheus-refresh-interval-seconds"), seconds);
        }
        let mut room = self.budget.reserve(0).ok_or("there is no room for its answer")?;
        let asking = self.client.get(&self.uri, &headers, MOST, &mut room);
        let answer = tokio::time::timeout(self.refresh, asking).await;
        let answer = answer.map_err(|_| format!("no answer within {:?}", self.refresh))?;
        let answer = answer.map_err(|error| error.to_string())?;
        let is_json = answer.content_type.as_deref().is_some_and(|kind| kind.starts_with("application/json"));
        if !is_json {
            return Err("its answer is no `application/json`".to_owned());
        }
        let configs: Vec<StaticConfig> = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("its answer is no list of targets: {error}"))?;
        let group = |config: StaticConfig| {
            let mut labels: Labels = config.labels.into_iter().collect();
            labels.set("__meta_url", self.url.as_str());
            Group::of(&config.targets, labels)
        };
        Ok(configs.into_iter().map(group).collect())
    }
}
