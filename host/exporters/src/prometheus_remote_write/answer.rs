//! What a receiver's answer means: taken, taken in part, bad in part, or to be sent again.

use http::HeaderMap;

use super::wire::{Counts, Protocol};
use crate::http::Answer;
use crate::sending::Denial;

/// What becomes of the series of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    /// So many samples and histograms of it were not written, and it is not known which.
    Partly {
        missing: u64,
        why: Why,
        message: String,
    },
    /// Something in it is bad, and nothing of the rest may have been written.
    Bad {
        why: Why,
        message: String,
    },
    /// It is too large.
    TooLarge {
        message: String,
    },
    Denied(Denial),
}

/// Why samples are rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    OutOfOrder,
    TooOld,
    TooNew,
    Duplicate,
    /// The receiver has no native histograms.
    NoNativeHistograms,
    TooLarge,
    Invalid,
}

impl Why {
    /// As the label of a metric has it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Why::OutOfOrder => "out_of_order",
            Why::TooOld => "too_old",
            Why::TooNew => "too_new",
            Why::Duplicate => "duplicate",
            Why::NoNativeHistograms => "no_native_histograms",
            Why::TooLarge => "too_large",
            Why::Invalid => "invalid",
        }
    }

    /// Whether the samples came too late, or again: nothing is wrong with them, and nobody will ever want them.
    pub(super) fn is_late(self) -> bool {
        matches!(self, Why::OutOfOrder | Why::TooOld | Why::Duplicate)
    }

    /// What the text of an answer says: Prometheus', Mimir's and Thanos' each have words of their own for it.
    fn of(text: &str) -> Why {
        let text = text.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match () {
            () if has(&["duplicate sample", "sample-duplicate", "same timestamp", "duplicate timestamp"]) => {
                Why::Duplicate
            }
            () if has(&["out of order", "out-of-order"]) => Why::OutOfOrder,
            () if has(&["far in the future", "far-in-future"]) => Why::TooNew,
            () if has(&["too old", "too-old", "out of bounds", "out-of-bounds"]) => Why::TooOld,
            () if has(&["native histograms are disabled", "native histograms is disabled"]) => Why::NoNativeHistograms,
            () => Why::Invalid,
        }
    }
}

/// What the answer to a request with `sent` in it means.
pub(super) fn verdict(answer: &Answer, protocol: Protocol, sent: Counts) -> Verdict {
    let status = answer.status.as_u16();
    let message = || answer.message();
    let why = || Why::of(&message());
    let written = (protocol == Protocol::V2).then(|| written(&answer.headers)).flatten();
    let missing = |written: Counts| {
        let all = |counts: Counts| counts.samples.saturating_add(counts.histograms);
        all(sent).saturating_sub(all(written))
    };
    match (status, written) {
        (200..=299, None) if protocol == Protocol::V2 && sent != Counts::default() => {
            let told = "the receiver says nothing of what it has written, so that it does not know version 2 and has thrown \
                        everything away: set `protobuf_message: prometheus.WriteRequest`";
            Verdict::Denied(Denial::Failed(host_component::Failure::permanent(told)))
        }
        (200..=299, written) => match written.map_or(0, missing) {
            0 => Verdict::Taken,
            missing => Verdict::Partly { missing, why: why(), message: message() },
        },
        // What was written is not to be sent again.
        (400, Some(written)) if written != Counts::default() => {
            Verdict::Partly { missing: missing(written), why: why(), message: message() }
        }
        // Thanos has another status for what comes too late.
        (400 | 409 | 422, _) => Verdict::Bad { why: why(), message: message() },
        (413, _) => Verdict::TooLarge { message: message() },
        // Prometheus calls it an error of its own; the same request will never be taken.
        (500, _) if why() == Why::NoNativeHistograms => Verdict::Bad { why: why(), message: message() },
        _ => Verdict::Denied(answer.denial(|status| status == 429 || (500..=599).contains(&status))),
    }
}

/// What a receiver of version 2 says that it has written; none where it says nothing.
fn written(headers: &HeaderMap) -> Option<Counts> {
    let number = |what: &str| -> Option<u64> {
        let name = format!("x-prometheus-remote-write-{what}-written");
        headers.get(name)?.to_str().ok()?.trim().parse().ok()
    };
    let [samples, histograms, exemplars] = ["samples", "histograms", "exemplars"].map(number);
    let is_told = samples.or(histograms).or(exemplars).is_some();
    is_told.then(|| Counts {
        samples: samples.unwrap_or(0),
        histograms: histograms.unwrap_or(0),
        exemplars: exemplars.unwrap_or(0),
    })
}
