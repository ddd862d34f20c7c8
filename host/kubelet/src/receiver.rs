//! The receiver: in each scrape it asks for what is needed, reads it on a thread that may take its time, and makes metrics of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join;
use host_component::{ComponentId, Consumers};
use host_config::{Check as _, Wrong};
use host_kubernetes::{Access, Api, ApiError};
use host_periodic::{Collect, Collected, Missed, Periodic, now};
use host_receivers::budget::Reservation;
use host_receivers::{Budget, Deps};
use host_telemetry::{Metrics, OwnGauge};
use host_tls::Target;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

use crate::collect::{Scrape, collect};
use crate::config::{AuthType, Config, bare};
use crate::details::{Asker, Details};
use crate::http::{self, Client};
use crate::pods::Pods;
use crate::settings::Settings;
use crate::source::{Document, Failed, Source};
use crate::summary::{self, Summary};
use crate::usage::Usage;

/// The type of the receiver, as which it is counted.
const NAME: &str = "kubelet_stats";
/// What Kubernetes gives each pod of its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Documents beyond this are read on a thread that may take its time.
const AT_ONCE: usize = 256 << 10;

/// The receiver, not scraping yet.
pub type KubeletStats = Periodic<Kubelet>;

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
    #[error("{id}: {key}: {error}")]
    Api { id: ComponentId, key: &'static str, error: ApiError },
}

/// Asks a kubelet at each collection.
pub struct Kubelet {
    source: Source,
    budget: Budget,
    asker: Option<Asker>,
    wants: Wants,
    details: Arc<Details>,
    /// Held on the thread that reads alone: one that is not waited for any more is waited for by the next.
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy)]
struct Wants {
    pods: bool,
    claims: bool,
}

/// What there is from one collection to the next.
struct State {
    settings: Settings,
    usage: Usage,
    objects: OwnGauge,
}

impl Config {
    /// Makes the receiver.
    ///
    /// # Errors
    /// Where a value makes no sense, or a file that is named or needed cannot be used.
    pub async fn build(
        self,
        id: ComponentId,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Result<KubeletStats, BuildError> {
        let kubelet = self.kubelet(&id, deps, Path::new(SERVICE_ACCOUNT)).await?;
        Ok(Periodic::new(&id, NAME, self.schedule(), kubelet, consumers, deps))
    }

    /// Makes what asks the kubelet; `account` is the folder of the service account.
    pub(crate) async fn kubelet(
        &self,
        id: &ComponentId,
        deps: &Deps<'_>,
        account: &Path,
    ) -> Result<Kubelet, BuildError> {
        let value = |wrong| BuildError::Value { id: id.clone(), wrong };
        let api = |key| move |error| BuildError::Api { id: id.clone(), key, error };
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(value(wrong));
        }
        let settings = self.settings();
        let asker = self.asker(&settings).await.map_err(api("k8s_api_config"))?;
        let source = if self.auth_type == AuthType::KubeConfig {
            let node = self.endpoint.trim().to_owned();
            Source::ApiServer { api: self.api_server().await.map_err(api("auth_type"))?, node }
        } else {
            let client = self.client(&id.to_string(), deps, account).map_err(value)?;
            Source::Kubelet { client: Box::new(client), auth: self.auth_type }
        };
        let wants = Wants { pods: settings.needs_pods(), claims: asker.is_some() && settings.needs_claims() };
        let objects = objects(id, deps.metrics);
        let state = Arc::new(Mutex::new(State { settings, usage: Usage::default(), objects }));
        let (budget, details) = (deps.budget.clone(), Arc::default());
        Ok(Kubelet { source, budget, asker, wants, details, state })
    }

    /// Who asks the API server for what the kubelet does not know.
    async fn asker(&self, settings: &Settings) -> Result<Option<Asker>, ApiError> {
        let needed = settings.needs_capacity() || settings.needs_claims();
        let Some(config) = self.k8s_api_config.as_ref().filter(|_| needed) else { return Ok(None) };
        let access =
            Access { auth_type: config.auth_type, context: config.context.clone(), insecure_skip_verify: false };
        let node = settings.needs_capacity().then(|| self.node.clone());
        Ok(Some(Asker::new(Api::new(&access).await?, node)))
    }

    /// The API server of the kubeconfig, which asks the kubelet.
    async fn api_server(&self) -> Result<Api, ApiError> {
        let access = Access {
            auth_type: host_kubernetes::AuthType::KubeConfig,
            context: self.context.clone(),
            insecure_skip_verify: self.insecure_skip_verify,
        };
        Api::new(&access).await
    }

