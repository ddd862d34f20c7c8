//! Readers of the files for which the crate `procfs` has none that keeps what is needed: it forgets which CPU a line is about,
//! gives load averages that were rounded, leaves mount points escaped, and holds each connection to count them.

use std::collections::BTreeMap;

/// Ticks of a CPU in the order of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
pub(super) type Ticks = [u64; 8];

/// `/proc/stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    /// Each logical CPU that is on, with its name.
    pub(super) cpus: Vec<(String, Ticks)>,
    /// Seconds since the Unix epoch.
    pub(super) boot: Option<u64>,
    pub(super) created: Option<u64>,
    pub(super) running: Option<u64>,
    pub(super) blocked: Option<u64>,
}

pub(super) fn stat(text: &str) -> Stat {
    let mut stat = Stat::default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(name) = words.next() else { continue };
        let mut number = || words.next().and_then(|word| word.parse().ok());
        match name {
            "btime" => stat.boot = number(),
            "processes" => stat.created = number(),
            "procs_running" => stat.running = number(),
            "procs_blocked" => stat.blocked = number(),
            _ if is_cpu(name) => {
                // Older kernels tell fewer modes.
                stat.cpus.push((name.to_owned(), std::array::from_fn(|_| number().unwrap_or(0))));
            }
            _ => {}
        }
    }
    stat
}

fn is_cpu(name: &str) -> bool {
    name.strip_prefix("cpu").is_some_and(|index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The clock of each logical CPU in MHz, by its number, of `/proc/cpuinfo`.
pub(super) fn clocks(text: &str) -> Vec<(u64, f64)> {
    let mut clocks = Vec::new();
    let mut processor = None;
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        match key.trim() {
            "processor" => processor = value.trim().parse().ok(),
            "cpu MHz" => clocks.extend(processor.zip(finite(value))),
            _ => {}
        }
    }
    clocks
}

/// The averages over 1, 5 and 15 minutes of `/proc/loadavg`.
pub(super) fn load(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().and_then(finite);
    Some([next()?, next()?, next()?])
}

/// The seconds of `/proc/uptime`.
pub(super) fn uptime(text: &str) -> Option<f64> {
    text.split_ascii_whitespace().next().and_then(finite)
}

fn finite(word: &str) -> Option<f64> {
    word.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A line of `/proc/PID/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) device: String,
    pub(super) point: String,
    pub(super) fs_type: String,
    pub(super) mode: &'static str,
    /// Whether it is a folder of a filesystem that is mounted elsewhere, too.
    pub(super) is_bind: bool,
}

/// What is mounted; lines that are none are left out.
pub(super) fn mounts(text: &str) -> impl Iterator<Item = Mount> + '_ {
    text.lines().filter_map(mount)
}

fn mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, point, options) = (left.next()?, left.next()?, left.next()?);
    let mut right = right.split(' ');
    let (fs_type, device) = (right.next()?, right.next()?);
    let of_all = right.next().unwrap_or_default();
    // A subvolume of btrfs is a filesystem of its own.
    let is_subvolume = of_all.split(',').any(|option| option.strip_prefix("subvol=") == Some(root));
    // Where it is mounted may be read-only, and the filesystem itself.
    let has = |options: &str, wanted: &str| options.split(',').any(|option| option == wanted);
    let mode = match (has(options, "ro") || has(of_all, "ro"), has(options, "rw")) {
        (true, _) => Some("ro"),
        (false, true) => Some("rw"),
        (false, false) => None,
    };
    Some(Mount {
        device: unescaped(device),
        point: unescaped(point),
        fs_type: fs_type.to_owned(),
        mode: mode.unwrap_or("unknown"),
        is_bind: device.starts_with('/') && root != "/" && !is_subvolume,
    })
}

/// The kernel writes spaces and the like as a backslash and three octal digits.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, behind)) = rest.split_first() {
        let octal = behind.get(..3).filter(|_| byte == b'\\').and_then(|digits| {
            let digits =
                std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
            u8::from_str_radix(digits, 8).ok()
        });
        bytes.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { behind.get(3..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The types of filesystems that stand on a device, of `/proc/filesystems`; ZFS does, whatever is said of it.
pub(super) fn device_types(text: &str) -> Vec<&str> {
    let of_devices = text.lines().filter_map(|line| match line.split_once('\t') {
        Some(("nodev", "zfs")) => Some("zfs"),
        Some(("nodev", _)) => None,
        Some((_, name)) => Some(name.trim()),
        None => None,
    });
    of_devices.collect()
}

/// A line of `/proc/swaps`, with bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) device: String,
    pub(super) size: u64,
    pub(super) used: u64,
}

pub(super) fn swaps(text: &str) -> Vec<Swap> {
    let swap = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let device = unescaped(words.next()?);
        let mut kibibytes =
            words.skip(1).map(|word| word.parse::<u64>().ok().map(|number| number.saturating_mul(1024)));
        Some(Swap { device, size: kibibytes.next()??, used: kibibytes.next()?? })
    };
    text.lines().skip(1).filter_map(swap).collect()
}

/// The states of TCP connections, in the order of the kernel's numbers from 1.
pub(super) const TCP_STATES: [&str; 11] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

/// Adds the connections of `/proc/net/tcp` or `tcp6` to the counts of their states.
pub(super) fn count_connections(text: &str, counts: &mut [u64; TCP_STATES.len()]) {
    for line in text.lines().skip(1) {
        let state = line.split_ascii_whitespace().nth(3).and_then(|word| usize::from_str_radix(word, 16).ok());
        // A request that is not accepted yet has a number of its own.
        let state = state.map(|state| if state == 12 { 3 } else { state });
        if let Some(count) = state.and_then(|state| counts.get_mut(state.checked_sub(1)?)) {
            *count += 1;
        }
    }
}

/// The letter of the state of a process, of `/proc/PID/stat`; its name, which stands before it, may hold anything.
pub(super) fn process_state(text: &str) -> Option<char> {
    text.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Numbers by name, of `/proc/vmstat`.
pub(super) fn numbers(text: &str) -> BTreeMap<&str, u64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, value)| Some((name, value.trim().parse().ok()?)))
        .collect()
}

/// What fuzz targets ask: every reader here, on the same text. How much they found, so that nothing is left undone.
pub mod probe {
    pub fn all(text: &str) -> usize {
        let mut counts = [0; super::TCP_STATES.len()];
        super::count_connections(text, &mut counts);
        super::stat(text).cpus.len()
            + super::clocks(text).len()
            + usize::from(super::load(text).is_some())
            + usize::from(super::uptime(text).is_some())
            + super::mounts(text).map(|mount| mount.point.len() + mount.device.len()).sum::<usize>()
            + super::device_types(text).len()
            + super::swaps(text).len()
            + super::numbers(text).len()
            + usize::from(super::process_state(text).is_some())
            + counts.iter().sum::<u64>() as usize
    }
}
