//! The exporter: it translates a delivery, sends its requests, and finds out what in a bad one is bad.
//!
//! Deliveries go out one after the other, also while one is tried again, so that the samples of a series arrive in the
//! order in which they came; the requests of one delivery have no series in common and go out side by side.

use std::io;
use std::sync::{Arc, OnceLock};

use host_component::{
    BoxFuture, ComponentId, Consumer, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Payload,
};
use host_config::delivery::{Retry, SendingQueue};
use host_telemetry::{Counter, Metrics};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tokio::task::spawn_blocking;

use super::answer::{self, Verdict, Why};
use super::dead;
use super::request::{self, Job, Progress, Ready, Rejects};
use super::translate::{Dropped, Reason, Translator};
use super::wire::{self, Counts, Protocol};
use super::{v1, v2};
use crate::http::Client;
use crate::sending::{Backend, Denial, Part, Rejected, Requests, Sending, Taken};

/// What is translated without leaving the task.
const INLINE: usize = 32 << 10;

/// What the exporter is made of.
pub(super) struct Build {
    pub(super) uri: Uri,
    pub(super) client: Client,
    /// Of a sender's metadata, what goes with its data.
    pub(super) metadata: Vec<HeaderName>,
    pub(super) translator: Translator,
    pub(super) protocol: Protocol,
    pub(super) max_bytes: usize,
    pub(super) parallelism: usize,
    pub(super) sends_metadata: bool,
    pub(super) retry: Retry,
    pub(super) queue: SendingQueue,
}

/// Sends metrics to a receiver of remote write.
pub(super) struct PrometheusRemoteWrite {
    sending: Sending<Arc<Remote>>,
    remote: Arc<Remote>,
}

impl PrometheusRemoteWrite {
    pub(super) fn new(id: &ComponentId, build: Build, metrics: &Metrics) -> Self {
        let Build { uri, client, metadata, translator, protocol, max_bytes, parallelism, .. } = build;
        let (content_type, version) = match protocol {
            Protocol::V1 => (v1::CONTENT_TYPE, v1::VERSION),
            Protocol::V2 => (v2::CONTENT_TYPE, v2::VERSION),
        };
        let mut form = HeaderMap::new();
        form.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        form.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        form.insert("x-prometheus-remote-write-version", HeaderValue::from_static(version));
        let counts = Own::new(id, &uri, metrics);
        let rejects = Arc::new(Rejects::new(id, metrics));
        let making = Making { translator, protocol, max_bytes, sends_metadata: build.sends_metadata, rejects };
        let remote = Remote {
            uri,
            client,
            form,
            metadata,
            making: Arc::new(making),
            protocol,
            parallelism,
            counts,
            letters: OnceLock::new(),
        };
        let remote = Arc::new(remote);
        let sending = Sending::new(id, Arc::clone(&remote), build.retry, &build.queue, metrics);
        PrometheusRemoteWrite { sending, remote }
    }
}

impl Consumer for PrometheusRemoteWrite {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        self.sending.consume(delivery)
    }
}

impl Exporter for PrometheusRemoteWrite {
    fn stop_retrying(&self) {
        self.sending.stop_retrying();
    }

    fn keep_undeliverable(&self, letters: Arc<dyn DeadLetters>) {
        // There is one queue before an exporter.
        let _ = self.remote.letters.set(Arc::clone(&letters));
        self.sending.keep_undeliverable(letters);
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.sending.drain()
    }
}

/// What the exporter counts besides what all do, under the Collector's names.
struct Own {
    failed_translations: Counter,
    translated: Counter,
    sent: Counter,
    samples: Counter,
    histograms: Counter,
    exemplars: Counter,
}