    fn client(&self, owner: &str, deps: &Deps<'_>, account: &Path) -> Result<Client, Wrong> {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let base = self.address(&host)?;
        let is_account = self.auth_type == AuthType::ServiceAccount;
        let token = is_account.then(|| http::token(account.join("token"), owner, deps.metrics)).transpose()?;
        let encrypter = if base.scheme_str() == Some("https") {
            let mut tls = self.tls();
            if is_account && !self.names_authority() {
                tls.ca_file = account.join("ca.crt");
            }
            let host = base.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            let target = Target { owner, key: "tls", host, https: true, alpn: &[b"http/1.1"], base: deps.base };
            tls.build(&target, deps.metrics).map_err(|wrong| bare(vec![wrong]).remove(0))?
        } else {
            None
        };
        Ok(Client::new(base, encrypter, token))
    }
}

fn objects(id: &ComponentId, metrics: &Metrics) -> OwnGauge {
    let help = "Nodes, pods and containers whose CPU time is remembered from one scrape to the next.";
    metrics.own_gauge("tidegate_kubelet_receiver_objects", help, &[("receiver", &id.to_string())], 0)
}

impl Collect for Kubelet {
    async fn collect(&mut self) -> Result<Collected, Missed> {
        let [mut of_summary, mut of_pods] = [self.room()?, self.room()?];
        self.source.look().await;
        let asking =
            async { if self.wants.pods { Some(self.source.get(Document::Pods, &mut of_pods).await) } else { None } };
        let (summary, pods) = join(self.source.get(Document::Summary, &mut of_summary), asking).await;
        let summary = Arc::new(summary.map_err(|failed| self.source.missed(Document::Summary, &failed))?);
        let (pods, failed) = match pods.transpose() {
            Ok(pods) => (pods, None),
            Err(failed) => (None, Some(failed)),
        };
        let mut missed: Vec<Missed> = failed.iter().map(|failed| self.source.missed(Document::Pods, failed)).collect();
        missed.extend(self.ask(&summary).await?);
        let (state, details) = (Arc::clone(&self.state), Arc::clone(&self.details));
        let size = summary.len() + pods.as_ref().map_or(0, Vec::len);
        let reading = move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.read(&summary, pods.as_deref(), &details)
        };
        let (metrics, unreadable) = apart(size, reading)
            .await?
            .map_err(|error| self.source.missed(Document::Summary, &Failed::Unreadable(error)))?;
        missed.extend(unreadable.map(|error| self.source.missed(Document::Pods, &Failed::Unreadable(error))));
        Ok(Collected::of(NAME, metrics, missed))
    }
}

impl Kubelet {
    fn room(&self) -> Result<Reservation, Missed> {
        self.budget.reserve(0).ok_or_else(|| self.source.missed(Document::Summary, &Failed::NoRoom))
    }

    /// Asks the API server for what is behind a summary. Gives what could not be had.
    async fn ask(&mut self, summary: &Arc<Vec<u8>>) -> Result<Vec<Missed>, Missed> {
        let Some(asker) = &mut self.asker else { return Ok(Vec::new()) };
        let claims = if self.wants.claims {
            let document = Arc::clone(summary);
            apart(summary.len(), move || summary::claims(&document)).await?
        } else {
            BTreeSet::new()
        };
        Ok(asker.ask(Arc::make_mut(&mut self.details), claims).await)
    }
}

type Read = Result<(Vec<ResourceMetrics>, Option<serde_json::Error>), serde_json::Error>;

impl State {
    /// Makes metrics of documents; says why pods could not be read.
    fn read(&mut self, summary: &[u8], pods: Option<&[u8]>, details: &Details) -> Read {
        let summary = Summary::read(summary)?;
        let (pods, unreadable) = match pods.map(Pods::read).transpose() {
            Ok(pods) => (pods, None),
            Err(error) => (None, Some(error)),
        };
        let scrape = Scrape { now: now(), summary: &summary, pods: pods.as_ref(), details };
        let metrics = collect(&self.settings, &mut self.usage, scrape);
        self.objects.set(i64::try_from(self.usage.finish()).unwrap_or(i64::MAX));
        Ok((metrics, unreadable))
    }
}

/// Works on so many bytes: where there are many, on a thread that may take its time.
async fn apart<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Missed> {
    if bytes <= AT_ONCE {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        Missed::new("the reading thread", error.to_string(), "report it: it is a mistake in this program")
    })
}
