//! One namespace, or all: it is followed, and what is told of it is handed on.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host_component::{Consumers, Delivery, Failure, Outcome, Shutdown, Signal};
use host_kubernetes::leader::Leadership;
use host_kubernetes::{ApiError, Pauses, Scope, Server, missing_rule};
use host_otlp::Limits;
use host_receivers::{Budget, Lanes};
use host_telemetry::traces::Remote;
use host_telemetry::{Counter, Gauge, Metrics};
use http::HeaderMap;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::intake::{Batch, Intake};
use crate::progress::{Progress, Store};

/// The first and the longest pause before something that failed is tried again.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// A new leader tells again what the one before it may have had in its hands, beside what came while there was none.
const OVERLAP: Duration = Duration::from_secs(30);

/// Where batches go.
pub(super) struct Way {
    pub(super) receiver: String,
    pub(super) consumers: Consumers,
    pub(super) lanes: Lanes,
    pub(super) budget: Budget,
}

/// What is counted of a namespace.
pub(super) struct Meters {
    failures: Counter,
    skipped: Counter,
    waiting: Gauge,
}

pub(super) struct Followed {
    /// Empty where all are.
    pub(super) namespace: String,
    pub(super) server: Server,
    pub(super) store: Option<Store>,
    pub(super) leadership: Option<Leadership>,
    pub(super) started: Timestamp,
    pub(super) way: Arc<Way>,
    pub(super) meters: Meters,
}

/// What follows and what hands on share.
struct Desk {
    intake: Mutex<Intake>,
    /// Something may be handed on.
    came: Notify,
    /// What was let go of is to be asked for.
    more: Notify,
}

impl Meters {
    pub(super) fn new(receiver: &str, namespace: &str, metrics: &Metrics) -> Self {
        let labels = [("receiver", receiver), ("namespace", namespace)];
        let (failures, skipped, waiting) =
            ("tidegate_k8s_events_watch_failures", "tidegate_k8s_events_skipped", "tidegate_k8s_events_waiting");
        Meters {
            failures: metrics.counter(failures, "Times that events could not be followed any more.", &labels),
            skipped: metrics.counter(skipped, "Events from before the start, which are not told.", &labels),
            waiting: metrics.gauge(waiting, "Events that the pipeline has not taken yet.", &labels),
        }
    }
}

impl Desk {
    fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    /// Runs until the end; how far it came.
    pub(super) async fn run(self, before: Option<Progress>, mut shutdown: Shutdown) -> Progress {
        let desk = Desk {
            intake: Mutex::new(Intake::new(self.beginning(before).await)),
            came: Notify::new(),
            more: Notify::new(),
        };
        tokio::select! {
            never = self.follow_while_leader(&desk) => match never {},
            never = self.hand_on(&desk) => match never {},
            () = shutdown.wait() => {}
        }
        loop {
            let Some(batch) = desk.intake().next() else { break };
            if !self.is_taken(&desk, batch).await {
                break;
            }
        }
        desk.intake().progress
    }

