//! A fan-out hands the same data to several successors and makes one outcome of theirs.
//!
//! All are called at once, each with a reference to the same bytes. A failure that a retry may cure refuses the whole
//! request, and the others may see its data twice. A permanent failure of some is counted as dropped there and does not
//! hold up the rest; only when all fail so is the request failed for good.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome};
use host_telemetry::{Counter, Metrics};

/// One successor, with its name for the log and the count of what was dropped there.
pub struct Branch {
    name: String,
    next: Arc<dyn Consumer>,
    dropped: Counter,
}

impl Branch {
    /// `from` is the pipeline, receiver or connector that fans out, `name` the exporter, connector or pipeline that it leads
    /// to.
    pub fn new(metrics: &Metrics, from: &str, name: String, next: Arc<dyn Consumer>) -> Self {
        let dropped = dropped(metrics, from, &name);
        Branch { name, next, dropped }
    }
}

fn dropped(metrics: &Metrics, from: &str, to: &str) -> Counter {
    let help =
        "Items that a branch of a fan-out failed for good while others took them, or that no route and exporter took";
    metrics.counter("tidegate_fanout_dropped_items", help, &[("from", from), ("to", to)])
}

/// Successors that all get the data.
pub struct Branches(Vec<Branch>);

impl Branches {
    pub fn new(branches: Vec<Branch>) -> Self {
        Branches(branches)
    }

    async fn all(&self, delivery: Delivery) -> Outcome {
        let outcomes = join_all(self.0.iter().map(|branch| branch.next.consume(delivery.clone()))).await;
        if let Some(failure) = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).max_by_key(|f| wait(f))
            && !failure.is_permanent()
        {
            return Err(failure.clone());
        }
        if !outcomes.is_empty() && outcomes.iter().all(Result::is_err) {
            return outcomes.into_iter().next().expect("there is one");
        }
        for (branch, outcome) in self.0.iter().zip(&outcomes) {
            if let Err(failure) = outcome {
                branch.dropped.inc_by(delivery.payload.items());
                tracing::warn!(
                    to = branch.name,
                    items = delivery.payload.items(),
                    reason = %failure,
                    "dropped on one branch, delivered on the others"
                );
            }
        }
        Ok(())
    }
}

/// Orders failures: permanent ones first, then by how long the sender is to wait.
fn wait(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Permanent { .. } => None,
        Failure::Retryable { after, .. } => Some(after.unwrap_or_default()),
        Failure::Refused { after, .. } => Some(*after),
    }
}

impl Consumer for Branches {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        match self.0.as_slice() {
            [only] => only.next.consume(delivery),
            _ => Box::pin(self.all(delivery)),
        }
    }
}

/// The end of a pipeline: its own exporters, or those of the route that a processor chose; or what is behind a connector that
/// chooses among its pipelines.
///
/// With routes alone there are no exporters of its own: what no route takes is then dropped, and counted.
pub struct FanOut {
    own: Branches,
    routes: Vec<Branches>,
    unrouted: Counter,
}

impl FanOut {
    /// `from` is the pipeline or connector, and `routes` are in the order of `Delivery::route`.
    pub fn new(metrics: &Metrics, from: &str, own: Branches, routes: Vec<Branches>) -> Self {
        FanOut { own, routes, unrouted: dropped(metrics, from, "nothing") }
    }
}

impl Consumer for FanOut {
    fn consume(&self, mut delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let Some(route) = delivery.route.take() else {
            if self.own.0.is_empty() {
                self.unrouted.inc_by(delivery.payload.items());
            }
            return self.own.consume(delivery);
        };
        match self.routes.get(usize::from(route)) {
            Some(branches) => branches.consume(delivery),
            None => {
                let reason = format!("a processor chose route {route}, and the pipeline has {}", self.routes.len());
                Box::pin(async { Err(Failure::permanent(reason)) })
            }
        }
    }
}
