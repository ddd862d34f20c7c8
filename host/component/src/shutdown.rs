//! The signal to end, and the one way to start a task.

use std::future::Future;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// Ends what listens to its [`Shutdown`]s, when triggered or dropped.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Tells a task that it is to end. Clones listen to the same trigger.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Trigger {
    pub fn new() -> (Trigger, Shutdown) {
        let (tx, rx) = watch::channel(false);
        (Trigger(tx), Shutdown(rx))
    }

    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

impl Shutdown {
    /// Returns once the trigger has fired or is gone.
    pub async fn wait(&mut self) {
        let _ = self.0.wait_for(|fired| *fired).await;
    }

    pub fn is_fired(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// The span under which tasks of this name and owner run.
pub fn task_span(task: &'static str, owner: &str) -> tracing::Span {
    tracing::info_span!("task", name = task, owner)
}

/// Starts a task under a span that names it and its owner.
pub fn spawn<F>(task: &'static str, owner: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_in(task_span(task, owner), future)
}

/// Starts a task under a span that was made before: for tasks that come and go with each request.
pub fn spawn_in<F>(span: tracing::Span, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.instrument(span))
}
