//! A request is a run of series of a batch; where a part of it is bad it is cut in halves, until what is bad is found.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hashbrown::HashSet;
use host_component::ComponentId;
use host_otlp::Payload;
use host_telemetry::Metrics;

use super::answer::Why;
use super::batch::Batch;
use super::wire::{self, Counts, Protocol};
use crate::sending::Rejected;

/// How often a request is cut in halves to find out what in it is bad.
const DEEPEST: u32 = 8;

/// What all requests of one delivery share.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) payload: Payload,
    /// The points that were rejected already: they count once, however many series they make.
    rejected: Mutex<HashSet<u32>>,
}

impl Job {
    pub(super) fn new(batch: Batch, payload: Payload) -> Self {
        Job { batch, payload, rejected: Mutex::default() }
    }

    /// Rejects the points of these series: those that were not yet.
    fn reject(&self, series: Range<usize>) -> Vec<u32> {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        let points = self.batch.series[series].iter().flat_map(super::batch::Series::points);
        points.filter(|point| rejected.insert(*point)).collect()
    }
}

/// Series that are to be sent, with what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Todo {
    pub(super) series: Range<usize>,
    pub(super) ready: Ready,
    depth: u32,
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) body: Bytes,
    pub(super) counts: Counts,
}

/// Where a request is. A second attempt goes on where the first one failed.
#[derive(Default)]
pub(super) struct Work {
    /// The next one last.
    todo: Vec<Todo>,
    rejected: Vec<(Why, u64)>,
    /// The points among them that are worth keeping.
    bad: HashSet<u32>,
    message: String,
}

/// What became of a request.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) rejected: Vec<Rejected>,
    /// Whether anything among it came neither late nor again.
    pub(super) is_loss: bool,
    pub(super) bad: HashSet<u32>,
    pub(super) message: String,
}

/// Counts what was rejected of requests that failed in the end.
pub(super) struct Rejects {
    exporter: String,
    metrics: Metrics,
}

impl Rejects {
    pub(super) fn new(exporter: &ComponentId, metrics: &Metrics) -> Self {
        Rejects { exporter: exporter.to_string(), metrics: metrics.clone() }
    }

    /// Counts by reason; that they failed is counted for all of the request.
    pub(super) fn count(&self, rejected: &[Rejected]) {
        for Rejected { items, reason } in rejected.iter().filter(|rejected| rejected.items > 0) {
            let labels = [("exporter", self.exporter.as_str()), ("reason", reason)];
            let help =
                "Items that the next hop rejected in a request that it took, or that it cannot be sent, by reason.";
            self.metrics.counter("tidegate_exporter_rejected_metric_points", help, &labels).inc_by(*items);
        }
    }
}

/// The way of a request to its end. What was rejected on the way is counted also where that is no good one.
pub(super) struct Progress {
    work: Mutex<Work>,
    rejects: Arc<Rejects>,
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.rejects.count(&self.report().rejected);
    }
}

impl Progress {
    pub(super) fn new(series: Range<usize>, ready: Ready, rejects: Arc<Rejects>) -> Self {
        let todo = vec![Todo { series, ready, depth: 0 }];
        Progress { work: Mutex::new(Work { todo, ..Work::default() }), rejects }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be sent next; it is that until something was said of it.
    pub(super) fn next(&self) -> Option<Todo> {
        self.work().todo.last().cloned()
    }

    /// It was taken, but for so many samples.
    pub(super) fn taken(&self, todo: &Todo, job: &Job, missing: u64, why: Why, message: String) {
        let mut work = self.work();
        work.todo.pop();
        if missing > 0 {
            let points: HashSet<u32> =
                job.batch.series[todo.series.clone()].iter().flat_map(super::batch::Series::points).collect();
            work.rejected.push((why, missing.min(points.len() as u64)));
            work.message = message;
        }
    }

    /// Something in it is bad: it is cut in halves, or all of it is rejected.
    ///
    /// # Errors
    /// When a half cannot be packed.
    pub(super) fn bad(
        &self,
        todo: &Todo,
        job: &Job,
        protocol: Protocol,
        why: Why,
        message: String,
    ) -> std::io::Result<()> {
        let Range { start, end } = todo.series.clone();
        let is_deeper = why != Why::TooLarge;
        if end - start > 1 && (todo.depth < DEEPEST || !is_deeper) {
            let middle = start + (end - start) / 2;
            let depth = todo.depth + u32::from(is_deeper);
            let half = |series: Range<usize>| {
                let ready = ready(protocol, &job.batch, series.clone(), usize::MAX)?.1;
                Ok::<_, std::io::Error>(Todo { series, ready, depth })
            };
            let halves = [half(middle..end)?, half(start..middle)?];
            let mut work = self.work();
            work.todo.pop();
            work.todo.extend(halves);
            return Ok(());
        }
        let points = job.reject(start..end);
        let mut work = self.work();
        work.todo.pop();
        work.rejected.push((why, points.len() as u64));
        if !why.is_late() {
            work.bad.extend(points);
        }
        work.message = message;
        Ok(())
    }

    /// What became of it, at its end.
    pub(super) fn report(&self) -> Report {
        let Work { rejected, bad, message, .. } = std::mem::take(&mut *self.work());
        let is_loss = rejected.iter().any(|(why, items)| *items > 0 && !why.is_late());
        let mut by_reason: Vec<Rejected> = Vec::new();
        for (why, items) in rejected {
            match by_reason.iter_mut().find(|rejected| rejected.reason == why.label()) {
                Some(known) => known.items += items,
                None => by_reason.push(Rejected { items, reason: why.label() }),
            }
        }
        Report { rejected: by_reason, is_loss, bad, message }
    }
}

/// Encodes and packs series, as many as fit: where that ends, and what is sent.
///
/// # Errors
/// When they cannot be packed.
pub(super) fn ready(
    protocol: Protocol,
    batch: &Batch,
    series: Range<usize>,
    max_bytes: usize,
) -> std::io::Result<(usize, Ready)> {
    let encoded = wire::encode(protocol, batch, series, max_bytes);
    let body = wire::packed(&encoded.body)?.into();
    Ok((encoded.end, Ready { body, counts: encoded.counts }))
}