impl Own {
    fn new(id: &ComponentId, uri: &Uri, metrics: &Metrics) -> Self {
        let (id, uri) = (id.to_string(), uri.to_string());
        let labels = [("exporter", id.as_str()), ("endpoint", uri.as_str())];
        let counter = |name, help| metrics.counter(name, help, &labels);
        Own {
            failed_translations: counter(
                "otelcol_exporter_prometheusremotewrite_failed_translations",
                "Deliveries with points that could not be translated.",
            ),
            translated: counter(
                "otelcol_exporter_prometheusremotewrite_translated_time_series",
                "Series that deliveries were translated to.",
            ),
            sent: counter("otelcol_exporter_prometheusremotewrite_sent_batches", "Requests that were sent."),
            samples: counter(
                "otelcol_exporter_prometheusremotewrite_written_samples",
                "Samples in requests that were taken.",
            ),
            histograms: counter(
                "otelcol_exporter_prometheusremotewrite_written_histograms",
                "Native histograms in requests that were taken.",
            ),
            exemplars: counter(
                "otelcol_exporter_prometheusremotewrite_written_exemplars",
                "Exemplars in requests that were taken.",
            ),
        }
    }

    fn written(&self, counts: Counts, missing: u64) {
        let from_samples = missing.min(counts.samples);
        self.samples.inc_by(counts.samples - from_samples);
        self.histograms.inc_by(counts.histograms.saturating_sub(missing - from_samples));
        self.exemplars.inc_by(counts.exemplars);
    }
}

/// What makes requests of a payload.
struct Making {
    translator: Translator,
    protocol: Protocol,
    max_bytes: usize,
    sends_metadata: bool,
    rejects: Arc<Rejects>,
}

/// The receiver.
pub(super) struct Remote {
    uri: Uri,
    client: Client,
    /// What a request says of its form.
    form: HeaderMap,
    metadata: Vec<HeaderName>,
    making: Arc<Making>,
    protocol: Protocol,
    parallelism: usize,
    counts: Own,
    letters: OnceLock<Arc<dyn DeadLetters>>,
}

/// One request of a delivery.
pub(super) enum Request {
    Series {
        job: Arc<Job>,
        progress: Progress,
        /// The points whose outcome it decides.
        points: u64,
    },
    /// What is known of metrics, which has no items.
    Families(Ready),
}

impl Making {
    /// The requests for a payload, and what of it cannot be said.
    fn requests(&self, payload: Payload) -> io::Result<(Vec<Part<Request>>, Dropped, usize)> {
        let items = payload.items();
        let (batch, dropped) = self.translator.translate(&payload);
        let series = batch.series.len();
        let job = Arc::new(Job::new(batch, payload));
        let (batch, mut parts, mut start) = (&job.batch, Vec::new(), 0);
        let mut counted = vec![false; usize::try_from(items).unwrap_or(0)];
        while start < series {
            let (end, ready) = request::ready(self.protocol, batch, start..series, self.max_bytes)?;
            let mut items = 0;
            for point in batch.series[start..end].iter().flat_map(super::batch::Series::points) {
                let is_counted = counted.get_mut(point as usize).is_none_or(|seen| std::mem::replace(seen, true));
                items += u64::from(!is_counted);
            }
            let progress = Progress::new(start..end, ready, Arc::clone(&self.rejects));
            let request = Request::Series { job: Arc::clone(&job), progress, points: items };
            parts.push(Part { request, items });
            start = end;
        }
        // What is in the totals of others goes with them.
        if let Some(Part { request: Request::Series { points, .. }, items: of_first }) = parts.first_mut() {
            let own = counted.iter().filter(|seen| **seen).count() as u64;
            *of_first += items.saturating_sub(dropped.total()).saturating_sub(own);
            *points = *of_first;
        }
        if self.sends_metadata && self.protocol == Protocol::V1 {
            let (all, mut start) = (batch.families.len(), 0);
            while start < all {
                let encoded = v1::encode_families(batch, start..all, self.max_bytes);
                let ready = Ready { body: wire::packed(&encoded.body)?.into(), counts: encoded.counts };
                parts.push(Part { request: Request::Families(ready), items: 0 });
                start = encoded.end;
            }
        }
        Ok((parts, dropped, series))
    }
}

impl Remote {
    fn headers(&self, origin: &Origin) -> HeaderMap {
        let mut headers = self.form.clone();
        for name in &self.metadata {
            let values = origin.values(name.as_str()).filter_map(|value| HeaderValue::try_from(value).ok());
            values.for_each(|value| {
                headers.append(name, value);
            });
        }
        headers
    }

