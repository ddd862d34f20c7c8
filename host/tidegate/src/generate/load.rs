//! The load: workers that take turns in sending requests, each waiting for its answer.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use host_component::Trigger;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::Args;
use super::report::Report;
use super::request::{Plan, Request};
use crate::client::{Answer, Client};

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// Sends what `args` ask for, and returns when every request has its answer or time is up. Ctrl-C ends the sending early.
///
/// # Errors
/// Where nobody listens at the endpoint, or the file for ids cannot be made.
pub(super) async fn send(args: Args) -> anyhow::Result<Report> {
    let ids = args.ids_to.as_deref().map(Ids::create).transpose()?;
    let mut clients = Vec::new();
    for _ in 0..args.connections {
        let client = Client::connect(&args.endpoint, args.timeout).await;
        clients
            .push(client.with_context(|| format!("nobody answers at {}: is the collector running?", args.endpoint))?);
    }
    let start = Instant::now();
    let (trigger, ended) = Trigger::new();
    let load = Arc::new(Load {
        plan: Plan::new(&args),
        rate: args.rate,
        most: args.items.unwrap_or(u64::MAX),
        next: AtomicU64::new(0),
        start,
        end: start + args.duration,
        retry_for: args.retry_for,
        ended,
        ids,
    });
    let mut workers = JoinSet::new();
    for client in clients {
        for _ in 0..args.in_flight {
            workers.spawn(Arc::clone(&load).work(client.clone()));
        }
    }
    let interrupt = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        trigger.fire();
    });
    let mut report = Report::default();
    while let Some(part) = workers.join_next().await {
        report.join(part.context("a worker ended early")?);
    }
    interrupt.abort();
    let report = report.finish(start.elapsed());
    if let Some(ids) = &load.ids {
        ids.finish()?;
    }
    Ok(report)
}

/// What the workers share.
struct Load {
    plan: Plan,
    rate: u64,
    /// Items in all.
    most: u64,
    next: AtomicU64,
    start: Instant,
    end: Instant,
    retry_for: Duration,
    ended: host_component::Shutdown,
    ids: Option<Ids>,
}

impl Load {
    async fn work(self: Arc<Self>, client: Client) -> Report {
        let mut report = Report::default();
        while let Some(request) = self.next().await {
            report.sent(&request);
            self.deliver(&client, &request, &mut report).await;
        }
        report
    }

    /// The next request, when it is due; none when time is up or all have been sent.
    async fn next(&self) -> Option<Request> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let before = number.saturating_mul(u64::from(self.plan.items_per_request));
        let left = self.most.checked_sub(before).filter(|left| *left > 0)?;
        // Without a rate a request is due as soon as a worker is free.
        let due = if self.rate == 0 {
            Instant::now()
        } else {
            self.start + Duration::from_secs_f64(before as f64 / self.rate as f64)
        };
        if due >= self.end {
            return None;
        }
        let mut ended = self.ended.clone();
        tokio::select! {
            biased;
            () = ended.wait() => return None,
            () = sleep_until(due) => {}
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let most = u32::try_from(left).unwrap_or(u32::MAX);
        Some(self.plan.request(number, most, u64::try_from(now).unwrap_or(u64::MAX)))
    }

    /// Sends `request` until it is acknowledged, has failed for good, or time is up.
    async fn deliver(&self, client: &Client, request: &Request, report: &mut Report) {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let sent = Instant::now();
            match client.send(request.signal, request.bytes.clone()).await {
                Answer::Acknowledged { rejected } => {
                    report.answered("Ok");
                    report.acknowledged(request.signal, request.items, rejected, sent.elapsed());
                    if let Some(ids) = &self.ids
                        && rejected == 0
                    {
                        ids.write(self.ids_of(request));
                    }
                    return;
                }
                Answer::Failed { code, .. } => {
                    report.answered(&format!("{code:?}"));
                    return report.unacknowledged(self.ids_of(request));
                }
                Answer::Again { code, after, .. } => {
                    report.answered(&format!("{code:?}"));
                    // Half of the wait is random, so that those who were refused together do not return together.
                    let wait = after.unwrap_or(backoff / 2 + backoff.mul_f64(fastrand::f64() / 2.0));
                    if self.ended.is_fired() || Instant::now() + wait > self.end + self.retry_for {
                        return report.unacknowledged(self.ids_of(request));
                    }
                    backoff = (2 * backoff).min(LONGEST_BACKOFF);
                    report.retries += 1;
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    fn ids_of(&self, request: &Request) -> impl ExactSizeIterator<Item = String> {
        let (plan, number) = (self.plan.clone(), request.number);
        (0..request.items).map(move |item| plan.id(number, item))
    }
}

/// The file of acknowledged ids.
struct Ids(Mutex<State>);

struct State {
    file: BufWriter<File>,
    failed: Option<std::io::Error>,
}

impl Ids {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Ids(Mutex::new(State { file: BufWriter::new(file), failed: None })))
    }

    /// Writes `ids`, so that whoever follows the file sees them at once.
    fn write(&self, mut ids: impl Iterator<Item = String>) {
        let State { file, failed } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = ids.try_for_each(|id| writeln!(file, "{id}")).and_then(|()| file.flush());
        if let Err(error) = written {
            failed.get_or_insert(error);
        }
    }

    fn finish(&self) -> anyhow::Result<()> {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner).failed.take();
        failed.map_or(Ok(()), |error| Err(error).context("cannot write the file of ids"))
    }
}
