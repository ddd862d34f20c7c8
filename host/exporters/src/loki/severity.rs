//! Severities as the label `level` has them, and as Loki calls them.

/// Severities, and the first of none.
pub(super) const COUNT: usize = LABELS.len();

/// As the Collector's former exporter names them.
const LABELS: [&str; 25] = [
    "", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO", "INFO2", "INFO3",
    "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3",
    "FATAL4",
];

/// As Loki names them, four at a time.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

/// The number of a severity in these tables; what is none of OpenTelemetry's is no severity.
pub(super) fn index(number: i32) -> usize {
    usize::try_from(number).ok().filter(|index| *index < COUNT).unwrap_or(0)
}

/// What the label says; nothing where there is no severity.
pub(super) fn label(index: usize) -> &'static str {
    LABELS.get(index).copied().unwrap_or_default()
}

/// What Loki would detect.
pub(super) fn detected(index: usize) -> &'static str {
    index.checked_sub(1).and_then(|from_one| LEVELS.get(from_one / 4)).copied().unwrap_or_default()
}