    /// Where it goes on: where the one before ended, or as the storage says, or with what happens from now on.
    async fn beginning(&self, before: Option<Progress>) -> Progress {
        // Times of events have whole seconds.
        let started = Timestamp::from_second(self.started.as_second()).unwrap_or(self.started);
        let new = Progress { version: None, since: started };
        if let Some(before) = before {
            return before;
        }
        let Some(store) = self.store.clone() else { return new };
        let (receiver, path) = (&self.way.receiver, store.path().display().to_string());
        let read = tokio::task::spawn_blocking(move || store.read()).await;
        match read.map_err(io::Error::other).and_then(|read| read) {
            Ok(Some(progress)) => return progress,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(receiver, path, %error, "how far events were told cannot be read: those from now on are told");
            }
        }
        // What happens until something was told is not passed over by whoever is started after this one.
        self.write(new).await;
        new
    }

    async fn follow_while_leader(&self, desk: &Desk) -> Infallible {
        let Some(leadership) = &self.leadership else { return self.follow(desk).await };
        let mut has_led = false;
        loop {
            leadership.won().await;
            let now = Timestamp::now();
            let overlap = now.checked_sub(leadership.gap() + OVERLAP).unwrap_or(now);
            {
                let mut intake = desk.intake();
                // What this one told is known by its version; what another told meanwhile by its time.
                if has_led || intake.progress.version.is_none() {
                    let earliest = if has_led { overlap } else { overlap.max(intake.progress.since) };
                    intake.progress.since = earliest;
                }
            }
            has_led = true;
            tokio::select! {
                never = self.follow(desk) => match never {},
                () = leadership.lost() => {}
            }
            // A list that was not told to its end is told to another; what waits is still handed on.
            desk.intake().broken_off();
            desk.came.notify_one();
        }
    }

    async fn follow(&self, desk: &Desk) -> Infallible {
        let (mut pauses, mut is_in_trouble) = (Pauses::new(), false);
        loop {
            let mut is_listed = false;
            let ended = tokio::select! {
                Err(error) = self.follow_once(desk, &mut is_listed, &mut is_in_trouble) => Some(error),
                () = desk.more.notified() => None,
            };
            desk.intake().broken_off();
            let Some(error) = ended else { continue };
            self.meters.failures.inc();
            let (receiver, namespace, problem) = (&self.way.receiver, &self.namespace, self.told(&error));
            if std::mem::replace(&mut is_in_trouble, true) {
                tracing::debug!(receiver, namespace, problem, "events still cannot be followed");
            } else {
                tracing::warn!(receiver, namespace, problem, "events cannot be followed; it is tried again");
            }
            pauses.pause(is_listed).await;
        }
    }

    async fn follow_once(
        &self,
        desk: &Desk,
        is_listed: &mut bool,
        is_in_trouble: &mut bool,
    ) -> Result<Infallible, ApiError> {
        let api = self.server.api().await?;
        let scope = self.scope();
        let receiver = self.way.receiver.as_str();
        api.follow::<Event>(&scope, |seen| {
            let is_end = matches!(seen, host_kubernetes::Seen::All);
            let mut intake = desk.intake();
            let was_cut = intake.is_cut();
            intake.see(seen, now());
            self.meters.skipped.inc_by(std::mem::take(&mut intake.skipped));
            self.meters.waiting.set(i64::try_from(intake.waiting()).unwrap_or(i64::MAX));
            if std::mem::take(&mut intake.is_reset) {
                tracing::warn!(receiver, "the API server counts its changes from anew, so that events may come twice");
            }
            if intake.is_cut() && !was_cut {
                tracing::warn!(
                    receiver,
                    waiting = intake.waiting(),
                    "there are more events than may wait for the pipeline; the server is asked for the rest later, and what it \
                     forgets by then is not told"
                );
            }
            if is_end {
                *is_listed = true;
                if std::mem::take(is_in_trouble) {
                    tracing::info!(receiver, "events are followed again");
                }
            }
            drop(intake);
            desk.came.notify_one();
        })
        .await
    }

    fn scope(&self) -> Scope {
        let namespace = Some(self.namespace.clone()).filter(|namespace| !namespace.is_empty());
        Scope { namespace, ..Scope::default() }
    }

    /// What is wrong, and which rule of RBAC is missing where one is.
    fn told(&self, error: &ApiError) -> String {
        if !error.is_denied() {
            return error.to_string();
        }
        format!("{error}; {}", missing_rule(self.scope().namespace.as_deref(), "", "events"))
    }

    async fn hand_on(&self, desk: &Desk) -> Infallible {
        let mut pause = FIRST;
        loop {
            let next = desk.intake().next();
            let Some(batch) = next else {
                if desk.intake().wants_more() {
                    desk.more.notify_one();
                }
                desk.came.notified().await;
                continue;
            };
            if self.is_taken(desk, batch).await {
                pause = FIRST;
            } else {
                sleep(pause).await;
                pause = (pause * 3 / 2).min(LONGEST);
            }
        }
    }

    /// Hands a batch on: whether it is done with.
    async fn is_taken(&self, desk: &Desk, batch: Batch) -> bool {
        let (last, events) = (batch.last, batch.events.len());
        let receiver = &self.way.receiver;
        match self.way.deliver(batch).await {
            Ok(()) => {}
            Err(Failure::Permanent { reason }) => {
                tracing::warn!(receiver, events, reason, "events can never be delivered, and are lost");
            }
            Err(Failure::Retryable { reason, .. }) => {
                tracing::debug!(receiver, events, reason, "events cannot be delivered at present");
                return false;
            }
            Err(Failure::Refused { .. }) => return false,
        }
        {
            let mut intake = desk.intake();
            intake.taken(last);
            self.meters.waiting.set(i64::try_from(intake.waiting()).unwrap_or(i64::MAX));
        }
        self.write(Progress { version: Some(last), ..Progress::default() }).await;
        true
    }

    async fn write(&self, progress: Progress) {
        let Some(store) = self.store.clone() else { return };
        let (receiver, path) = (&self.way.receiver, store.path().display().to_string());
        let written = tokio::task::spawn_blocking(move || store.write(progress)).await;
        if let Err(error) = written.map_err(io::Error::other).and_then(|written| written) {
            tracing::warn!(receiver, path, %error, "how far events were told cannot be written: after a restart they may come twice");
        }
    }
}

impl Way {
    async fn deliver(&self, batch: Batch) -> Outcome {
        let bytes = ExportLogsServiceRequest { resource_logs: batch.events }.encode_to_vec();
        let Some(_room) = self.budget.reserve(bytes.len()) else {
            return Err(Failure::retryable("there is no room for it: raise `service.limits.in_flight_mib`"));
        };
        let Some(consumer) = self.consumers.of(Signal::Logs) else {
            return Err(Failure::retryable("no pipeline takes logs from this receiver at present"));
        };
        // What somebody else's answer said is in it: it comes in through the same door as everything.
        let checked = host_otlp::check(Signal::Logs, bytes.into(), &Limits::default());
        let payload = checked.map_err(|error| Failure::Permanent { reason: format!("it is not let in: {error}") })?;
        let items = payload.items();
        let taking = consumer.consume(Delivery::new(payload));
        self.lanes.deliver(Signal::Logs, items, taking, &Remote::of(&HeaderMap::new()), "").await
    }
}

/// Nanoseconds since the Unix epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
