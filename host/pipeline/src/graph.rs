//! The graph, before it runs and while it runs.
//!
//! Draining goes with the stream: receivers take nothing new and answer what they have taken, which empties the
//! processors, since an answer waits for its data; then exporters flush. Nothing that failed is tried again meanwhile: its
//! sender knows better where to try. Whoever has not ended at the deadline is left behind and named.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use host_component::{ComponentId, Exporter, Receiver, Shutdown, Trigger, spawn};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

/// The part of the deadline that is kept for the exporters when receivers use up theirs.
const EXPORTERS_SHARE: u32 = 5;

/// Everything built and bound; nothing runs.
pub struct Graph {
    receivers: Vec<(ComponentId, Box<dyn Receiver>)>,
    exporters: BTreeMap<ComponentId, Arc<dyn Exporter>>,
}

impl Graph {
    pub fn new(
        receivers: Vec<(ComponentId, Box<dyn Receiver>)>,
        exporters: BTreeMap<ComponentId, Arc<dyn Exporter>>,
    ) -> Self {
        Graph { receivers, exporters }
    }

    /// Starts the receivers.
    pub fn run(self) -> Running {
        let (trigger, shutdown) = Trigger::new();
        let mut running =
            Running { trigger, receivers: FuturesUnordered::new(), aborts: BTreeMap::new(), exporters: self.exporters };
        for (id, receiver) in self.receivers {
            running.start(id, receiver, shutdown.clone());
        }
        running
    }
}

/// How a receiver ended: with the reason where it panicked.
type Ended = (ComponentId, Option<String>);

/// A graph that takes data. Dropping it ends the receivers without waiting for them.
pub struct Running {
    trigger: Trigger,
    receivers: FuturesUnordered<BoxFuture<'static, Ended>>,
    aborts: BTreeMap<ComponentId, AbortHandle>,
    exporters: BTreeMap<ComponentId, Arc<dyn Exporter>>,
}

/// What had not ended at the deadline.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Drained {
    pub receivers: Vec<ComponentId>,
    pub exporters: Vec<ComponentId>,
}

impl Drained {
    pub fn is_complete(&self) -> bool {
        self.receivers.is_empty() && self.exporters.is_empty()
    }
}

impl Running {
    fn start(&mut self, id: ComponentId, receiver: Box<dyn Receiver>, shutdown: Shutdown) {
        let task = spawn("receiver", &id.to_string(), receiver.run(shutdown));
        self.aborts.insert(id.clone(), task.abort_handle());
        self.receivers.push(Box::pin(async move {
            let ended = task.await;
            (id, ended.err().map(|error| error.to_string()))
        }));
    }

    /// Returns when a receiver has ended though nobody told it to: which one, and why where it is known.
    pub async fn failed(&mut self) -> Ended {
        match self.receivers.next().await {
            Some(ended) => {
                self.aborts.remove(&ended.0);
                ended
            }
            None => std::future::pending().await,
        }
    }

    /// Ends the receivers, waits for what is in flight, then has the exporters flush: all within `deadline`.
    pub async fn drain(mut self, deadline: Duration) -> Drained {
        let start = Instant::now();
        self.trigger.fire();
        self.exporters.values().for_each(|exporter| exporter.stop_retrying());
        let mut drained = Drained::default();
        let receivers = deadline - deadline / EXPORTERS_SHARE;
        let answered = timeout_at(start + receivers, async {
            while let Some((id, _)) = self.receivers.next().await {
                self.aborts.remove(&id);
            }
        });
        if answered.await.is_err() {
            for (id, task) in std::mem::take(&mut self.aborts) {
                task.abort();
                drained.receivers.push(id);
            }
        }
        drained.exporters = flush(&self.exporters, start + deadline).await;
        drained
    }
}

/// Has all exporters flush at once; returns those that had not at the deadline.
async fn flush(exporters: &BTreeMap<ComponentId, Arc<dyn Exporter>>, deadline: Instant) -> Vec<ComponentId> {
    let flushes = exporters
        .iter()
        .map(|(id, exporter)| async move { timeout_at(deadline, exporter.drain()).await.err().map(|_| id.clone()) });
    join_all(flushes).await.into_iter().flatten().collect()
}
