//! One connection: it serves until the peer leaves, it is idle or old, or the receiver shuts down; then what was taken
//! is answered and it closes.

use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use host_component::Shutdown;
use host_identity::Speaker;
use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, sleep, sleep_until};

use super::config::ServerParameters;
use super::identity::{Quota, Standing};
use super::intake::Intake;
use super::status::{Cause, Rejection};

/// How often a closing connection is looked at, and how long an idle one may take to notice that it is to go.
const CLOSING_TICK: Duration = Duration::from_millis(250);

/// How many of these pass at the end before a request that is still being read is given up: its sender was not answered.
const LAST_READS: u32 = 8;
/// How long calls may go on whose sender is not vouched for any more.
const LAST_CALLS: Duration = Duration::from_secs(5);
/// What a peer says at the least: the preface of HTTP/2, or the shortest request of HTTP/1.
const FIRST_WORDS: usize = 24;

/// The requests of one connection.
pub(crate) struct Activity {
    /// Who is at the other end.
    peer: IpAddr,
    standing: Standing,
    /// Whether it is not listened to any more.
    is_over: AtomicBool,
    active: AtomicUsize,
    /// Those of the active ones whose body has not come in full.
    reading: AtomicUsize,
    taken: AtomicU64,
    heard: AtomicUsize,
}

/// One request under way; it ends on drop.
pub(crate) struct Busy {
    activity: Arc<Activity>,
    is_reading: bool,
}

