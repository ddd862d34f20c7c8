//! The members of enums, and which metrics have which fields.

/// The members of enums, by name.
pub(super) fn symbol(name: &str) -> Option<i64> {
    const SEVERITIES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    let among = |names: &[&str], name: &str| names.iter().position(|known| *known == name).map(|at| at as i64);
    if let Some(severity) = name.strip_prefix("SEVERITY_NUMBER_") {
        if severity == "UNSPECIFIED" {
            return Some(0);
        }
        let level = severity.trim_end_matches(['2', '3', '4']);
        let step = match &severity[level.len()..] {
            "" => 0,
            digit => digit.parse::<i64>().ok()? - 1,
        };
        return Some(among(&SEVERITIES, level)? * 4 + 1 + step);
    }
    if let Some(kind) = name.strip_prefix("SPAN_KIND_") {
        return among(&KINDS, kind);
    }
    if let Some(kind) = name.strip_prefix("METRIC_DATA_TYPE_") {
        return among(&["NONE", "GAUGE", "SUM", "HISTOGRAM", "EXPONENTIAL_HISTOGRAM", "SUMMARY"], kind);
    }
    match name {
        "STATUS_CODE_UNSET" | "AGGREGATION_TEMPORALITY_UNSPECIFIED" | "FLAG_NONE" => Some(0),
        "STATUS_CODE_OK" | "AGGREGATION_TEMPORALITY_DELTA" | "FLAG_NO_RECORDED_VALUE" => Some(1),
        "STATUS_CODE_ERROR" | "AGGREGATION_TEMPORALITY_CUMULATIVE" => Some(2),
        _ => None,
    }
}

/// For what not all metrics have, a bit for each type that has it: 1 gauge, 2 sum, 3 histogram, 4 exponential histogram, 5
/// summary.
pub(super) fn of_types(field: &str) -> Option<u8> {
    match field {
        "metric.is_monotonic" => Some(1 << 2),
        "metric.aggregation_temporality" => Some(1 << 2 | 1 << 3 | 1 << 4),
        "datapoint.value" => Some(1 << 1 | 1 << 2),
        "datapoint.count" | "datapoint.sum" => Some(1 << 3 | 1 << 4 | 1 << 5),
        "datapoint.scale" | "datapoint.zero_count" => Some(1 << 4),
        _ => None,
    }
}
