//! The checker looks at the memory of the process once an interval, and says whether something may come in. There is one
//! for each processor of the configuration, however many pipelines name it.
//!
//! It looks when something comes: while nothing does, nothing is to be refused. Whoever finds that it is time looks; others go
//! on with what was found before.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};
use std::time::Duration;

use host_component::{ComponentId, Failure};
use host_telemetry::{Counter, Metrics, OwnGauge};
use tokio::time::Instant;

use super::usage::Memory;

const MIB: u64 = 1 << 20;
/// A sender is asked to wait about as long as it takes until somebody looks again, and no longer or shorter than makes sense.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Limits in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) interval: Duration,
    /// Above it data is refused.
    pub(crate) soft: u64,
    pub(crate) hard: u64,
    pub(crate) gap_over_soft: Duration,
    pub(crate) gap_over_hard: Duration,
}

/// The checkers of a process, by the ids of their processors. Cloning shares them.
#[derive(Clone)]
pub struct Limiters {
    memory: Arc<dyn Memory>,
    /// One for each processor of the configuration in force, and of those that drain.
    alive: Arc<Mutex<HashMap<ComponentId, Weak<Checker>>>>,
}

impl Limiters {
    pub fn new(memory: impl Memory) -> Self {
        Limiters { memory: Arc::new(memory), alive: Arc::default() }
    }

    /// The checker of this processor: the one that there is, where its limits are the same.
    pub(crate) fn of(&self, id: &ComponentId, bounds: Bounds, metrics: &Metrics) -> io::Result<Arc<Checker>> {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.retain(|_, checker| checker.strong_count() > 0);
        if let Some(checker) = alive.get(id).and_then(Weak::upgrade).filter(|checker| checker.bounds == bounds) {
            return Ok(checker);
        }
        let checker = Arc::new(Checker::new(id, bounds, Arc::clone(&self.memory), metrics)?);
        alive.insert(id.clone(), Arc::downgrade(&checker));
        Ok(checker)
    }
}

pub(crate) struct Checker {
    id: ComponentId,
    bounds: Bounds,
    memory: Arc<dyn Memory>,
    /// Bytes of what is under way behind the processors.
    under_way: AtomicU64,
    /// What the process took when it was looked at last, and what had come in then.
    resident: AtomicU64,
    in_flight: AtomicU64,
    is_refusing: AtomicBool,
    turns: Mutex<Turns>,
    shown: Shown,
}

/// When what was done last.
struct Turns {
    looked: Instant,
    gave_back: Option<Instant>,
}

/// What is exported of it.
struct Shown {
    used: OwnGauge,
    refusing: OwnGauge,
    collections: Counter,
    _limits: [OwnGauge; 2],
}

