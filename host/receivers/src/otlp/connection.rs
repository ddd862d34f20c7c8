//! One connection: it serves until the peer leaves, it is idle or old, or the receiver shuts down; then what was taken
//! is answered and it closes.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use host_component::Shutdown;
use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, sleep, sleep_until};

use super::config::ServerParameters;

/// How often a closing connection is looked at, and how long an idle one may take to notice that it is to go.
const CLOSING_TICK: Duration = Duration::from_millis(250);

/// The requests of one connection.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    active: AtomicUsize,
    taken: AtomicU64,
}

/// One request under way; it ends on drop.
pub(crate) struct Busy(Arc<Activity>);

impl Activity {
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn is_idle(&self) -> bool {
        self.active.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a connection was asked to go.
enum Reason {
    Shutdown,
    Idle,
    Age,
}

/// Runs a connection to its end.
pub(crate) async fn drive<C>(connection: C, activity: &Activity, keepalive: &ServerParameters, mut shutdown: Shutdown)
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let mut connection = pin!(Behind::new(connection));
    let reason = tokio::select! {
        biased;
        result = connection.as_mut() => return report(result),
        () = shutdown.wait() => Reason::Shutdown,
        () = idle(activity, keepalive.max_connection_idle) => Reason::Idle,
        () = elapsed(keepalive.max_connection_age) => Reason::Age,
    };
    connection.as_mut().inner().graceful_shutdown();
    let patience = match reason {
        Reason::Age => keepalive.max_connection_age_grace,
        Reason::Shutdown | Reason::Idle => Duration::ZERO,
    };
    tokio::select! {
        biased;
        result = connection.as_mut() => report(result),
        () = quiet(activity) => tracing::debug!("the peer did not close its idle connection"),
        () = elapsed(patience) => tracing::debug!("a connection was closed at the end of its grace"),
    }
}

fn report<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::debug!(%error, "connection ended");
    }
}

/// Returns when no request was under way for at least `limit`, and at most twice that.
async fn idle(activity: &Activity, limit: Duration) {
    loop {
        let before = activity.taken.load(Ordering::Relaxed);
        elapsed(limit).await;
        if activity.is_idle() && activity.taken.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

/// Returns when nothing has been under way for a while, long enough for the last answer to have been written.
async fn quiet(activity: &Activity) {
    let mut calm = 0;
    while calm < 4 {
        sleep(CLOSING_TICK).await;
        calm = if activity.is_idle() { calm + 1 } else { 0 };
    }
}

/// Returns after `time`; never, if that is zero.
async fn elapsed(time: Duration) {
    if time.is_zero() {
        return std::future::pending().await;
    }
    match Instant::now().checked_add(time) {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// A future that lets whatever else is ready run before it, each time that it is woken.
///
/// A connection is woken by each answer that is to be written. Behind the other answers that are ready, it writes
/// them all with one system call.
pub(crate) struct Behind<F> {
    inner: Pin<Box<F>>,
    waited: bool,
}

impl<F> Behind<F> {
    pub(crate) fn new(inner: F) -> Self {
        Behind { inner: Box::pin(inner), waited: false }
    }

    pub(crate) fn inner(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.get_mut().inner.as_mut()
    }
}

impl<F: Future> Future for Behind<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.waited = !self.waited;
        if self.waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.inner.as_mut().poll(cx)
    }
}
