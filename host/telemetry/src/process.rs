//! What this process costs: read from `/proc` when somebody asks, and left out where there is no `/proc`.

use std::fmt::Write as _;
use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

/// Linux reports CPU time in hundredths of a second, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Starts the clock of the uptime.
pub(crate) fn start() {
    LazyLock::force(&START);
}

/// The metrics of the process, in the Prometheus text format.
pub(crate) fn render() -> String {
    let mut out = String::new();
    let uptime = START.elapsed().as_secs_f64();
    metric(&mut out, "otelcol_process_uptime", "counter", "Seconds since the process started", uptime);
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        metric(&mut out, "otelcol_process_cpu_seconds", "counter", "CPU time, user and system, in seconds", seconds);
    }
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes) {
        metric(&mut out, "otelcol_process_memory_rss", "gauge", "Resident memory in bytes", bytes);
    }
    out
}

fn metric(out: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}

/// User and system time from `/proc/self/stat`. The command's name may hold blanks; what counts starts after its bracket.
pub(crate) fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11);
    let user: f64 = ticks.next()?.parse().ok()?;
    let system: f64 = ticks.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// `VmRSS` from `/proc/self/status`, which says it in KiB whatever the page size.
pub(crate) fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}
