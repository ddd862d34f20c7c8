//! The scraper of one target: asks at its time, reads what comes into the table, and hands on what that makes of it.
//!
//! Scrapes are spread over the interval by what tells targets apart. One that is due while the one before it is not over is
//! left out, as in Prometheus.

mod exchange;
mod sending;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use host_component::Shutdown;
use host_otlp::Payload;
use host_receivers::budget::Reservation;
use tokio::time::{Instant, sleep_until};

pub(crate) use self::exchange::headers;
use self::exchange::{Body, Failed};
use self::sending::{Kept, Sending};
use crate::job::Shared;
use crate::table::{Report, Table, Written};
use crate::target::{Target, mixed};

/// A body beyond this is read on a thread that may take its time.
const AT_ONCE: usize = 256 << 10;

pub(crate) struct Scraper {
    shared: Arc<Shared>,
    target: Target,
    table: Option<Table>,
    sending: Sending,
    /// Whether the last scrape went well; none before the first.
    is_up: Option<bool>,
    /// Series that are counted.
    series: i64,
}

impl Scraper {
    pub(crate) fn new(shared: Arc<Shared>, target: Target) -> Self {
        let table = Table::new(Arc::clone(&shared.reading), target.subject.clone());
        let sending = Sending::new(Arc::clone(&shared));
        Scraper { shared, target, table: Some(table), sending, is_up: None, series: 0 }
    }

    /// Scrapes until the target is gone, or this ends.
    pub(crate) async fn run(mut self, mut gone: Shutdown, mut shutdown: Shutdown) {
        let mut next = Instant::now() + self.first();
        loop {
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.sending.progress() => continue,
                () = gone.wait() => break,
                () = shutdown.wait() => break,
            }
            tokio::select! {
                () = self.scrape() => {}
                () = shutdown.wait() => break,
            }
            next += self.target.interval;
            let now = Instant::now();
            while next <= now {
                self.shared.counts.late.inc();
                next += self.target.interval;
            }
        }
        self.shared.counts.series.sub(self.series);
        // Whoever ends may be succeeded by somebody who scrapes the same: nothing is told stale then.
        let is_vanished = gone.is_fired() && !shutdown.is_fired() && self.shared.tells_vanished;
        if let Some(table) = self.table.take().filter(|_| is_vanished) {
            let payloads = table.vanish(now());
            if let Some(room) = self.shared.budget.reserve(size(&payloads)) {
                self.offer(payloads, room);
            }
        }
        self.sending.end().await;
    }

    /// How long until the first scrape.
    fn first(&self) -> Duration {
        if let Some(after) = self.shared.first_after {
            return after;
        }
        let interval = self.target.interval.as_nanos().max(1);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() % interval;
        let place = u128::from(mixed(self.target.hash() ^ self.shared.seed)) % interval;
        let wait = (place + interval - since) % interval;
        Duration::from_nanos(u64::try_from(wait).unwrap_or(0))
    }

    async fn scrape(&mut self) {
        let (started, time) = (Instant::now(), now());
        let Some(mut room) = self.shared.budget.reserve(0) else { return };
        let asked = {
            let mut asking = pin!(exchange::get(&self.shared, &self.target, &mut room));
            loop {
                tokio::select! {
                    asked = &mut asking => break asked,
                    () = self.sending.progress() => {}
                }
            }
        };
        let Some(table) = self.table.take() else { return };
        let report = Report { time, timeout: self.target.timeout, ..Report::default() };
        let work = move || digest(table, asked, report, started);
        let (table, written, failed) = if room.bytes() > AT_ONCE {
            match tokio::task::spawn_blocking(work).await {
                Ok(done) => done,
                // Only a runtime that ends does not do it.
                Err(_) => return,
            }
        } else {
            work()
        };
        self.tell(failed.as_ref());
        self.count(&table, &written);
        self.table = Some(table);
        room.shrink_to(size(&written.payloads));
        self.offer(written.payloads, room);
    }

    fn offer(&mut self, payloads: Vec<Payload>, room: Reservation) {
        if !payloads.is_empty() {
            self.sending.offer(Kept { payloads, room });
        }
    }

    fn count(&mut self, table: &Table, written: &Written) {
        let counts = &self.shared.counts;
        counts.duplicates.inc_by(written.tally.duplicates);
        counts.unsupported.inc_by(written.tally.unsupported);
        let series = table.len() as i64;
        counts.series.add(series - self.series);
        self.series = series;
    }

    /// Says in the log when a target goes down, and when it is up again.
    fn tell(&mut self, failed: Option<&Failed>) {
        let (receiver, job, uri) = (&self.shared.receiver, &self.shared.job.name, &self.target.key.uri);
        match failed {
            Some(error) => {
                self.shared.counts.failures.inc();
                if self.is_up != Some(false) {
                    tracing::warn!(receiver, job, target = %uri, %error, "a target cannot be scraped");
                } else {
                    tracing::debug!(receiver, job, target = %uri, %error, "a target still cannot be scraped");
                }
            }
            None if self.is_up == Some(false) => {
                tracing::info!(receiver, job, target = %uri, "a target can be scraped again");
            }
            None => {}
        }
        self.is_up = Some(failed.is_none());
    }
}

/// Makes of a scrape what is handed on. Works for as long as the body is large.
fn digest(
    mut table: Table,
    asked: Result<Body, Failed>,
    mut report: Report,
    started: Instant,
) -> (Table, Written, Option<Failed>) {
    table.begin();
    let read = asked.and_then(|body| {
        report.body_size = Some(body.bytes.len() as u64);
        body.read_into(&mut table)
    });
    report.duration = started.elapsed();
    match read {
        Ok(()) => {
            report.is_up = true;
            let written = table.finish(&report);
            (table, written, None)
        }
        Err(error) => {
            report.body_size = report.body_size.filter(|_| !matches!(error, Failed::Get(_)));
            let written = table.fail(&report);
            (table, written, Some(error))
        }
    }
}

/// The bytes of a scrape as OTLP.
fn size(payloads: &[Payload]) -> usize {
    payloads.iter().map(Payload::len).sum()
}

/// Milliseconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
