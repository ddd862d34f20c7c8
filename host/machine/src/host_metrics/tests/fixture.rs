//! A machine that is a folder.

use std::path::Path;

use host_periodic::{CollectNow as _, Collected};
use tempfile::TempDir;

use super::super::Config;
use super::super::receiver::HostMetrics;
use crate::testing::section;

const FILES: [(&str, &str); 18] = [
    (
        "proc/stat",
        "cpu  300 40 100 900 20 0 12 0 0 0\ncpu0 100 20 50 500 10 0 6 0 0 0\ncpu2 200 20 50 400 10 0 6 0 0 0\n\
         intr 1 2 3\nctxt 77\nbtime 1700000000\nprocesses 4321\nprocs_running 3\nprocs_blocked 1\n",
    ),
    (
        "proc/meminfo",
        "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 50 kB\nCached: 300 kB\nSwapCached: 0 kB\n\
         Active: 1 kB\nInactive: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nDirty: 7 kB\nWriteback: 0 kB\nMapped: 1 kB\n\
         Slab: 30 kB\nSReclaimable: 20 kB\nSUnreclaim: 10 kB\nCommitted_AS: 1 kB\nVmallocTotal: 1 kB\nVmallocUsed: 0 kB\n\
         VmallocChunk: 0 kB\n",
    ),
    ("proc/loadavg", "0.52 1.25 2.00 3/456 7890\n"),
    (
        "proc/diskstats",
        " 259 0 nvme0n1 10 2 80 500 20 4 160 1500 1 1000 2500 0 0 0 0\n 259 1 nvme0n1p1 1 0 8 5 2 0 16 15 0 10 25\n 7 4 loop4 0 0 0 0 0 0 0 0 0 0 0\n",
    ),
    (
        "proc/1/mountinfo",
        "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n\
         23 22 0:21 / /proc rw,nosuid - proc proc rw\n\
         24 22 8:1 / /mnt/two\\040words ro - ext4 /dev/sdb1 ro\n\
         25 22 0:30 / /run rw - tmpfs tmpfs rw\n\
         26 22 259:1 / / rw,relatime - ext4 /dev/nvme0n1p1 rw\n\
         27 22 259:1 /srv/data /data rw,relatime - ext4 /dev/nvme0n1p1 rw\n\
         a line that is none\n",
    ),
    ("proc/filesystems", "nodev\tproc\nnodev\ttmpfs\n\text4\nnodev\tzfs\n"),
    ("mnt/two words/here", ""),
    ("run/here", ""),
    (
        "proc/1/net/dev",
        "Inter-|   Receive                                                |  Transmit\n\
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
         \x20   lo:    1000      10    0    0    0     0          0         0     2000      20    0    0    0     0       0          0\n\
         \x20 eth0:    3000      30    1    2    0     0          0         0     4000      40    3    4    0     0       0          0\n",
    ),
    (
        "proc/1/net/tcp",
        "  sl  local_address rem_address   st tx_queue\n\
         \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n\
         \x20  1: 0100007F:1F90 0100007F:9999 01 00000000:00000000\n\
         \x20  2: 0100007F:1F90 0100007F:9998 0C 00000000:00000000\n",
    ),
    ("proc/1/net/tcp6", "  sl  local_address st\n   0: 00:1F90 00:0000 01 0\n"),
    ("proc/sys/net/netfilter/nf_conntrack_count", "12\n"),
    ("proc/sys/net/netfilter/nf_conntrack_max", "262144\n"),
    ("proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1000 250 100\n"),
    ("proc/vmstat", "nr_free_pages 5\npgpgin 11\npgpgout 12\npswpin 13\npswpout 14\npgfault 1000\npgmajfault 10\n"),
    ("proc/uptime", "1234.56 99.00\n"),
    ("proc/7/stat", "7 (a) b (c) S 1 7\n"),
    ("proc/8/stat", "8 (defunct) Z 1 8\n"),
];

pub(super) struct Machine {
    folder: TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        let machine = Machine { folder: tempfile::tempdir().unwrap() };
        FILES.iter().for_each(|(path, text)| machine.write(path, text));
        machine
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&self, path: &str) {
        std::fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    /// A receiver with these scrapers, which are YAML.
    pub(super) fn receiver(&self, scrapers: &str) -> HostMetrics {
        let text = format!("{{root_path: '{}', scrapers: {scrapers}}}", self.path().display());
        section::<Config>(&text).made().unwrap()
    }

    pub(super) fn collect(&self, scrapers: &str) -> Collected {
        self.receiver(scrapers).collect_now().unwrap()
    }
}
