//! `memory`: what the memory is used for.

use host_periodic::{Choices, Kind, Spec};
use procfs_core::{FromRead as _, Meminfo};

use super::{Found, Scraper};

const USAGE: Spec = Spec::new(Kind::Sum, "system.memory.usage", "By", "Bytes of memory in use.");
const UTILIZATION: Spec =
    Spec::new(Kind::Gauge, "system.memory.utilization", "1", "Percentage of memory bytes in use.").optional();
const LIMIT: Spec = Spec::new(Kind::Sum, "system.memory.limit", "By", "Total bytes of memory available.").optional();
const PAGE_SIZE: Spec =
    Spec::new(Kind::Gauge, "system.memory.page_size", "By", "A constant value for the system's configured page size.")
        .optional();
const AVAILABLE: Spec = Spec::new(
    Kind::Sum,
    "system.linux.memory.available",
    "By",
    "An estimate of how much memory is available for starting new applications, without swapping.",
)
.optional();
const DIRTY: Spec =
    Spec::new(Kind::Sum, "system.linux.memory.dirty", "By", "The amount of dirty memory according to `/proc/meminfo`.")
        .optional();

pub(crate) const METRICS: &[Spec] = &[USAGE, UTILIZATION, LIMIT, PAGE_SIZE, AVAILABLE, DIRTY];

pub(crate) struct Memory(pub(crate) Choices);

impl Scraper for Memory {
    const NAME: &'static str = "memory";

    fn choices(&self) -> &Choices {
        &self.0
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        let Some(text) = found.proc("meminfo", 6) else { return };
        let Some(info) = found.sense("meminfo", 6, Meminfo::from_read(text.as_bytes()).ok()) else { return };
        let total = info.mem_total;
        let reclaimable = info.s_reclaimable.unwrap_or(0);
        // What can be taken back of caches is told as cached, as the Collector does it.
        let cached = info.cached.saturating_add(reclaimable);
        let free = info.mem_free.saturating_add(info.buffers).saturating_add(cached);
        let used = total.saturating_sub(info.mem_available.unwrap_or(free));
        let states = [
            ("buffered", info.buffers),
            ("cached", cached),
            ("free", info.mem_free),
            ("slab_reclaimable", reclaimable),
            ("slab_unreclaimable", info.s_unreclaim.unwrap_or(0)),
            ("used", used),
        ];
        for (state, bytes) in states {
            found.record.record(&USAGE, bytes, &[("state", state)]);
            if total > 0 {
                found.record.record(&UTILIZATION, bytes as f64 / total as f64, &[("state", state)]);
            }
        }
        found.record.record(&LIMIT, total, &[]);
        found.record.record(&PAGE_SIZE, rustix::param::page_size() as u64, &[]);
        if let Some(available) = info.mem_available {
            found.record.record(&AVAILABLE, available, &[]);
        }
        found.record.record(&DIRTY, info.dirty, &[]);
    }
}
