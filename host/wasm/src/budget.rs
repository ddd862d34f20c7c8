//! A budget is the time that one batch may take: CPU time of the thread that serves it, so that a busy machine does not
//! make a good guest look bad, and ten times that on the wall, so that a call ends at last on a machine that is stuck.
//!
//! Projection, pattern scan, the guest itself and the edits are all charged to the same one.

use std::time::{Duration, Instant};

use host_projection::Meter;
use rustix::time::{ClockId, clock_gettime};

const WALL_FACTOR: u32 = 10;

/// The CPU time that this thread has used.
pub(crate) fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// What is left of the time for one batch, on the thread that started it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    cpu_end: Duration,
    wall_end: Instant,
}

impl Budget {
    /// Starts now, on this thread.
    pub(crate) fn start(limit: Duration) -> Self {
        Budget { cpu_end: thread_cpu() + limit, wall_end: Instant::now() + limit * WALL_FACTOR }
    }

    /// Does the work of somebody else on this batch's thread, at no cost to the batch.
    pub(crate) fn pause<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (cpu, wall) = (thread_cpu(), Instant::now());
        let done = work();
        self.cpu_end += thread_cpu().saturating_sub(cpu);
        self.wall_end += wall.elapsed();
        done
    }

    pub(crate) fn is_spent(&self) -> bool {
        thread_cpu() > self.cpu_end || Instant::now() > self.wall_end
    }
}

impl Meter for Budget {
    fn spent(&mut self) -> bool {
        self.is_spent()
    }
}
