//! What is retired takes nothing new, and ends when it has answered what it took.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use host_component::{ComponentId, Consumer, Exporter};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::TaskTracker;

/// The part of the deadline that is kept for the exporters when receivers use up theirs.
const EXPORTERS_SHARE: u32 = 5;
/// How often to look whether a pipeline is still in use: that its last user is gone cannot be awaited.
const LOOK: Duration = Duration::from_millis(20);

/// Receivers that were told to end, pipelines and exporters that get nothing new.
pub struct Retired {
    receivers: Vec<(ComponentId, JoinHandle<()>)>,
    /// Those that receivers which stay may still be waiting for.
    pipelines: Vec<Weak<dyn Consumer>>,
    exporters: Vec<(ComponentId, Arc<dyn Exporter>)>,
    /// What is under way and nobody waits for, where nothing is added to it any more.
    unwaited: Option<TaskTracker>,
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

impl Retired {
    pub(crate) fn new(
        receivers: Vec<(ComponentId, JoinHandle<()>)>,
        pipelines: Vec<Weak<dyn Consumer>>,
        exporters: Vec<(ComponentId, Arc<dyn Exporter>)>,
    ) -> Self {
        // What waits to be tried again is better told to its sender, who finds what took this place.
        exporters.iter().for_each(|(_, exporter)| exporter.stop_retrying());
        Retired { receivers, pipelines, exporters, unwaited: None }
    }

    /// With what is under way at the end and nobody waits for.
    pub(crate) fn and_unwaited(self, unwaited: TaskTracker) -> Self {
        Retired { unwaited: Some(unwaited), ..self }
    }

    /// Whether there is nothing to drain.
    pub fn is_empty(&self) -> bool {
        self.receivers.is_empty() && self.pipelines.is_empty() && self.exporters.is_empty()
    }

    /// Waits for what is in flight, then has the exporters flush: all within `deadline`.
    pub async fn drain(self, deadline: Duration) -> Drained {
        let start = Instant::now();
        let Retired { receivers, pipelines, exporters, unwaited } = self;
        let answered = start + (deadline - deadline / EXPORTERS_SHARE);
        let receivers = end(receivers, answered).await;
        // Receivers that stay may have handed on what is not answered yet.
        let is_used = || {
            pipelines.iter().any(|pipeline| pipeline.strong_count() > 0)
                || exporters.iter().any(|(_, exporter)| Arc::strong_count(exporter) > 1)
        };
        let unused = async {
            while is_used() {
                sleep(LOOK).await;
            }
        };
        if !pipelines.is_empty() {
            // Who still uses an exporter at the deadline is answered by it late, and loses nothing.
            let _ = timeout_at(answered, unused).await;
        }
        if let Some(unwaited) = unwaited {
            unwaited.close();
            // What has not ended by then is best effort.
            let _ = timeout_at(answered, unwaited.wait()).await;
        }
        Drained { receivers, exporters: flush(&exporters, start + deadline).await }
    }
}

/// Waits for receivers; returns those that had not ended at the deadline.
async fn end(receivers: Vec<(ComponentId, JoinHandle<()>)>, deadline: Instant) -> Vec<ComponentId> {
    let ends = receivers.into_iter().map(|(id, mut task)| async move {
        let late = timeout_at(deadline, &mut task).await.is_err();
        late.then(|| {
            task.abort();
            id
        })
    });
    join_all(ends).await.into_iter().flatten().collect()
}

/// Has all exporters flush at once; returns those that had not at the deadline.
async fn flush(exporters: &[(ComponentId, Arc<dyn Exporter>)], deadline: Instant) -> Vec<ComponentId> {
    let flushes = exporters
        .iter()
        .map(|(id, exporter)| async move { timeout_at(deadline, exporter.drain()).await.err().map(|_| id.clone()) });
    join_all(flushes).await.into_iter().flatten().collect()
}
