//! The exporter hands batches to one thread that shows them; what does not fit into its queue is counted only.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Exporter, Outcome, Payload, Signal};
use host_otlp::wire::Fields;
use host_telemetry::{Counter, Metrics};
use tokio::sync::{mpsc, oneshot};

use super::config::{Config, Error, Verbosity};
use super::{detailed, normal};
use crate::sent::Sent;

/// Batches that may wait to be shown, and bytes of them: their senders are answered, so no receiver's budget counts them.
const WAITING: usize = 64;
const WAITING_BYTES: usize = 8 << 20;

/// Where the text goes; it may be slow.
pub(super) type Output = Box<dyn FnMut(&ComponentId, &str) + Send>;

/// Shows what passes.
pub(super) struct DebugExporter {
    jobs: mpsc::Sender<Job>,
    unseen: Arc<AtomicU64>,
    waiting_bytes: Arc<AtomicUsize>,
    dropped: Counter,
    sent: Sent,
}

enum Job {
    Show(Payload),
    Flush(oneshot::Sender<()>),
}

impl DebugExporter {
    pub(super) fn start(id: ComponentId, config: Config, metrics: &Metrics, output: Output) -> Result<Self, Error> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let unseen = Arc::new(AtomicU64::new(0));
        let (name, sent) = (id.to_string(), Sent::new(metrics, &id));
        let dropped = metrics.counter(
            "tidegate_exporter_debug_unseen_batches",
            "Batches that the debug exporter did not show because its output was slow",
            &[("exporter", &name)],
        );
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let shower = Shower {
            id,
            config,
            output,
            sampler: Sampler::default(),
            unseen: Arc::clone(&unseen),
            waiting_bytes: Arc::clone(&waiting_bytes),
        };
        std::thread::Builder::new().name(name).spawn(move || shower.work(waiting)).map_err(Error::Thread)?;
        Ok(DebugExporter { jobs, unseen, waiting_bytes, dropped, sent })
    }

    /// Whether the payload will be shown.
    fn show(&self, payload: Payload) -> bool {
        let bytes = payload.len();
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        // One that is larger than all that may wait is shown where it is alone.
        let fits = before == 0 || before + bytes <= WAITING_BYTES;
        let shown = fits && self.jobs.try_send(Job::Show(payload)).is_ok();
        if !shown {
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        shown
    }
}

impl Consumer for DebugExporter {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let (signal, items) = (delivery.payload.signal(), delivery.payload.items());
        if !self.show(delivery.payload) {
            self.unseen.fetch_add(1, Ordering::Relaxed);
            self.dropped.inc();
        }
        self.sent.count(signal, items, &Ok(()));
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Exporter for DebugExporter {
    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (reply, done) = oneshot::channel();
            if self.jobs.send(Job::Flush(reply)).await.is_ok() {
                let _ = done.await;
            }
        })
    }
}

/// The thread's side.
struct Shower {
    id: ComponentId,
    config: Config,
    output: Output,
    sampler: Sampler,
    unseen: Arc<AtomicU64>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Shower {
    fn work(mut self, mut waiting: mpsc::Receiver<Job>) {
        while let Some(job) = waiting.blocking_recv() {
            match job {
                Job::Show(payload) => {
                    let Config { sampling_initial, sampling_thereafter, .. } = self.config;
                    if self.sampler.takes(Instant::now(), sampling_initial, sampling_thereafter) {
                        (self.output)(&self.id, show(self.config.verbosity, &payload).trim_end());
                    }
                    self.waiting_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
                }
                Job::Flush(reply) => {
                    let _ = reply.send(());
                }
            }
            let unseen = self.unseen.swap(0, Ordering::Relaxed);
            if unseen > 0 {
                (self.output)(
                    &self.id,
                    &format!("{unseen} batches passed unseen: this output is slower than the data"),
                );
            }
        }
    }
}

/// The payload as text.
pub fn show(verbosity: Verbosity, payload: &Payload) -> String {
    let mut out = summary(payload);
    match verbosity {
        Verbosity::Basic => {}
        Verbosity::Normal => normal::write(payload, &mut out),
        Verbosity::Detailed => detailed::write(payload, &mut out),
    }
    out
}

/// `Logs {"resource logs": 1, "log records": 2}`, as the Collector has it.
fn summary(payload: &Payload) -> String {
    let (name, resources, items) = match payload.signal() {
        Signal::Logs => ("Logs", "resource logs", "log records"),
        Signal::Traces => ("Traces", "resource spans", "spans"),
        Signal::Metrics => ("Metrics", "resource metrics", "data points"),
    };
    let mut out = format!("{name} {{\"{resources}\": {}", count(payload, &[1]));
    if payload.signal() == Signal::Metrics {
        write!(out, ", \"metrics\": {}", count(payload, &[1, 2, 2])).expect("text is written to memory");
    }
    writeln!(out, ", \"{items}\": {}}}", payload.items()).expect("text is written to memory");
    out
}

/// How many messages the field numbers of `way` lead to.
fn count(payload: &Payload, way: &[u32]) -> u64 {
    fn walk(buf: &[u8], start: usize, end: usize, way: &[u32]) -> u64 {
        let Some((number, rest)) = way.split_first() else { return 1 };
        let fields = Fields::new(buf, start, end).filter(|field| field.number == *number);
        fields.map(|field| walk(buf, field.start, field.end, rest)).sum()
    }
    payload.segments().iter().map(|segment| walk(segment.bytes(), 0, segment.bytes().len(), way)).sum()
}

/// Takes the first few of each second, and every so-many-th after them.
#[derive(Default)]
pub(super) struct Sampler {
    second: Option<Instant>,
    seen: u64,
}

impl Sampler {
    pub(super) fn takes(&mut self, now: Instant, initial: u32, thereafter: u32) -> bool {
        if self.second.is_none_or(|second| now.duration_since(second).as_secs() >= 1) {
            self.second = Some(now);
            self.seen = 0;
        }
        self.seen += 1;
        let Some(beyond) = self.seen.checked_sub(u64::from(initial)).filter(|beyond| *beyond > 0) else { return true };
        thereafter != 0 && beyond % u64::from(thereafter) == 0
    }
}
