//! `filesystem`: how full filesystems are.

use std::collections::BTreeSet;

use host_config::Wrong;
use host_periodic::{Choices, Kind, Spec};
use rustix::fs::StatVfs;

use super::super::config;
use super::super::filter::Filter;
use super::super::parse::{self, Mount};
use super::{Found, Scraper};

const INODES: Spec = Spec::new(Kind::Sum, "system.filesystem.inodes.usage", "{inodes}", "FileSystem inodes used.");
const USAGE: Spec = Spec::new(Kind::Sum, "system.filesystem.usage", "By", "Filesystem bytes used.");
const UTILIZATION: Spec =
    Spec::new(Kind::Gauge, "system.filesystem.utilization", "1", "Fraction of filesystem bytes used.").optional();

pub(crate) const METRICS: &[Spec] = &[INODES, USAGE, UTILIZATION];

pub(crate) struct Filesystem {
    metrics: Choices,
    devices: Filter,
    fs_types: Filter,
    mount_points: Filter,
    with_virtual: bool,
}

impl Filesystem {
    pub(crate) fn new(config: &config::Filesystem) -> Result<Self, Wrong> {
        Ok(Filesystem {
            metrics: config.metrics.clone(),
            devices: config.devices()?,
            fs_types: config.fs_types()?,
            mount_points: config.mount_points()?,
            with_virtual: config.include_virtual_filesystems,
        })
    }

    fn takes(&self, mount: &Mount, of_devices: Option<&[&str]>) -> bool {
        let is_real = of_devices
            .is_none_or(|types| mount.device != "none" && !mount.is_bind && types.contains(&mount.fs_type.as_str()));
        is_real
            && self.devices.takes(&mount.device)
            && self.fs_types.takes(&mount.fs_type)
            && self.mount_points.takes(&mount.point)
    }
}

impl Scraper for Filesystem {
    const NAME: &'static str = "filesystem";

    fn choices(&self) -> &Choices {
        &self.metrics
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        let path = found.root.of_process("mountinfo");
        let Some(mounts) = found.read(&path, 5) else { return };
        let types = match self.with_virtual {
            true => None,
            false => match found.proc("filesystems", 5) {
                Some(types) => Some(types),
                None => return,
            },
        };
        let of_devices = types.as_deref().map(parse::device_types);
        let mut seen = BTreeSet::new();
        for mount in parse::mounts(&mounts) {
            let is_taken = self.takes(&mount, of_devices.as_deref());
            if !is_taken || !seen.insert((mount.point.clone(), mount.device.clone())) {
                continue;
            }
            let path = found.root.at(&mount.point);
            match rustix::fs::statvfs(&path) {
                Ok(stat) => record(&mount, &stat, found),
                Err(error) => found.missed.push(found.root.missed(&path, &error.into(), 5)),
            }
        }
    }
}

fn record(mount: &Mount, stat: &StatVfs, found: &mut Found<'_>) {
    let of = |state| {
        [
            ("device", mount.device.as_str()),
            ("mode", mount.mode),
            ("mountpoint", mount.point.as_str()),
            ("type", mount.fs_type.as_str()),
            ("state", state),
        ]
    };
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    // Of what is free, some only root may have.
    let used = stat.f_blocks.saturating_sub(stat.f_bfree);
    let reserved = stat.f_blocks.saturating_sub(used).saturating_sub(stat.f_bavail);
    for (state, blocks) in [("free", stat.f_bavail), ("reserved", reserved), ("used", used)] {
        found.record.record(&USAGE, bytes(blocks), &of(state));
    }
    let usable = used.saturating_add(stat.f_bavail);
    if usable > 0 {
        let [device, mode, point, fs_type, _] = of("");
        found.record.record(&UTILIZATION, used as f64 / usable as f64, &[device, mode, point, fs_type]);
    }
    for (state, inodes) in [("free", stat.f_ffree), ("used", stat.f_files.saturating_sub(stat.f_ffree))] {
        found.record.record(&INODES, inodes, &of(state));
    }
}