/// Something that is under way, until it is dropped.
pub(crate) struct UnderWay<'c> {
    checker: &'c Checker,
    bytes: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.checker.under_way.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Checker {
    fn new(id: &ComponentId, bounds: Bounds, memory: Arc<dyn Memory>, metrics: &Metrics) -> io::Result<Self> {
        let resident = memory.resident()?;
        let (in_flight, now) = (memory.in_flight(), Instant::now());
        tracing::info!(
            processor = %id, used_mib = resident / MIB, soft_mib = bounds.soft / MIB, hard_mib = bounds.hard / MIB,
            "memory is limited: data is refused from the lower limit on"
        );
        Ok(Checker {
            id: id.clone(),
            bounds,
            memory,
            under_way: AtomicU64::new(0),
            resident: AtomicU64::new(resident),
            in_flight: AtomicU64::new(in_flight),
            is_refusing: AtomicBool::new(false),
            turns: Mutex::new(Turns { looked: now, gave_back: None }),
            shown: Shown::new(id, bounds, resident, metrics),
        })
    }

    /// Lets so many bytes in, which are under way until what is returned is dropped.
    pub(crate) fn admit(&self, bytes: u64) -> Result<UnderWay<'_>, Failure> {
        self.under_way.fetch_add(bytes, Ordering::Relaxed);
        let under_way = UnderWay { checker: self, bytes };
        self.look();
        let used = self.used();
        if used <= self.bounds.soft {
            return Ok(under_way);
        }
        if !self.is_refusing.swap(true, Ordering::Relaxed) {
            self.shown.refusing.set(1);
            tracing::warn!(
                processor = %self.id, used_mib = used / MIB, soft_mib = self.bounds.soft / MIB,
                "memory usage is above the soft limit: data is refused"
            );
        }
        let (used, soft) = (used.div_ceil(MIB), self.bounds.soft / MIB);
        let reason = format!(
            "{}: data refused due to high memory usage: {used} MiB are in use, and above {soft} MiB nothing is taken; try again later",
            self.id
        );
        Err(Failure::refused(reason, self.bounds.interval.clamp(PAUSE.0, PAUSE.1)))
    }

    /// What the process takes: as it was found, and what has come in since.
    fn used(&self) -> u64 {
        let grown = self.coming_in().saturating_sub(self.in_flight.load(Ordering::Relaxed));
        self.resident.load(Ordering::Relaxed).saturating_add(grown)
    }

    /// What receivers hold, or what is under way here, where some of it came from others than those.
    fn coming_in(&self) -> u64 {
        self.memory.in_flight().max(self.under_way.load(Ordering::Relaxed))
    }

    /// Looks at the process where it is time to and nobody else does.
    fn look(&self) {
        let mut turns = match self.turns.try_lock() {
            Ok(turns) => turns,
            Err(TryLockError::Poisoned(turns)) => turns.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let now = Instant::now();
        if now.duration_since(turns.looked) < self.bounds.interval {
            return;
        }
        turns.looked = now;
        let Some(mut found) = self.read() else { return };
        if let Some(gap) = self.gap(found)
            && turns.gave_back.is_none_or(|last| now.duration_since(last) >= gap)
        {
            turns.gave_back = Some(now);
            self.memory.give_back();
            self.shown.collections.inc();
            let before = found;
            found = self.read().unwrap_or(found);
            tracing::debug!(processor = %self.id, before, after = found, "free memory was given back to the system");
        }
        self.in_flight.store(self.coming_in(), Ordering::Relaxed);
        self.resident.store(found, Ordering::Relaxed);
        self.shown.used.set(signed(found));
        if found <= self.bounds.soft && self.is_refusing.swap(false, Ordering::Relaxed) {
            self.shown.refusing.set(0);
            tracing::info!(processor = %self.id, used_mib = found / MIB, "memory usage is within its limits: data is taken");
        }
    }

    fn read(&self) -> Option<u64> {
        match self.memory.resident() {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                tracing::warn!(processor = %self.id, %error, "what the process takes cannot be read; what was found last counts");
                None
            }
        }
    }

    /// How long ago free memory has to have been given back where the process takes so much, for that to be done again.
    fn gap(&self, found: u64) -> Option<Duration> {
        match found {
            _ if found > self.bounds.hard => Some(self.bounds.gap_over_hard),
            _ if found > self.bounds.soft => Some(self.bounds.gap_over_soft),
            _ => None,
        }
    }
}

impl Shown {
    fn new(id: &ComponentId, bounds: Bounds, resident: u64, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let labels = [("processor", id.as_str())];
        let limit = |name: &str, bytes| {
            let (labels, help) =
                ([("processor", id.as_str()), ("limit", name)], "What the process may take, in bytes.");
            metrics.own_gauge("tidegate_processor_memory_limiter_limit_bytes", help, &labels, signed(bytes))
        };
        Shown {
            used: metrics.own_gauge(
                "tidegate_processor_memory_limiter_used_bytes",
                "What the process took when the limiter looked last, in bytes.",
                &labels,
                signed(resident),
            ),
            refusing: metrics.own_gauge(
                "tidegate_processor_memory_limiter_refusing",
                "Whether data is refused since the process takes too much: 1 or 0.",
                &labels,
                0,
            ),
            collections: metrics.counter(
                "tidegate_processor_memory_limiter_collections",
                "How often the allocator was asked to give back free memory.",
                &labels,
            ),
            _limits: [limit("soft", bounds.soft), limit("hard", bounds.hard)],
        }
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
