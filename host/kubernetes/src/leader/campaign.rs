//! A campaign is one candidate's part in an election: it asks for the Lease, renews it while it has it, and gives it up.
//!
//! How long ago another renewed the Lease is told by the clock of this process, from when a change of it was seen: clocks of
//! other machines do not matter.

use std::time::Duration;

use host_telemetry::{Counter, Gauge, Metrics};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::config::{Config, JITTER};
use super::record;
use crate::api::{Api, told};

/// What giving the Lease up may take.
const FAREWELL: Duration = Duration::from_secs(2);
const NOT_FOUND: u16 = 404;
const CONFLICT: u16 = 409;

pub(super) struct Campaign {
    extension: String,
    config: Config,
    /// Unlike that of each other process.
    identity: String,
    api: Option<Api>,
    /// The Lease as it was seen last, and when it was seen to have changed.
    seen: Option<(Lease, Instant)>,
    told: watch::Sender<bool>,
    is_in_trouble: bool,
    is_leader: Gauge,
    failures: Counter,
}

impl Campaign {
    pub(super) fn new(extension: &str, config: Config, told: watch::Sender<bool>, metrics: &Metrics) -> Self {
        let labels = [("extension", extension)];
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Campaign {
            extension: extension.to_owned(),
            config,
            identity: format!("{}_{:032x}", host.trim(), fastrand::u128(..)),
            api: None,
            seen: None,
            told,
            is_in_trouble: false,
            is_leader: metrics.gauge(
                "tidegate_k8s_leader_elector_leader",
                "1 while this process is the leader.",
                &labels,
            ),
            failures: metrics.counter(
                "tidegate_k8s_leader_elector_failures",
                "Questions for the Lease that the API server did not answer, or refused.",
                &labels,
            ),
        }
    }

    /// Takes part until nobody wants to know the outcome any more.
    pub(super) async fn run(mut self, mut is_wanted: watch::Receiver<()>) {
        tokio::select! {
            () = self.stand() => {}
            // There is nothing to hear but the end.
            _ = is_wanted.changed() => {}
        }
        if self.told.send_replace(false) {
            self.is_leader.set(0);
            let _ = timeout(FAREWELL, self.give_up()).await;
        }
    }

    async fn stand(&mut self) {
        let retry = self.config.retry_period;
        loop {
            while !self.ask(self.config.renew_deadline).await {
                sleep(retry.mul_f64(1.0 + JITTER * fastrand::f64())).await;
            }
            self.lead().await;
            self.told.send_replace(false);
            self.is_leader.set(0);
            tracing::warn!(
                extension = self.extension,
                "not the leader any more: the lease could not be renewed in time, or another has it"
            );
        }
    }

    /// Renews the Lease, and returns when that was not possible in time, or another has it.
    async fn lead(&mut self) {
        let identity = self.identity.clone();
        let lease = format!("{}/{}", self.config.lease_namespace, self.config.lease_name);
        tracing::info!(extension = self.extension, lease, identity, "elected: this is the leader");
        self.told.send_replace(true);
        self.is_leader.set(1);
        loop {
            // Counted from when the last renewal was asked for, which is before the server wrote it.
            let Some(renewed) = self.asked_at() else { return };
            let end = renewed + self.config.renew_deadline;
            let next = renewed + self.config.retry_period;
            sleep_until(next.min(end)).await;
            while !self.ask(end.saturating_duration_since(Instant::now())).await {
                let is_others = self.seen.as_ref().is_some_and(|(lease, _)| record::holder(lease) != self.identity);
                if is_others || Instant::now() >= end {
                    return;
                }
                sleep_until((Instant::now() + self.config.retry_period).min(end)).await;
            }
        }
    }

    /// When the Lease that this process holds was asked for.
    fn asked_at(&self) -> Option<Instant> {
        self.seen.as_ref().map(|(_, at)| *at)
    }

