//! What the answer of the next hop means: which codes may pass, when to try again, what it rejected.

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use host_component::Failure;
use host_otlp::wire::{Field, Fields, varint};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::sending::{Denial, tame};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";

/// What of a message is of interest.
const MESSAGE_BYTES: usize = 1024;

/// What of a request the next hop took but threw away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartialSuccess {
    pub(crate) rejected: u64,
    pub(crate) message: String,
}

/// The outcome that gRPC's status headers spell; `fields` are the trailers, or the headers where there is no body.
pub(crate) fn outcome(http: StatusCode, fields: &HeaderMap) -> Result<(), Denial> {
    let Some(code) = fields.get("grpc-status") else {
        return Err(Denial::Failed(without_status(http)));
    };
    let code = code.to_str().ok().and_then(|code| code.parse::<u32>().ok()).unwrap_or(2);
    if code == 0 {
        return Ok(());
    }
    let message = fields.get("grpc-message").map(|value| unescape(value.as_bytes())).unwrap_or_default();
    let reason = format!("the next hop answered {} ({code}): {message}", name(code));
    let after = fields.get("grpc-status-details-bin").and_then(retry_delay);
    // Some servers have a code of their own for a message that is too large, which elsewhere may pass.
    let is_size = code == 11 && message.contains("message length too large");
    Err(Denial::Failed(match code {
        11 if is_size => return Err(Denial::too_large(reason)),
        // Cancelled, deadline exceeded, aborted, out of range, unavailable, data loss.
        1 | 4 | 10 | 11 | 14 | 15 => Failure::Retryable { reason, after },
        // Resource exhausted: without a time to wait the request itself is too large.
        8 if after.is_some() => Failure::Retryable { reason, after },
        8 => return Err(Denial::too_large(reason)),
        16 => return Err(Denial::Stranger(Failure::Permanent { reason })),
        _ => Failure::Permanent { reason },
    }))
}

/// What is no gRPC answer: a proxy's, most likely.
fn without_status(http: StatusCode) -> Failure {
    let reason = format!("the next hop answered HTTP {http} without a gRPC status");
    match http.as_u16() {
        429 | 502 | 503 | 504 => Failure::Retryable { reason, after: None },
        // The answer broke off.
        200 => Failure::Retryable { reason, after: None },
        _ => Failure::Permanent { reason },
    }
}

fn name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ];
    NAMES.get(code as usize).copied().unwrap_or("an unknown code")
}

/// Undoes the percent signs of `grpc-message`, and tames it.
fn unescape(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len().min(MESSAGE_BYTES));
    let mut rest = &text[..text.len().min(MESSAGE_BYTES)];
    while let [first, tail @ ..] = rest {
        let hex = |byte: &u8| char::from(*byte).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                let value = hex(high).unwrap_or_default() * 16 + hex(low).unwrap_or_default();
                out.push(value as u8);
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    tame(&out)
}

/// The delay of a `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
fn retry_delay(header: &HeaderValue) -> Option<Duration> {
    let status = BASE64.decode(header.as_bytes()).ok()?;
    let fields = |bytes| Fields::new(bytes, 0, <[u8]>::len(bytes));
    for any in fields(&status).filter(|field| field.number == 3) {
        let any = &status[any.start..any.end];
        let is_retry_info = fields(any).any(|field| field.number == 1 && &any[field.start..field.end] == RETRY_INFO);
        let value = fields(any).find(|field| field.number == 2);
        let (true, Some(value)) = (is_retry_info, value) else { continue };
        let info = &any[value.start..value.end];
        let delay = fields(info).find(|field| field.number == 1)?;
        let delay = &info[delay.start..delay.end];
        let number = |n| fields(delay).find(|field| field.number == n).and_then(|field| number(delay, &field));
        let nanos = u32::try_from(number(2).unwrap_or(0)).ok()?;
        return Some(Duration::new(number(1).unwrap_or(0).min(86_400), nanos.min(999_999_999)));
    }
    None
}

/// What an export response says about items that were rejected; `None` if it says nothing.
pub(crate) fn partial_success(response: &[u8]) -> Option<PartialSuccess> {
    let partial = Fields::new(response, 0, response.len()).find(|field| field.number == 1)?;
    let partial = response.get(partial.start..partial.end)?;
    let mut found = PartialSuccess::default();
    for field in Fields::new(partial, 0, partial.len()) {
        match field.number {
            1 => found.rejected = number(partial, &field).filter(|n| i64::try_from(*n).is_ok()).unwrap_or(0),
            2 => {
                found.message = tame(&partial[field.start..field.end]);
            }
            _ => {}
        }
    }
    (found != PartialSuccess::default()).then_some(found)
}

fn number(buf: &[u8], field: &Field) -> Option<u64> {
    varint(buf, field.start).map(|(value, _)| value)
}

#[cfg(test)]
mod tests;
