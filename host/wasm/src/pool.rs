//! The pool is the fixed number of threads that guests run on, so that no network task ever enters a guest. Each
//! processor has a bounded queue, and the queue that has used the least CPU is served next.
//!
//! There are two lanes, with as many threads each as there are cores, since a job cannot be taken off a thread: a module that takes
//! long for a batch would hold up all others behind it. So its queue is slow, and is served by the threads of the slow lane, which
//! the kernel gives less of a core that both want. Who is new is slow, until a job has shown otherwise; and who has had one
//! slow job is slow until many after it were quick.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::budget::thread_cpu;

/// Guests yield to the network when both want the CPU, and those that take long yield to the others.
const NICE: i32 = 5;
const SLOW_NICE: i32 = 9;
/// A job that takes more CPU time is slow. A batch of thousands of records, each looked at, takes less.
const SLOW: Duration = Duration::from_millis(25);
/// So many quick jobs one after another make a slow queue quick, of one that has had a slow job.
const PATIENCE: u32 = 32;

/// Work that a thread of the pool does.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// There is no room, or no pool any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// The threads. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

#[derive(Default)]
struct Shared {
    schedule: Mutex<Schedule>,
    /// By lane.
    work: [Condvar; 2],
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Which threads serve a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lane {
    Quick,
    #[default]
    Slow,
}

impl Lane {
    fn nice(self) -> i32 {
        match self {
            Lane::Quick => NICE,
            Lane::Slow => SLOW_NICE,
        }
    }
}

/// Names a queue of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueId(usize);

impl Pool {
    /// Starts so many threads for each lane.
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let pool = Pool(Arc::default());
        for (lane, name) in [(Lane::Quick, "guest"), (Lane::Slow, "guest-slow")] {
            for n in 0..threads.max(1) {
                let theirs = pool.clone();
                let thread = thread::Builder::new().name(format!("{name}-{n}")).spawn(move || theirs.run(lane))?;
                pool.0.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
            }
        }
        Ok(pool)
    }

    /// A queue for at most `limit` jobs. While `alone` holds, one of them runs at a time: jobs that wait for each other
    /// would hold the threads that others need.
    pub(crate) fn queue(&self, limit: usize, alone: Arc<AtomicBool>) -> QueueId {
        let queue = Queue::new(limit, alone);
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
        let lane = self.schedule().submit(queue, job)?;
        self.0.work[lane as usize].notify_one();
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
        self.0.work.iter().for_each(Condvar::notify_all);
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

    fn run(&self, lane: Lane) {
        // On Linux a thread has a niceness of its own. Without the right to set it, it runs like the others.
        let _ = rustix::process::nice(lane.nice());
        let mut schedule = self.schedule();
        loop {
            let Some((queue, job)) = schedule.next(lane) else {
                if schedule.is_done() {
                    return;
                }
                schedule = self.0.work[lane as usize].wait(schedule).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(schedule);
            let before = thread_cpu();
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a job of the guest pool panicked; its batch is refused");
            }
            let spent = thread_cpu().saturating_sub(before);
            schedule = self.schedule();
            // What waits in it is another lane's from here on; and at the end all wait for the last job.
            if let Some(lane) = schedule.finished(queue, spent) {
                self.0.work[lane as usize].notify_all();
            }
            if schedule.closed {
                self.0.work.iter().for_each(Condvar::notify_all);
            }
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
    lane: Lane,
    /// Quick jobs that it has to do before it is quick.
    patience: u32,
    is_free: bool,
}

impl Queue {
    fn new(limit: usize, alone: Arc<AtomicBool>) -> Self {
        let (jobs, running, spent) = (VecDeque::new(), 0, Duration::ZERO);
        Queue { jobs, limit, alone, running, spent, lane: Lane::Slow, patience: 1, is_free: false }
    }

    /// Learns from a job what lane it is of.
    fn learn(&mut self, spent: Duration) {
        self.patience = if spent > SLOW { PATIENCE } else { self.patience.saturating_sub(1) };
        self.lane = if self.patience > 0 { Lane::Slow } else { Lane::Quick };
    }

    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.running == 0
    }

    fn has_work(&self) -> bool {
        !self.jobs.is_empty() && (self.running == 0 || !self.alone.load(Ordering::Relaxed))
    }
}

impl Schedule {
    /// The lane in which the job waits.
    fn submit(&mut self, id: QueueId, job: Job) -> Result<Lane, Full> {
        let lane = self.queues.get(id.0).ok_or(Full)?.lane;
        let least_busy = self.least_busy(lane);
        let queue = self.queues.get_mut(id.0).ok_or(Full)?;
        if self.closed || queue.jobs.len() >= queue.limit {
            return Err(Full);
        }
        if queue.is_idle() {
            // Time that a queue did not want is not saved up, or it could starve the others later.
            queue.spent = queue.spent.max(least_busy.unwrap_or_default());
        }
        queue.jobs.push_back(job);
        Ok(lane)
    }

    /// What the queue has spent that is served next, of those that are not idle.
    fn least_busy(&self, lane: Lane) -> Option<Duration> {
        let busy = self.queues.iter().filter(|queue| queue.lane == lane && !queue.is_idle());
        busy.map(|queue| queue.spent).min()
    }

    fn next(&mut self, lane: Lane) -> Option<(usize, Job)> {
        let waiting = self.queues.iter_mut().enumerate().filter(|(_, queue)| queue.lane == lane && queue.has_work());
        let (index, queue) = waiting.min_by_key(|(_, queue)| queue.spent)?;
        queue.running += 1;
        let job = queue.jobs.pop_front()?;
        Some((index, job))
    }

    /// The lane that the queue has changed to, where it has.
    fn finished(&mut self, index: usize, spent: Duration) -> Option<Lane> {
        let queue = self.queues.get_mut(index)?;
        let before = queue.lane;
        queue.running -= 1;
        queue.spent += spent;
        queue.learn(spent);
        let lane = queue.lane;
        if lane == before {
            return None;
        }
        // It begins there as one that slept: what it has spent elsewhere is not held against it, nor saved up.
        queue.spent = Duration::ZERO;
        let others = self.queues.iter().enumerate().filter(|(at, other)| *at != index && other.lane == lane);
        let least = others.filter(|(_, other)| !other.is_idle()).map(|(_, other)| other.spent).min();
        self.queues.get_mut(index)?.spent = least.unwrap_or_default();
        Some(lane)
    }

    /// Whether nothing more will come: what still runs may have work left behind it, of which one job runs at a time.
    fn is_done(&self) -> bool {
        self.closed && self.queues.iter().all(Queue::is_idle)
    }
}

#[cfg(test)]
mod tests;