    /// Asks for the Lease, or for more of it: whether this process has it now. No answer within `patience` is none.
    async fn ask(&mut self, patience: Duration) -> bool {
        // One that hangs is not to take all the time that there is.
        let patience = patience.min(self.config.renew_deadline / 2);
        let outcome = match timeout(patience, self.try_to_have()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the API server has not answered within {patience:?}")),
        };
        match outcome {
            Ok(is_ours) => {
                if std::mem::take(&mut self.is_in_trouble) {
                    tracing::info!(extension = self.extension, "the API server tells of the lease again");
                }
                is_ours
            }
            Err(problem) => {
                self.failures.inc();
                // Files that say as whom the server is asked may be others by now.
                self.api = None;
                if !std::mem::replace(&mut self.is_in_trouble, true) {
                    tracing::warn!(extension = self.extension, problem, "cannot ask for the lease; it is tried again");
                }
                false
            }
        }
    }

    async fn try_to_have(&mut self) -> Result<bool, String> {
        let api = match &self.api {
            Some(api) => api.clone(),
            None => self.config.server().api().await.map_err(|error| error.to_string())?,
        };
        let leases = kube::Api::<Lease>::namespaced(api.0.clone(), &self.config.lease_namespace);
        self.api = Some(api);
        let asked = Instant::now();
        let found = match leases.get(&self.config.lease_name).await {
            Ok(found) => Some(found),
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => None,
            Err(error) => return Err(self.refused("get", &error)),
        };
        let Some(found) = found else {
            let name = Some(self.config.lease_name.clone());
            let lease = Lease { metadata: ObjectMeta { name, ..ObjectMeta::default() }, spec: None };
            let lease = record::held_by(lease, &self.identity, self.seconds());
            let created = leases.create(&PostParams::default(), &lease).await;
            return self.written(created, asked, "create");
        };
        if self.is_taken(&found) {
            return Ok(false);
        }
        let lease = record::held_by(found, &self.identity, self.seconds());
        // Where it was changed since it was read, the server refuses.
        let replaced = leases.replace(&self.config.lease_name, &PostParams::default(), &lease).await;
        self.written(replaced, asked, "update")
    }

    /// Whether another has it, and renewed it so lately that it holds.
    fn is_taken(&mut self, found: &Lease) -> bool {
        let is_known = self.seen.as_ref().is_some_and(|(lease, _)| lease.spec == found.spec);
        if !is_known {
            self.seen = Some((found.clone(), Instant::now()));
        }
        let holder = record::holder(found);
        let changed = self.seen.as_ref().map(|(_, at)| *at);
        let is_over = changed.is_some_and(|at| at.elapsed() >= Duration::from_secs(record::seconds(found)));
        !holder.is_empty() && holder != self.identity && !is_over
    }

    fn written(&mut self, written: Result<Lease, kube::Error>, asked: Instant, verb: &str) -> Result<bool, String> {
        match written {
            Ok(lease) => {
                self.seen = Some((lease, asked));
                Ok(true)
            }
            // Another was sooner.
            Err(kube::Error::Api(status)) if status.code == CONFLICT => Ok(false),
            Err(error) => Err(self.refused(verb, &error)),
        }
    }

    fn refused(&self, verb: &str, error: &kube::Error) -> String {
        let (name, namespace) = (&self.config.lease_name, &self.config.lease_namespace);
        match error {
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => format!(
                "the API server refuses to {verb} the lease {name:?} of the namespace {namespace}: {} {}; the Role of the \
                 service account there needs the rule {{ apiGroups: [\"coordination.k8s.io\"], resources: [leases], verbs: \
                 [get, create, update] }}",
                status.code, status.message
            ),
            error => format!("cannot {verb} the lease {name:?} of the namespace {namespace}: {}", told(error)),
        }
    }

    /// In whole seconds, as a Lease says it: no less than what is configured.
    fn seconds(&self) -> i32 {
        i32::try_from(self.config.lease_duration.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
    }

    async fn give_up(&mut self) {
        let (Some(api), Some((lease, _))) = (self.api.take(), self.seen.take()) else { return };
        let leases = kube::Api::<Lease>::namespaced(api.0, &self.config.lease_namespace);
        let given_up = record::given_up(lease);
        match leases.replace(&self.config.lease_name, &PostParams::default(), &given_up).await {
            Ok(_) => tracing::info!(extension = self.extension, "the lease is given up"),
            Err(error) => {
                tracing::info!(
                    extension = self.extension,
                    error = told(&error),
                    "the lease is not given up, and expires"
                );
            }
        }
    }
}
