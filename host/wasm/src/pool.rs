//! The pool is the fixed number of threads that guests run on, so that no network task ever enters a guest. Each
//! processor has a bounded queue, and the queue that has used the least CPU is served next.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::budget::thread_cpu;

/// Guests yield to the network when both want the CPU.
const NICE: i32 = 5;

/// Work that a thread of the pool does.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// There is no room, or no pool any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The threads. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    schedule: Mutex<Schedule>,
    work: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Names a queue of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueId(usize);

impl Pool {
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let pool =
            Pool(Arc::new(Shared { schedule: Mutex::default(), work: Condvar::new(), threads: Mutex::default() }));
        for n in 0..threads.max(1) {
            let theirs = pool.clone();
            let thread = thread::Builder::new().name(format!("guest-{n}")).spawn(move || theirs.run())?;
            pool.0.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(pool)
    }

    /// A queue for at most `limit` jobs. While `alone` holds, one of them runs at a time: jobs that wait for each other
    /// would hold the threads that others need.
    pub(crate) fn queue(&self, limit: usize, alone: Arc<AtomicBool>) -> QueueId {
        let queue = Queue { jobs: VecDeque::new(), limit, alone, running: 0, spent: Duration::ZERO, is_free: false };
        let mut schedule = self.schedule();
        // Processors come and go with configurations.
        if let Some(index) = schedule.queues.iter().position(|queue| queue.is_free && queue.is_idle()) {
            schedule.queues[index] = queue;
            return QueueId(index);
        }
        schedule.queues.push(queue);
        QueueId(schedule.queues.len() - 1)
    }

    /// Nothing more is submitted to this queue: once it is empty it may be another's.
    pub(crate) fn release(&self, queue: QueueId) {
        if let Some(queue) = self.schedule().queues.get_mut(queue.0) {
            queue.is_free = true;
        }
    }

    /// Queues a job, or gives it back unrun by dropping it.
    pub(crate) fn submit(&self, queue: QueueId, job: Job) -> Result<(), Full> {
        self.schedule().submit(queue, job)?;
        self.0.work.notify_one();
        Ok(())
    }

    /// Gives back what is queued, unrun.
    pub(crate) fn discard(&self) {
        let jobs: Vec<Job> = self.schedule().queues.iter_mut().flat_map(|queue| queue.jobs.drain(..)).collect();
        drop(jobs);
    }

    /// Does what is queued and takes nothing more; then the threads end.
    pub(crate) fn close(&self) {
        self.schedule().closed = true;
        self.0.work.notify_all();
    }

    /// Closes, and returns when the threads have ended.
    pub(crate) fn drain(&self) {
        self.close();
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread catches the panics of its jobs: it has none of its own.
            let _ = thread.join();
        }
    }

    fn run(&self) {
        // On Linux a thread has a niceness of its own. Without the right to set it, it runs like the others.
        let _ = rustix::process::nice(NICE);
        let mut schedule = self.schedule();
        loop {
            let Some((queue, job)) = schedule.next() else {
                if schedule.closed {
                    return;
                }
                schedule = self.0.work.wait(schedule).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(schedule);
            let before = thread_cpu();
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a job of the guest pool panicked; its batch is refused");
            }
            let spent = thread_cpu().saturating_sub(before);
            schedule = self.schedule();
            schedule.finished(queue, spent);
        }
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.0.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose turn it is.
#[derive(Default)]
struct Schedule {
    queues: Vec<Queue>,
    closed: bool,
}

struct Queue {
    jobs: VecDeque<Job>,
    limit: usize,
    alone: Arc<AtomicBool>,
    running: usize,
    /// CPU time, as far as it counts: see [`Schedule::submit`].
    spent: Duration,
    is_free: bool,
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.running == 0
    }

    fn has_work(&self) -> bool {
        !self.jobs.is_empty() && (self.running == 0 || !self.alone.load(Ordering::Relaxed))
    }
}

impl Schedule {
    fn submit(&mut self, id: QueueId, job: Job) -> Result<(), Full> {
        let least_busy = self.queues.iter().filter(|queue| !queue.is_idle()).map(|queue| queue.spent).min();
        let queue = self.queues.get_mut(id.0).ok_or(Full)?;
        if self.closed || queue.jobs.len() >= queue.limit {
            return Err(Full);
        }
        if queue.is_idle() {
            // Time that a queue did not want is not saved up, or it could starve the others later.
            queue.spent = queue.spent.max(least_busy.unwrap_or_default());
        }
        queue.jobs.push_back(job);
        Ok(())
    }

    fn next(&mut self) -> Option<(usize, Job)> {
        let waiting = self.queues.iter_mut().enumerate().filter(|(_, queue)| queue.has_work());
        let (index, queue) = waiting.min_by_key(|(_, queue)| queue.spent)?;
        queue.running += 1;
        let job = queue.jobs.pop_front()?;
        Some((index, job))
    }

    fn finished(&mut self, queue: usize, spent: Duration) {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.running -= 1;
            queue.spent += spent;
        }
    }
}

#[cfg(test)]
mod tests;