impl Activity {
    pub(crate) fn new(peer: IpAddr, standing: Standing) -> Self {
        Activity {
            peer: peer.to_canonical(),
            standing,
            is_over: AtomicBool::new(false),
            active: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            heard: AtomicUsize::new(0),
        }
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.active.fetch_add(1, Ordering::Relaxed);
        self.reading.fetch_add(1, Ordering::Relaxed);
        self.taken.fetch_add(1, Ordering::Relaxed);
        Busy { activity: self.clone(), is_reading: true }
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Notes bytes that came in.
    pub(crate) fn hear(&self, bytes: usize) {
        self.heard.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_idle(&self) -> bool {
        self.active.load(Ordering::Relaxed) == 0
    }

    /// Whether nothing was taken that is still to be answered.
    fn only_reads(&self) -> bool {
        self.active.load(Ordering::Relaxed) == self.reading.load(Ordering::Relaxed)
    }
}

impl Busy {
    /// The address of who sends it.
    pub(crate) fn peer(&self) -> IpAddr {
        self.activity.peer
    }

    /// Who sends it; none where nobody has to say.
    pub(crate) fn speaker(&self) -> Result<Option<&Speaker>, Rejection> {
        let forbidden = |message: &str| Err(Rejection::new(Cause::Forbidden, message));
        match &self.activity.standing {
            _ if self.activity.is_over.load(Ordering::Relaxed) => {
                forbidden("nobody vouches for the client certificate any more: connect with one that is good")
            }
            Standing::Anybody => Ok(None),
            Standing::Known(speaker, _) => Ok(Some(speaker)),
            Standing::Stranger(why) => forbidden(why),
        }
    }

    /// What who sends it may send; none where that is not limited.
    pub(crate) fn quota(&self) -> Option<&Arc<Quota>> {
        match &self.activity.standing {
            Standing::Known(_, quota) => quota.as_ref(),
            Standing::Anybody | Standing::Stranger(_) => None,
        }
    }

    /// The body is there: from now on the sender is owed an answer.
    pub(crate) fn has_read(&mut self) {
        if std::mem::take(&mut self.is_reading) {
            self.activity.reading.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.has_read();
        self.activity.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a connection was asked to go.
enum Reason {
    Shutdown,
    Idle,
    Age,
    Silent,
    /// Nobody vouches for the peer any more.
    Ended(String),
}

/// How long a connection may live, and in which state.
pub(crate) struct Lifetime<'a> {
    pub(crate) keepalive: &'a ServerParameters,
    /// How long the peer may be silent before its first words; zero is forever.
    pub(crate) first_words: Duration,
}

/// Runs a connection to its end, which may be that of the certificate that its peer has shown.
pub(crate) async fn drive<C>(
    connection: C,
    activity: &Activity,
    lifetime: Lifetime<'_>,
    intake: &Intake,
    ended: impl Future<Output = String>,
    shutdown: Shutdown,
) where
    C: GracefulConnection,
    C::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut connection = pin!(Behind::new(connection));
    let keepalive = lifetime.keepalive;
    // The connection wakes with each request: what hardly ever happens is not asked about each time.
    let mut told = FuturesUnordered::from_iter([told_to_go(activity, &lifetime, ended, shutdown)]);
    let reason = tokio::select! {
        biased;
        result = connection.as_mut() => return report(result, intake),
        Some(reason) = told.next() => reason,
    };
    if let Reason::Silent = reason {
        let message = format!("the peer said nothing within {:?}", lifetime.first_words);
        return intake.note(&Rejection::new(Cause::Slow, message));
    }
    connection.as_mut().inner().graceful_shutdown();
    let patience = match reason {
        Reason::Age => keepalive.max_connection_age_grace,
        Reason::Ended(reason) => {
            activity.is_over.store(true, Ordering::Relaxed);
            intake.note_ended(&reason);
            LAST_CALLS
        }
        Reason::Shutdown | Reason::Idle | Reason::Silent => Duration::ZERO,
    };
    tokio::select! {
        biased;
        result = connection.as_mut() => report(result, intake),
        () = quiet(activity) => tracing::debug!("the peer did not close its idle connection"),
        () = elapsed(patience) => tracing::debug!("a connection was closed at the end of its grace"),
    }
}

/// Returns when the connection is to go.
async fn told_to_go(
    activity: &Activity,
    lifetime: &Lifetime<'_>,
    ended: impl Future<Output = String>,
    mut shutdown: Shutdown,
) -> Reason {
    tokio::select! {
        () = shutdown.wait() => Reason::Shutdown,
        () = idle(activity, lifetime.keepalive.max_connection_idle) => Reason::Idle,
        () = elapsed(lifetime.keepalive.max_connection_age) => Reason::Age,
        () = silent(activity, lifetime.first_words) => Reason::Silent,
        reason = ended => Reason::Ended(reason),
    }
}

/// Counts what was refused below the level of requests: what is no HTTP, or broke its rules.
fn report<E: Into<Box<dyn Error + Send + Sync>>>(result: Result<(), E>, intake: &Intake) {
    let Err(error) = result else { return };
    let error = error.into();
    match fault(&*error) {
        Some(cause) => intake.note(&Rejection::new(cause, error.to_string())),
        None => tracing::debug!(%error, "connection ended"),
    }
}

/// What the peer did wrong, if it did not just leave.
fn fault(error: &(dyn Error + 'static)) -> Option<Cause> {
    let hyper = error.downcast_ref::<hyper::Error>()?;
    if hyper.is_parse_too_large() {
        return Some(Cause::Headers);
    }
    if hyper.is_timeout() {
        return Some(Cause::Slow);
    }
    let broke_http2 = || hyper.source()?.downcast_ref::<h2::Error>().map(h2::Error::is_library);
    (hyper.is_parse() || broke_http2() == Some(true)).then_some(Cause::Malformed)
}

/// Returns when the peer has not said its first words within `limit`.
async fn silent(activity: &Activity, limit: Duration) {
    elapsed(limit).await;
    if activity.heard.load(Ordering::Relaxed) >= FIRST_WORDS {
        std::future::pending::<()>().await;
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

/// Returns when nothing has been under way for a while, long enough for the last answer to have been written. A body
/// that is slow to come is waited for a little longer only.
async fn quiet(activity: &Activity) {
    let mut calm = 0;
    let mut ticks = 0;
    while calm < 4 {
        sleep(CLOSING_TICK).await;
        ticks += 1;
        let is_calm = activity.is_idle() || (ticks >= LAST_READS && activity.only_reads());
        calm = if is_calm { calm + 1 } else { 0 };
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
