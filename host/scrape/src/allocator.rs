//! The client of a target allocator, as the OpenTelemetry operator runs one: it tells the jobs, and of each which targets are
//! this replica's.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use host_component::{Shutdown, Trigger, spawn};
use host_config::{Value, Wrong};
use host_receivers::Budget;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderValue, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use tokio::task::JoinSet;

use crate::config::{Global, HttpSdConfig, Job, ScrapeConfig, TargetAllocator};
use crate::counts::Counts;
use crate::http::{Client, address};
use crate::workshop::Workshop;

/// How large what it tells may be.
const MOST: u64 = 32 << 20;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Allocator {
    config: TargetAllocator,
    uri: Uri,
    client: Client,
    budget: Budget,
    counts: Counts,
    workshop: Workshop,
}

/// A job under way, and what it was made of.
struct Running {
    content: String,
    /// Ends it; what it has scraped is told stale by nobody, since another replica may go on with it.
    _trigger: Trigger,
}

impl Allocator {
    pub(crate) fn new(config: &TargetAllocator, workshop: Workshop) -> Result<Self, Wrong> {
        let whole = format!("{}/scrape_configs", config.endpoint.trim_end_matches('/'));
        let uri = address(&whole).ok_or_else(|| Wrong::new("endpoint", "it is no address"))?;
        let client = workshop.client(&config.http(), uri.scheme_str() == Some("https"))?;
        let budget = workshop.budget().clone();
        let counts = workshop.counts("");
        Ok(Allocator { config: config.clone(), uri, client, budget, counts, workshop })
    }

    pub(crate) async fn run(self, mut shutdown: Shutdown) {
        let mut running: HashMap<String, Running> = HashMap::new();
        let mut jobs = JoinSet::new();
        loop {
            let asked = tokio::select! {
                asked = self.ask() => asked,
                () = shutdown.wait() => break,
            };
            match asked {
                Ok(told) => self.follow(told, &mut running, &mut jobs),
                Err(error) => self.failed(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(self.config.interval()) => {}
                () = shutdown.wait() => break,
            }
            while jobs.try_join_next().is_some() {}
        }
        drop(running);
        while jobs.join_next().await.is_some() {}
    }

    fn failed(&self, error: &str) {
        self.counts.discovery_failures.inc();
        let (receiver, endpoint) = (self.workshop.owner(), &self.config.endpoint);
        tracing::warn!(
            receiver,
            endpoint,
            error,
            "the target allocator does not tell jobs; those that it told before stay"
        );
    }

    /// Has the jobs be those that are told now.
    fn follow(&self, told: BTreeMap<String, Value>, running: &mut HashMap<String, Running>, jobs: &mut JoinSet<()>) {
        running.retain(|name, job| told.get(name).is_some_and(|value| value.canonical() == job.content));
        for (name, value) in told {
            if running.contains_key(&name) {
                continue;
            }
            let made = self
                .job(&name, &value)
                .and_then(|job| self.workshop.runner(job, false).map_err(|wrong| wrong.to_string()));
            match made {
                Ok(runner) => {
                    let (trigger, ending) = Trigger::new();
                    let task = spawn("scrape job", self.workshop.owner(), runner.run(ending));
                    jobs.spawn(async move {
                        // One that panics is told by whoever catches panics.
                        let _ = task.await;
                    });
                    running.insert(name, Running { content: value.canonical(), _trigger: trigger });
                }
                Err(error) => self.failed(&format!("the job {name:?} cannot be made: {error}")),
            }
        }
    }

    /// The job of this name, with the targets that the allocator gives to this replica.
    fn job(&self, name: &str, value: &Value) -> Result<Job, String> {
        let config: ScrapeConfig = value.decode().map_err(|errors| first_line(&errors.to_string()))?;
        let global = Global::default();
        // Where targets are, the allocator knows.
        let is_ours = |wrong: &Wrong| !wrong.key.contains("_sd_configs") && !wrong.key.starts_with("static_configs");
        if let Some(wrong) = config.wrongs(&global).into_iter().find(is_ours) {
            return Err(wrong.to_string());
        }
        let mut job = config.job(&global);
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let url = format!(
            "{}/jobs/{}/targets?collector_id={}",
            self.config.endpoint.trim_end_matches('/'),
            escaped(name),
            escaped(&self.config.collector_id)
        );
        job.static_configs.clear();
        job.file_sd_configs.clear();
        job.kubernetes_sd_configs.clear();
        job.http_sd_configs = vec![HttpSdConfig::at(url, self.config.interval(), &self.config.http())];
        Ok(job)
    }

    async fn ask(&self) -> Result<BTreeMap<String, Value>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut room = self.budget.reserve(0).ok_or("there is no room for its answer")?;
        let asking = self.client.get(&self.uri, &headers, MOST, &mut room);
        let answer =
            tokio::time::timeout(TIMEOUT, asking).await.map_err(|_| format!("no answer within {TIMEOUT:?}"))?;
        let answer = answer.map_err(|error| format!("it {error}"))?;
        let text = String::from_utf8(answer.body).map_err(|_| "its answer is no text".to_owned())?;
        let told = Value::parse("scrape_configs", &text).map_err(|errors| first_line(&errors.to_string()))?;
        let names: BTreeMap<String, IgnoredAny> = told.decode().map_err(|errors| first_line(&errors.to_string()))?;
        Ok(names.into_keys().filter_map(|name| Some((name.clone(), told.get(&name)?))).collect())
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
