//! The writer is the thread that appends for all who wait: while the disk takes one group the next one gathers, so that a
//! lone delivery is written at once and many share a sync. It writes progress down in between.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, mem};

use tokio::sync::oneshot;

use crate::record::Outgoing;
use crate::room::Aside;
use crate::storage::Storage;
use crate::store::{AppendError, Store};

/// What was delivered is written down so long after it was at the latest.
pub(crate) const KEEP: Duration = Duration::from_millis(100);
/// With fsync, what is written down is there for good so long after: a loss of power has no more than that delivered again.
const LAST: Duration = Duration::from_secs(1);
/// A segment of which everything was delivered is ended when nothing came for so long.
const IDLE: Duration = Duration::from_secs(5);

type Reply = oneshot::Sender<Result<(), AppendError>>;

/// What somebody waits for.
struct Waiter {
    outgoing: Outgoing,
    /// The room that it has, until the store counts it.
    aside: Aside,
    reply: Reply,
}

/// The way to the thread; it ends, and what waits is written, when this is dropped.
pub(crate) struct Writer {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Default)]
struct Waiting {
    group: Vec<Waiter>,
    /// Whether something was delivered that is not written down.
    has_news: bool,
    is_over: bool,
}

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts the thread. `told` is called after each change of what the queue holds.
    pub(crate) fn start<S: Storage>(
        owner: &str,
        store: Arc<Store<S>>,
        told: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let own = Arc::clone(&desk);
        let name = owner.to_owned();
        let thread = thread::Builder::new().name(format!("queue {owner}"));
        let thread = thread.spawn(move || work(&name, &own, &store, told))?;
        Ok(Writer { desk, thread: Some(thread) })
    }

    /// Has a delivery written that has room: the answer comes when the disk has it. What nobody waits for any more when its
    /// turn comes is not written.
    pub(crate) fn append(&self, outgoing: Outgoing, aside: Aside) -> oneshot::Receiver<Result<(), AppendError>> {
        let (reply, answer) = oneshot::channel();
        let mut waiting = self.desk.waiting();
        if waiting.is_over {
            // Nobody is left who would write it.
            return answer;
        }
        waiting.group.push(Waiter { outgoing, aside, reply });
        drop(waiting);
        self.desk.came.notify_one();
        answer
    }

    /// Something was delivered.
    pub(crate) fn has_news(&self) {
        let had = mem::replace(&mut self.desk.waiting().has_news, true);
        if !had {
            self.desk.came.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.desk.waiting().is_over = true;
        self.desk.came.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has only what waits left to write.
            let _ = thread.join();
        }
    }
}

/// However the thread ends, nobody waits for it from then on.
struct Ends<'a> {
    desk: &'a Desk,
    owner: &'a str,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!(
                exporter = self.owner,
                "the thread that writes the queue has ended in a panic: it takes nothing more"
            );
        }
        let mut waiting = self.desk.waiting();
        waiting.is_over = true;
        let left = mem::take(&mut waiting.group);
        drop(waiting);
        // Who waits is told so.
        drop(left);
    }
}

/// When what was done last.
struct Times {
    kept: Instant,
    appended: Instant,
    /// When what was written down was last there for good, and whether something was since.
    lasted: Instant,
    is_owed: bool,
    /// Whether the segment was looked at since.
    was_idle: bool,
}

fn work<S: Storage>(owner: &str, desk: &Desk, store: &Store<S>, told: impl Fn()) {
    let _ends = Ends { desk, owner };
    let now = Instant::now();
    let mut times = Times { kept: now, appended: now, lasted: now, is_owed: false, was_idle: false };
    loop {
        let (mut waiters, is_over) = next(desk, &times);
        waiters.retain(|waiter| !waiter.reply.is_closed());
        if !waiters.is_empty() {
            let apart = |waiter: Waiter| (waiter.outgoing, (waiter.aside, waiter.reply));
            let (group, others): (Vec<_>, Vec<_>) = waiters.into_iter().map(apart).unzip();
            let (asides, replies): (Vec<_>, Vec<_>) = others.into_iter().unzip();
            let (done, error) = store.append(&group);
            // The store counts what it has taken.
            drop((group, asides));
            if let Some(error) = &error {
                tracing::error!(exporter = owner, %error, "the queue refuses");
            }
            told();
            for (n, reply) in replies.into_iter().enumerate() {
                let outcome = error.clone().filter(|_| n >= done).map_or(Ok(()), Err);
                // Who has given up finds it delivered all the same.
                let _ = reply.send(outcome);
            }
            (times.appended, times.was_idle) = (Instant::now(), false);
        }
        if times.kept.elapsed() >= KEEP || is_over {
            if is_over {
                store.end_writing();
            } else if times.appended.elapsed() >= IDLE {
                store.end_segment();
                times.was_idle = true;
            }
            times.is_owed |= mem::take(&mut desk.waiting().has_news) && store.fsync();
            let lasts = is_over || (times.is_owed && times.lasted.elapsed() >= LAST);
            let kept = store.keep(lasts);
            if let Err(error) = &kept {
                let told = "what was delivered cannot be written down: it comes again after a crash";
                tracing::warn!(exporter = owner, %error, "{told}");
            }
            told();
            times.kept = Instant::now();
            if lasts {
                // What failed is still owed, and tried again as long after.
                (times.lasted, times.is_owed) = (times.kept, kept.is_err());
            }
        }
        if is_over {
            return;
        }
    }
}

/// What is to be written next, or nothing when it is time for something else; and whether it is the last.
fn next(desk: &Desk, times: &Times) -> (Vec<Waiter>, bool) {
    let mut waiting = desk.waiting();
    loop {
        let news = waiting.has_news.then(|| KEEP.saturating_sub(times.kept.elapsed()));
        let owed = times.is_owed.then(|| LAST.saturating_sub(times.lasted.elapsed()));
        let idle = (!times.was_idle).then(|| IDLE.saturating_sub(times.appended.elapsed()));
        let wait = news.into_iter().chain(owed).chain(idle).min();
        if !waiting.group.is_empty() || waiting.is_over || wait.is_some_and(|wait| wait.is_zero()) {
            return (mem::take(&mut waiting.group), waiting.is_over);
        }
        waiting = match wait {
            Some(wait) => desk.came.wait_timeout(waiting, wait).unwrap_or_else(PoisonError::into_inner).0,
            None => desk.came.wait(waiting).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

#[cfg(test)]
mod tests;
