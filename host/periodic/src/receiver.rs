//! The receiver collects when it is time, and goes on with what the pipeline refused meanwhile.
//!
//! Collections are an interval apart, counted from the first: one that is due while the one before it is not over is left out.
//! At the end what waits is tried once more; a successor begins with a collection of its own.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown, Signal};
use host_otlp::Limits;
use host_receivers::{Budget, Deps, Lanes};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;
use tokio::time::{Instant, sleep_until, timeout};

use crate::collect::{Collect, Collected, Missed};
use crate::counts::Counts;
use crate::schedule::Schedule;
use crate::sending::{Kept, Sending, Way};
use crate::trouble::Troubles;

/// A receiver that collects at an interval.
pub struct Periodic<C> {
    receiver: String,
    /// As which is counted what is missed as a whole.
    scraper: &'static str,
    schedule: Schedule,
    collector: C,
    counts: Counts,
    budget: Budget,
    sending: Sending,
    troubles: Troubles,
}

impl<C: Collect> Periodic<C> {
    /// `scraper` is the type of the receiver: what is missed as a whole is counted under it.
    pub fn new(
        id: &ComponentId,
        scraper: &'static str,
        schedule: Schedule,
        collector: C,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Self {
        let receiver = id.to_string();
        let counts = Counts::new(&receiver, deps.metrics);
        let way = Way {
            receiver: receiver.clone(),
            consumers: consumers.clone(),
            lanes: Arc::new(Lanes::new(&receiver, "", deps.metrics)),
            lost: counts.lost.clone(),
        };
        let (sending, budget, troubles) = (Sending::new(way), deps.budget.clone(), Troubles::default());
        Periodic { receiver, scraper, schedule, collector, counts, budget, sending, troubles }
    }

    async fn collect_until(mut self, mut shutdown: Shutdown) {
        let interval = self.schedule.interval.max(Duration::from_millis(1));
        let mut next = Instant::now() + self.schedule.initial_delay;
        loop {
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.sending.progress() => continue,
                () = shutdown.wait() => break,
            }
            next += interval;
            tokio::select! {
                () = self.collect(next) => {}
                () = shutdown.wait() => break,
            }
            let now = Instant::now();
            while next <= now {
                self.counts.late.inc();
                next += interval;
            }
        }
        self.sending.end().await;
    }

    /// Collects once; the next collection is due at `next`.
    async fn collect(&mut self, next: Instant) {
        let collected = {
            let limit = self.schedule.limit();
            let collector = &mut self.collector;
            let mut collecting = pin!(async move {
                let Some(limit) = limit else { return collector.collect().await };
                timeout(limit, collector.collect()).await.unwrap_or_else(|_| Err(late(limit)))
            });
            let mut is_told = false;
            loop {
                tokio::select! {
                    collected = &mut collecting => break collected,
                    () = self.sending.progress() => {}
                    () = sleep_until(next), if !is_told => {
                        is_told = true;
                        tracing::warn!(
                            receiver = self.receiver,
                            "a collection is not over when the next one is due, which is left out; set a longer \
                             `collection_interval`, or leave out what does not answer"
                        );
                    }
                }
            }
        };
        let collected = self.heard(collected);
        self.offer(collected);
    }

    /// Counts and tells what came, and gives what there is of it.
    fn heard(&mut self, collected: Result<Collected, Missed>) -> Collected {
        let collected = match collected {
            Ok(collected) => collected,
            Err(missed) => Collected::of(self.scraper, Vec::new(), vec![missed]),
        };
        let mut all = Vec::new();
        for part in &collected.parts {
            self.counts.scraped(part.scraper, part.points(), part.missed.iter().map(|missed| missed.points).sum());
            all.extend(part.missed.iter().map(|missed| (part.scraper, missed)));
        }
        self.troubles.hear(&self.receiver, &all);
        collected
    }

    fn offer(&mut self, collected: Collected) {
        let points = collected.parts.iter().map(crate::Part::points).sum();
        if points == 0 {
            return;
        }
        let resource_metrics = collected.parts.into_iter().flat_map(|part| part.metrics).collect();
        let bytes = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec();
        let Some(room) = self.budget.reserve(bytes.len()) else {
            self.lose(points, "there is no room for it: raise `service.limits.in_flight_mib`");
            return;
        };
        // What somebody else's file or answer said is in it: it comes in through the same door as everything.
        match host_otlp::check(Signal::Metrics, bytes.into(), &Limits::default()) {
            Ok(payload) => self.sending.offer(Kept { payload, _room: room }),
            Err(error) => self.lose(points, &format!("it is not let in: {error}")),
        }
    }

    fn lose(&self, points: u64, reason: &str) {
        self.counts.lost.inc_by(points);
        tracing::warn!(receiver = self.receiver, points, reason, "what was collected is lost");
    }
}

fn late(limit: Duration) -> Missed {
    let problem = format!("it was not over within {limit:?}");
    Missed::new("the whole collection", problem, "raise `timeout`, or leave out what does not answer")
}

impl<C: Collect> Receiver for Periodic<C> {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(self.collect_until(shutdown))
    }
}
