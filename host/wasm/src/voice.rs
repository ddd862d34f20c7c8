//! The voice of a module is what its guests may say to the outside: log lines at a bounded rate and counters with a
//! bounded number of names. All generations and instances of a module share one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use host_telemetry::{Counter, Metrics};

use crate::config::ModulesLimits;
use crate::throttle::Throttle;

/// Longer lines are cut.
const LINE_BYTES: usize = 4096;
/// Names of counters that a module may use.
const COUNTERS: usize = 64;
/// Longer names are no names.
const NAME_BYTES: usize = 64;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}

impl Severity {
    /// The name as logs spell it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Debug => "debug",
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }
}

/// What a module logged and counted, kept for who asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// As many as a module may write in a second.
    pub lines: Vec<(Severity, String)>,
    pub counters: BTreeMap<String, u64>,
}

/// What the guests of one module say.
pub(crate) struct Voice {
    module: String,
    metrics: Metrics,
    lines_dropped: Counter,
    names_dropped: Counter,
    /// Log lines that it may write in a second.
    rate: u32,
    window: Mutex<Window>,
    /// For what is told of its failures.
    failures: Throttle,
    counters: Mutex<HashMap<String, Counter>>,
    /// In place of the log and the metrics, where a module is tried by whoever wrote it.
    kept: Option<Mutex<Said>>,
}

struct Window {
    start: Instant,
    lines: u32,
}

impl Voice {
    pub(crate) fn new(module: &str, rate: u32, metrics: &Metrics) -> Self {
        let labels = [("module", module)];
        Voice {
            module: module.to_owned(),
            metrics: metrics.clone(),
            lines_dropped: metrics.counter(
                "tidegate_module_log_lines_dropped_total",
                "Log lines of a module that were left out, since it wrote more than its rate allows.",
                &labels,
            ),
            names_dropped: metrics.counter(
                "tidegate_module_counters_dropped_total",
                "Additions to a module's own counters that were left out: a bad name, or too many names.",
                &labels,
            ),
            rate,
            window: Mutex::new(Window { start: Instant::now(), lines: 0 }),
            failures: Throttle::default(),
            counters: Mutex::default(),
            kept: None,
        }
    }

    /// A voice that keeps what is said until it is asked for it.
    pub(crate) fn keeping(module: &str) -> Self {
        Voice {
            kept: Some(Mutex::default()),
            ..Voice::new(module, ModulesLimits::default().log_lines, &Metrics::new())
        }
    }

    /// What was said since the last call of this.
    pub(crate) fn take(&self) -> Said {
        self.kept().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default()
    }

    fn kept(&self) -> Option<MutexGuard<'_, Said>> {
        self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes one line, or counts it where there were too many in this second.
    pub(crate) fn say(&self, digest: &str, severity: Severity, message: &str) {
        if let Some(mut kept) = self.kept() {
            // By number and not by time: what is kept does not depend on how fast this machine is.
            if kept.lines.len() < ModulesLimits::default().log_lines as usize {
                kept.lines.push((severity, one_line(message, LINE_BYTES)));
            }
            return;
        }
        if !self.admits() {
            self.lines_dropped.inc();
            return;
        }
        let (module, message) = (self.module.as_str(), one_line(message, LINE_BYTES));
        match severity {
            Severity::Debug => tracing::debug!(target: "tidegate::module", module, digest, "{message}"),
            Severity::Info => tracing::info!(target: "tidegate::module", module, digest, "{message}"),
            Severity::Warn => tracing::warn!(target: "tidegate::module", module, digest, "{message}"),
            Severity::Error => tracing::error!(target: "tidegate::module", module, digest, "{message}"),
        }
    }

    fn admits(&self) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.start.elapsed() >= Duration::from_secs(1) {
            *window = Window { start: Instant::now(), lines: 0 };
        }
        window.lines = window.lines.saturating_add(1);
        window.lines <= self.rate
    }

    /// Whether a failure is told, and how many were not before it.
    pub(crate) fn admits_failure(&self, now: Instant) -> Option<u64> {
        self.failures.admits(now)
    }

    /// Adds what one successful call counted.
    pub(crate) fn count(&self, name: &str, value: u64) {
        if let Some(mut kept) = self.kept() {
            if let Some(sum) = kept.counters.get_mut(name) {
                *sum = sum.saturating_add(value);
            } else if kept.counters.len() < COUNTERS && is_name(name) {
                kept.counters.insert(name.to_owned(), value);
            }
            return;
        }
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if !counters.contains_key(name) {
            if counters.len() >= COUNTERS || !is_name(name) {
                self.names_dropped.inc();
                return;
            }
            let labels = [("module", self.module.as_str()), ("name", name)];
            let counter = self.metrics.counter("tidegate_module_counter_total", "A module's own counters.", &labels);
            counters.insert(name.to_owned(), counter);
        }
        if let Some(counter) = counters.get(name) {
            counter.inc_by(value);
        }
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What others wrote, for a log line or an answer: no longer than `limit`, and without what would end the line or turn a
/// terminal's head.
pub(crate) fn one_line(message: &str, limit: usize) -> String {
    let kept = &message[..message.floor_char_boundary(limit)];
    kept.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ")
}

#[cfg(test)]
mod tests;
