//! Enums by their names: the specification wants numbers, but older senders write what protobuf's own JSON has, and the
//! Collector takes it.

const KINDS: [&str; 6] = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const CODES: [&str; 3] = ["UNSET", "OK", "ERROR"];
const TEMPORALITIES: [&str; 3] = ["UNSPECIFIED", "DELTA", "CUMULATIVE"];
const SEVERITIES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// The number of the value `name` of the enum in this field, where it is one.
pub(super) fn number(field: &str, name: &str) -> Option<i128> {
    let among = |prefix: &str, names: &[&str]| {
        let name = name.strip_prefix(prefix)?;
        names.iter().position(|known| *known == name).map(|at| at as i128)
    };
    match field {
        "kind" => among("SPAN_KIND_", &KINDS),
        "code" => among("STATUS_CODE_", &CODES),
        "aggregation_temporality" => among("AGGREGATION_TEMPORALITY_", &TEMPORALITIES),
        "severity_number" => severity(name.strip_prefix("SEVERITY_NUMBER_")?),
        _ => None,
    }
}

/// Each of the six has four steps, of which the first has no number.
fn severity(name: &str) -> Option<i128> {
    if name == "UNSPECIFIED" {
        return Some(0);
    }
    let (at, step) = SEVERITIES.iter().enumerate().find_map(|(at, known)| Some((at, name.strip_prefix(known)?)))?;
    let step = match step {
        "" => 1,
        "2" => 2,
        "3" => 3,
        "4" => 4,
        _ => return None,
    };
    Some(4 * at as i128 + step)
}
