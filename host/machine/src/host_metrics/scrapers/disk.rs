//! `disk`: what goes from and to disks.

use host_periodic::{Choices, Kind, Spec};
use procfs_core::DiskStat;

use super::super::config;
use super::super::filter::Filter;
use super::{Found, Scraper};

const IO: Spec = Spec::new(Kind::Counter, "system.disk.io", "By", "Disk bytes transferred.");
const IO_TIME: Spec = Spec::new(
    Kind::Counter,
    "system.disk.io_time",
    "s",
    "Time disk spent activated. On Windows, this is calculated as the inverse of disk idle time.",
);
const MERGED: Spec = Spec::new(
    Kind::Counter,
    "system.disk.merged",
    "{operations}",
    "The number of disk reads/writes merged into single physical disk access operations.",
);
const OPERATION_TIME: Spec =
    Spec::new(Kind::Counter, "system.disk.operation_time", "s", "Time spent in disk operations.");
const OPERATIONS: Spec = Spec::new(Kind::Counter, "system.disk.operations", "{operations}", "Disk operations count.");
const PENDING: Spec =
    Spec::new(Kind::Sum, "system.disk.pending_operations", "{operations}", "The queue size of pending I/O operations.");
const WEIGHTED: Spec = Spec::new(
    Kind::Counter,
    "system.disk.weighted_io_time",
    "s",
    "Time disk spent activated multiplied by the queue length.",
);

pub(crate) const METRICS: &[Spec] = &[IO, IO_TIME, MERGED, OPERATION_TIME, OPERATIONS, PENDING, WEIGHTED];

/// The kernel counts in sectors of so many bytes, whatever the disk has.
const SECTOR: u64 = 512;

pub(crate) struct Disk {
    metrics: Choices,
    filter: Filter,
}

impl Disk {
    pub(crate) fn new(config: &config::Disk, filter: Filter) -> Self {
        Disk { metrics: config.metrics.clone(), filter }
    }
}

impl Scraper for Disk {
    const NAME: &'static str = "disk";

    fn choices(&self) -> &Choices {
        &self.metrics
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        let Some(text) = found.proc("diskstats", 11) else { return };
        for line in text.lines() {
            let Some(disk) = found.sense("diskstats", 11, DiskStat::from_line(line).ok()) else { continue };
            if self.filter.takes(&disk.name) && is_used(&disk) {
                record(&disk, found);
            }
        }
    }
}

/// A disk of which nothing was ever read or written, as most loop devices are, is none that anybody asks after.
fn is_used(disk: &DiskStat) -> bool {
    [disk.reads, disk.writes, disk.in_progress, disk.time_in_progress, disk.weighted_time_in_progress]
        .iter()
        .any(|count| *count > 0)
}

fn record(disk: &DiskStat, found: &mut Found<'_>) {
    let device = ("device", disk.name.as_str());
    let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
    let directions = [
        ("read", disk.sectors_read, disk.merged, disk.time_reading, disk.reads),
        ("write", disk.sectors_written, disk.writes_merged, disk.time_writing, disk.writes),
    ];
    for (direction, sectors, merged, milliseconds, operations) in directions {
        let attributes = [device, ("direction", direction)];
        found.record.record(&IO, sectors.saturating_mul(SECTOR), &attributes);
        found.record.record(&MERGED, merged, &attributes);
        found.record.record(&OPERATION_TIME, seconds(milliseconds), &attributes);
        found.record.record(&OPERATIONS, operations, &attributes);
    }
    found.record.record(&IO_TIME, seconds(disk.time_in_progress), &[device]);
    found.record.record(&PENDING, disk.in_progress, &[device]);
    found.record.record(&WEIGHTED, seconds(disk.weighted_time_in_progress), &[device]);
}
