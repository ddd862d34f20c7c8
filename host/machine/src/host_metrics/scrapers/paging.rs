//! `paging`: swap, and pages that go from and to it.

use host_periodic::{Choices, Kind, Spec};

use super::super::parse;
use super::{Found, Scraper};

const FAULTS: Spec = Spec::new(Kind::Counter, "system.paging.faults", "{faults}", "The number of page faults.");
const OPERATIONS: Spec =
    Spec::new(Kind::Counter, "system.paging.operations", "{operations}", "The number of paging operations.");
const USAGE: Spec = Spec::new(Kind::Sum, "system.paging.usage", "By", "Swap (unix) or pagefile (windows) usage.");
const UTILIZATION: Spec =
    Spec::new(Kind::Gauge, "system.paging.utilization", "1", "Swap (unix) or pagefile (windows) utilization.")
        .optional();

pub(crate) const METRICS: &[Spec] = &[FAULTS, OPERATIONS, USAGE, UTILIZATION];

pub(crate) struct Paging(pub(crate) Choices);

impl Paging {
    fn usage(found: &mut Found<'_>) {
        let Some(text) = found.proc("swaps", 2) else { return };
        for swap in parse::swaps(&text) {
            for (state, bytes) in [("free", swap.size.saturating_sub(swap.used)), ("used", swap.used)] {
                let attributes = [("device", swap.device.as_str()), ("state", state)];
                found.record.record(&USAGE, bytes, &attributes);
                if swap.size > 0 {
                    found.record.record(&UTILIZATION, bytes as f64 / swap.size as f64, &attributes);
                }
            }
        }
    }

    fn operations(found: &mut Found<'_>) {
        let Some(text) = found.proc("vmstat", 6) else { return };
        let numbers = parse::numbers(&text);
        let of = |name| numbers.get(name).copied();
        let operations = [
            ("major", "page_in", "pswpin"),
            ("major", "page_out", "pswpout"),
            ("minor", "page_in", "pgpgin"),
            ("minor", "page_out", "pgpgout"),
        ];
        for (kind, direction, name) in operations {
            if let Some(count) = of(name) {
                found.record.record(&OPERATIONS, count, &[("type", kind), ("direction", direction)]);
            }
        }
        if let Some((all, major)) = of("pgfault").zip(of("pgmajfault")) {
            found.record.record(&FAULTS, major, &[("type", "major")]);
            found.record.record(&FAULTS, all.saturating_sub(major), &[("type", "minor")]);
        }
    }
}

impl Scraper for Paging {
    const NAME: &'static str = "paging";

    fn choices(&self) -> &Choices {
        &self.0
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        if found.record.wants(&USAGE) || found.record.wants(&UTILIZATION) {
            Paging::usage(found);
        }
        if found.record.wants(&OPERATIONS) || found.record.wants(&FAULTS) {
            Paging::operations(found);
        }
    }
}
