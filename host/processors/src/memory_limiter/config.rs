//! What a user may write under `processors: memory_limiter:`. The keys and defaults are the Collector's.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Consumer, Signal};
use host_config::time::duration;
use host_config::{Check, Wrong};
use host_telemetry::Metrics;
use rustix::system::sysinfo;
use schemars::JsonSchema;
use serde::Deserialize;

use super::cgroup;
use super::checker::{Bounds, Limiters};
use super::processor::MemoryLimiter;

const MIB: u64 = 1 << 20;

/// The processor's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often it looks at what the process takes; it has to be set.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub check_interval: Duration,
    /// What the process may take at most, in MiB; 0 is `limit_percentage`.
    pub limit_mib: u32,
    /// So far below that data is refused, in MiB; 0 is a fifth of the limit.
    pub spike_limit_mib: u32,
    /// What the process may take at most, in percent of what its control group has, or the machine.
    pub limit_percentage: u32,
    /// So far below that data is refused, in percent of the same; 0 is a fifth of the limit.
    pub spike_limit_percentage: u32,
    /// The allocator gives free memory back to the system no more often than that while data is refused.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub min_gc_interval_when_soft_limited: Duration,
    /// The same above the limit itself.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub min_gc_interval_when_hard_limited: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            check_interval: Duration::ZERO,
            limit_mib: 0,
            spike_limit_mib: 0,
            limit_percentage: 0,
            spike_limit_percentage: 0,
            min_gc_interval_when_soft_limited: Duration::from_secs(10),
            min_gc_interval_when_hard_limited: Duration::ZERO,
        }
    }
}

/// What the processor is built with.
pub struct Deps<'a> {
    pub limiters: &'a Limiters,
    pub metrics: &'a Metrics,
    /// That of the pipeline.
    pub signal: Signal,
}

/// Why a processor cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Config { id: ComponentId, wrong: Wrong },
    #[error(
        "{id}: what the process takes cannot be read from /proc/self/status, so that nothing could be limited: {error}"
    )]
    Unknown { id: ComponentId, error: io::Error },
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let Config { limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage, .. } = *self;
        let gaps = self.min_gc_interval_when_soft_limited < self.min_gc_interval_when_hard_limited;
        Wrong::among([
            ("check_interval", self.check_interval.is_zero(), "it has to be set, and more than 0; `1s` fits"),
            ("limit_mib", limit_mib == 0 && limit_percentage == 0, "set it, or `limit_percentage`, to more than 0"),
            ("limit_percentage", limit_percentage > 100, "there are no more than 100 %"),
            ("spike_limit_percentage", spike_limit_percentage > 100, "there are no more than 100 %"),
            (
                "spike_limit_mib",
                limit_mib > 0 && spike_limit_mib >= limit_mib,
                "it is as much as `limit_mib`, so that all data would be refused: make it less",
            ),
            (
                "spike_limit_percentage",
                limit_mib == 0 && (1..=100).contains(&limit_percentage) && spike_limit_percentage >= limit_percentage,
                "it is as much as `limit_percentage`, so that all data would be refused: make it less",
            ),
            (
                "min_gc_interval_when_soft_limited",
                gaps,
                "it is less than `min_gc_interval_when_hard_limited`: above the limit memory is given back at least as often",
            ),
        ])
    }
}

impl Config {
    /// Makes the processor, in front of `next`.
    ///
    /// # Errors
    /// When the section makes no sense, and where nobody can tell what the process takes.
    pub fn build(
        self,
        id: &ComponentId,
        next: Arc<dyn Consumer>,
        deps: &Deps<'_>,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Config { id: id.clone(), wrong });
        }
        let bounds = self.bounds(|| cgroup::available(Path::new("/"), machine()));
        let checker = deps.limiters.of(id, bounds, deps.metrics);
        let checker = checker.map_err(|error| BuildError::Unknown { id: id.clone(), error })?;
        Ok(Arc::new(MemoryLimiter::new(id, checker, next, deps)))
    }

    /// The limits in bytes; `available` is asked where they are given in percent.
    pub(crate) fn bounds(&self, available: impl FnOnce() -> u64) -> Bounds {
        let mib = |number: u32| u64::from(number) * MIB;
        let (hard, spike) = match self.limit_mib {
            0 => {
                let available = u128::from(available());
                let share = |percent: u32| u64::try_from(available * u128::from(percent) / 100).unwrap_or(u64::MAX);
                (share(self.limit_percentage), share(self.spike_limit_percentage))
            }
            limit => (mib(limit), mib(self.spike_limit_mib)),
        };
        let spike = if spike == 0 { hard / 5 } else { spike };
        Bounds {
            interval: self.check_interval,
            soft: hard.saturating_sub(spike),
            hard,
            gap_over_soft: self.min_gc_interval_when_soft_limited,
            gap_over_hard: self.min_gc_interval_when_hard_limited,
        }
    }
}

/// The memory of the machine.
fn machine() -> u64 {
    let info = sysinfo();
    (info.totalram as u64).saturating_mul(info.mem_unit.max(1).into())
}