    async fn post(&self, ready: &Ready, headers: &HeaderMap, origin: &Origin) -> Result<Verdict, Denial> {
        let answer = self.client.post(&self.uri, headers, vec![ready.body.clone()], origin).await;
        self.counts.sent.inc();
        Ok(answer::verdict(&answer?, self.protocol, ready.counts))
    }

    async fn send(&self, job: &Job, progress: &Progress, points: u64, origin: &Origin) -> Result<Taken, Denial> {
        let headers = self.headers(origin);
        while let Some(todo) = progress.next() {
            let counts = todo.ready.counts;
            match self.post(&todo.ready, &headers, origin).await? {
                Verdict::Taken => {
                    self.counts.written(counts, 0);
                    progress.taken(&todo, job, 0, Why::Invalid, String::new());
                }
                Verdict::Partly { missing, why, message } => {
                    self.counts.written(counts, missing);
                    progress.taken(&todo, job, missing, why, message);
                }
                Verdict::Bad { why, message } => {
                    progress.bad(&todo, job, self.protocol, why, message).map_err(|error| unpacked(&error))?;
                }
                Verdict::TooLarge { message } => {
                    progress
                        .bad(&todo, job, self.protocol, Why::TooLarge, message)
                        .map_err(|error| unpacked(&error))?;
                }
                Verdict::Denied(denial) => return Err(denial),
            }
        }
        let report = progress.report();
        let rejected: u64 = report.rejected.iter().map(|rejected| rejected.items).sum();
        if report.is_loss && points > 0 && rejected >= points {
            self.making.rejects.count(&report.rejected);
            let told = format!("nothing of it was written: {}", report.message);
            return Err(Denial::Failed(Failure::permanent(told)));
        }
        if let Some(letters) = self.letters.get()
            && let Some(payload) = dead::only(&job.payload, &report.bad)
        {
            letters.put(payload, origin, &report.message).await;
        }
        Ok(Taken { rejected: report.rejected, message: report.message })
    }
}

fn unpacked(error: &io::Error) -> Denial {
    Denial::Failed(Failure::permanent(format!("cannot pack a request: {error}")))
}

impl Backend for Arc<Remote> {
    type Request = Request;
    const ORDERED: bool = true;

    fn parallelism(&self) -> usize {
        self.parallelism
    }

    async fn requests(&self, delivery: &Delivery) -> Result<Requests<Request>, Failure> {
        let payload = delivery.payload.clone();
        let failed = |error: &dyn std::error::Error| Failure::permanent(format!("cannot make a request: {error}"));
        let made = if payload.len() <= INLINE {
            self.making.requests(payload)
        } else {
            let making = Arc::clone(&self.making);
            spawn_blocking(move || making.requests(payload)).await.map_err(|error| failed(&error))?
        };
        let (parts, dropped, series) = made.map_err(|error| failed(&error))?;
        self.counts.translated.inc_by(series as u64);
        if dropped.total() > 0 {
            self.counts.failed_translations.inc();
        }
        let left_out = Reason::ALL.map(|reason| Rejected { items: dropped.of(reason), reason: reason.label() });
        Ok(Requests { parts, left_out: left_out.into_iter().filter(|rejected| rejected.items > 0).collect() })
    }

    async fn call(&self, request: &Request, origin: &Origin) -> Result<Taken, Denial> {
        match request {
            Request::Series { job, progress, points } => self.send(job, progress, *points, origin).await,
            Request::Families(ready) => match self.post(ready, &self.headers(origin), origin).await? {
                Verdict::Denied(denial) => Err(denial),
                Verdict::Taken | Verdict::Partly { .. } => Ok(Taken::default()),
                // The series are what counts.
                Verdict::Bad { message, .. } | Verdict::TooLarge { message } => {
                    tracing::warn!(message, "the receiver did not take what is known of metrics");
                    Ok(Taken::default())
                }
            },
        }
    }

    fn refused(&self) -> bool {
        self.client.refused()
    }
}
