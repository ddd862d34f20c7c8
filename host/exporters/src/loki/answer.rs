//! What Loki says of the entries that it did not take.
//!
//! It takes what it can of a request and answers 400 with one line for each kind of fault, such as `3 errors like: entry for
//! stream '{job="shop"}' has timestamp too old: …`; several are joined with `; `. Faults of an entry name one entry each, and
//! those of a stream all of its entries. An ingester tells `total ignored: 2 out of 9 for stream: …`, of one stream.

use std::collections::HashMap;

use host_component::Failure;

use super::cut;
use super::push::Push;
use crate::http::Answer;
use crate::sending::{Denial, Rejected, Taken, tame};

/// What a fault is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Entry,
    Stream,
}

/// The words by which a fault is known, and Loki's own name for it, as in `loki_discarded_samples_total`.
const FAULTS: [(&str, &str, Of); 15] = [
    ("has timestamp too old", "greater_than_max_sample_age", Of::Entry),
    ("has timestamp too new", "too_far_in_future", Of::Entry),
    ("max entry size", "line_too_long", Of::Entry),
    ("entry too far behind", "too_far_behind", Of::Entry),
    ("entry out of order", "out_of_order", Of::Entry),
    ("label names; limit", "max_label_names_per_series", Of::Stream),
    ("has label name too long", "label_name_too_long", Of::Stream),
    ("has label value too long", "label_value_too_long", Of::Stream),
    ("has duplicate label name", "duplicate_label_names", Of::Stream),
    ("at least one label pair is required", "missing_labels", Of::Stream),
    ("missing required labels", "missing_enforced_labels", Of::Stream),
    ("error parsing labels", "invalid_labels", Of::Stream),
    ("includes structured metadata, but this feature is disallowed", "disallowed_structured_metadata", Of::Entry),
    ("has structured metadata too large", "structured_metadata_too_large", Of::Entry),
    ("has too many structured metadata labels", "structured_metadata_too_many", Of::Entry),
];

/// How the report of a fault begins.
const BEGINNINGS: [&str; 7] = [
    "entry for stream '",
    "stream '",
    "max entry size '",
    "error at least one label pair",
    "error parsing labels '",
    "missing required labels '",
    "entry with timestamp ",
];
const COUNT: &str = " errors like: ";

/// The status with which Loki throws away what an operator told it to, so that nobody sends it again.
const BLOCKED: u16 = 260;

/// What an answer means.
pub(super) struct Meaning {
    pub(super) outcome: Result<Taken, Denial>,
    /// What was rejected where nothing was taken.
    pub(super) rejected: Vec<Rejected>,
}

/// What the answer to a request means.
pub(super) fn meaning(answer: &Answer, push: &Push) -> Meaning {
    let text = String::from_utf8_lossy(&answer.body);
    let told = || tame(text.trim().as_bytes());
    let denied = |denial| Meaning { outcome: Err(denial), rejected: Vec::new() };
    match answer.status.as_u16() {
        BLOCKED => denied(Denial::Failed(Failure::Permanent { reason: format!("Loki took nothing: {}", told()) })),
        200..300 => Meaning { outcome: Ok(Taken::default()), rejected: Vec::new() },
        400 => {
            let rejected = rejected(&text, &cut::streams(&push.body));
            let items: u64 = rejected.iter().map(|rejected| rejected.items).fold(0, u64::saturating_add);
            match items > 0 && items < push.items {
                true => Meaning { outcome: Ok(Taken { rejected, message: told() }), rejected: Vec::new() },
                false => Meaning { outcome: Err(answer.denial(|_| false)), rejected },
            }
        }
        429 => denied(match answer.denial(|_| true) {
            Denial::Failed(Failure::Retryable { reason, after }) => {
                let reason = format!("{}: {reason}", put_off(&text));
                Denial::Failed(Failure::Retryable { reason, after })
            }
            other => other,
        }),
        _ => denied(answer.denial(|status| status == 408 || status >= 500)),
    }
}

/// Why a whole request was put off.
pub(super) fn put_off(text: &str) -> &'static str {
    if text.contains("Per stream rate limit exceeded") {
        "per_stream_rate_limit"
    } else if text.contains("maximum active stream limit exceeded") {
        "stream_limit"
    } else {
        "rate_limited"
    }
}

/// How many entries were not taken, by reason; nothing where the answer is about the request as a whole.
pub(super) fn rejected(text: &str, streams: &HashMap<&str, u64>) -> Vec<Rejected> {
    let mut found: Vec<Rejected> = Vec::new();
    for report in reports(text) {
        let (count, fault) = counted(report);
        let Some((_, reason, of)) = FAULTS.iter().find(|(words, _, _)| fault.contains(words)) else { continue };
        let each = if *of == Of::Stream { entries_of(fault, streams).unwrap_or(1) } else { 1 };
        let items = ignored(fault).unwrap_or(count.saturating_mul(each));
        match found.iter_mut().find(|known| known.reason == *reason) {
            Some(known) => known.items = known.items.saturating_add(items),
            None => found.push(Rejected { items, reason }),
        }
    }
    found
}

/// The reports of an answer. The mark between them may also stand inside one.
fn reports(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut ends = rest.match_indices("; ").map(|(at, mark)| (at, at + mark.len()));
        let end = ends.find(|(_, next)| rest.get(*next..).is_some_and(begins));
        let (at, next) = end.unwrap_or((rest.len(), rest.len()));
        let report = rest.get(..at);
        rest = rest.get(next..).unwrap_or_default();
        report
    })
}

/// Whether a report begins here.
fn begins(text: &str) -> bool {
    let (_, fault) = counted(text);
    BEGINNINGS.iter().any(|beginning| fault.starts_with(beginning))
}

/// How often a fault is reported, and the fault.
fn counted(report: &str) -> (u64, &str) {
    let number = report.len() - report.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let told = report.split_at_checked(number).and_then(|(number, rest)| {
        let fault = rest.strip_prefix(COUNT)?;
        Some((number.parse().ok()?, fault))
    });
    told.unwrap_or((1, report))
}

/// How many entries an ingester ignored.
fn ignored(fault: &str) -> Option<u64> {
    let (_, behind) = fault.rsplit_once("total ignored: ")?;
    behind.split(' ').next()?.parse().ok()
}

/// How many entries the stream has that a fault names.
fn entries_of(fault: &str, streams: &HashMap<&str, u64>) -> Option<u64> {
    let (_, named) = fault.split_once("stream '")?;
    let end = named.find("}'")?;
    streams.get(named.get(..=end)?).copied()
}
