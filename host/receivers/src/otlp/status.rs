//! A rejection is a request that was not taken, and this is the one place that says so in gRPC's and in HTTP's terms.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use host_component::Failure;
use host_otlp::CheckError;
use host_otlp::wire::{WireType, put_len, put_tag, put_varint};
use http::StatusCode;

/// How long a sender is asked to wait where the failure itself does not say.
const PAUSE: Duration = Duration::from_secs(1);
/// What of a message goes into a header.
const MESSAGE_BYTES: usize = 1024;

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The bytes are no OTLP request.
    Malformed,
    TooLarge,
    /// The byte budget is spent.
    NoRoom,
    /// The body did not arrive in time.
    Slow,
    /// Compressed in a way that is not served.
    Encoding,
    MediaType,
    Path,
    Method,
    Headers,
    /// The sender does not show that it may send.
    Unauthenticated,
    /// Who sends it may not say this, or anything.
    Forbidden,
    /// Who sends it has sent as much as it may.
    Limited,
    /// The pipeline will never take it.
    Permanent,
    /// The pipeline may take it later, or whoever lets requests in has too many to look at.
    Retryable,
    /// The pipeline has no room at present.
    Refused,
}

impl Cause {
    pub(crate) const ALL: [Cause; 15] = [
        Cause::Malformed,
        Cause::TooLarge,
        Cause::NoRoom,
        Cause::Slow,
        Cause::Encoding,
        Cause::MediaType,
        Cause::Path,
        Cause::Method,
        Cause::Headers,
        Cause::Unauthenticated,
        Cause::Forbidden,
        Cause::Limited,
        Cause::Permanent,
        Cause::Retryable,
        Cause::Refused,
    ];

    /// gRPC's code, HTTP's status and the name in metrics.
    fn terms(self) -> (u8, StatusCode, &'static str) {
        match self {
            Cause::Malformed => (3, StatusCode::BAD_REQUEST, "malformed"),
            Cause::TooLarge => (8, StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Cause::NoRoom => (8, StatusCode::TOO_MANY_REQUESTS, "no_room"),
            Cause::Slow => (4, StatusCode::REQUEST_TIMEOUT, "slow"),
            Cause::Encoding => (12, StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoding"),
            Cause::MediaType => (12, StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type"),
            Cause::Path => (12, StatusCode::NOT_FOUND, "path"),
            Cause::Method => (12, StatusCode::METHOD_NOT_ALLOWED, "method"),
            Cause::Headers => (8, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers"),
            Cause::Unauthenticated => (16, StatusCode::UNAUTHORIZED, "unauthenticated"),
            Cause::Forbidden => (7, StatusCode::FORBIDDEN, "forbidden"),
            Cause::Limited => (8, StatusCode::TOO_MANY_REQUESTS, "limited"),
            Cause::Permanent => (3, StatusCode::BAD_REQUEST, "permanent"),
            Cause::Retryable => (14, StatusCode::SERVICE_UNAVAILABLE, "retryable"),
            Cause::Refused => (8, StatusCode::TOO_MANY_REQUESTS, "refused"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.terms().2
    }
}

/// A request that was not taken, and what its sender is told.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    pub(crate) cause: Cause,
    pub(crate) message: String,
    /// When to try again; `None` where there is no point or no better time than the sender's own.
    pub(crate) after: Option<Duration>,
}

impl Rejection {
    pub(crate) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Rejection { cause, message: message.into(), after: None }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            Cause::TooLarge,
            format!("the message is larger than the limit of {limit} bytes; send smaller batches"),
        )
    }

    pub(crate) fn no_room() -> Self {
        let message = "the collector holds as many bytes of unanswered requests as it may; try again later";
        Rejection { cause: Cause::NoRoom, message: message.to_owned(), after: Some(PAUSE) }
    }

    /// Nobody had the time to look at it, which is no fault of its sender's.
    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Rejection { cause: Cause::Retryable, message: message.into(), after: Some(PAUSE) }
    }

    /// Profiles are the one signal of OTLP that is not served.
    pub(crate) fn profiles() -> Self {
        Self::new(Cause::Path, "profiles are not served: send logs, traces and metrics")
    }

    pub(crate) fn malformed(why: impl Into<String>) -> Self {
        Self::new(Cause::Malformed, why)
    }

    pub(crate) fn grpc_code(&self) -> u8 {
        self.cause.terms().0
    }

    pub(crate) fn http_status(&self) -> StatusCode {
        self.cause.terms().1
    }

    /// The message as the `grpc-message` header spells it: printable ASCII, the rest in percent signs.
    pub(crate) fn grpc_message(&self) -> String {
        let bytes = self.message.as_bytes();
        let mut out = String::with_capacity(bytes.len().min(MESSAGE_BYTES) + 16);
        for &byte in bytes.iter().take(MESSAGE_BYTES) {
            if (0x20..0x7f).contains(&byte) && byte != b'%' {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    }

    /// The `grpc-status-details-bin` header, which carries the time to try again.
    pub(crate) fn grpc_details(&self) -> Option<String> {
        self.after.map(|_| STANDARD_NO_PAD.encode(self.details()))
    }

    /// The `google.rpc.Status` that OTLP wants as the body of an HTTP error.
    pub(crate) fn details(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.message.len() + 64);
        put_tag(&mut out, 1, WireType::Varint);
        put_varint(&mut out, u64::from(self.grpc_code()));
        put_len(&mut out, 2, self.message.as_bytes());
        if let Some(after) = self.after {
            let mut any = Vec::with_capacity(64);
            put_len(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
            put_len(&mut any, 2, &retry_info(after));
            put_len(&mut out, 3, &any);
        }
        out.into()
    }

    /// The same as JSON.
    pub(crate) fn details_json(&self) -> Bytes {
        let mut status = serde_json::json!({ "code": self.grpc_code(), "message": self.message });
        if let Some(after) = self.after {
            status["details"] = serde_json::json!([{
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{}s", after.as_secs_f64()),
            }]);
        }
        status.to_string().into()
    }

    /// The `Retry-After` header, in whole seconds.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.after.map(|after| after.as_secs() + u64::from(after.subsec_nanos() > 0))
    }
}

/// An encoded `google.rpc.RetryInfo`.
fn retry_info(after: Duration) -> Vec<u8> {
    let mut duration = Vec::with_capacity(16);
    put_tag(&mut duration, 1, WireType::Varint);
    put_varint(&mut duration, after.as_secs());
    put_tag(&mut duration, 2, WireType::Varint);
    put_varint(&mut duration, u64::from(after.subsec_nanos()));
    let mut out = Vec::with_capacity(20);
    put_len(&mut out, 1, &duration);
    out
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Permanent { reason } => Rejection { cause: Cause::Permanent, message: reason, after: None },
            Failure::Retryable { reason, after } => {
                Rejection { cause: Cause::Retryable, message: reason, after: Some(after.unwrap_or(PAUSE)) }
            }
            Failure::Refused { reason, after } => {
                Rejection { cause: Cause::Refused, message: reason, after: Some(after) }
            }
        }
    }
}

impl From<CheckError> for Rejection {
    fn from(error: CheckError) -> Self {
        Rejection::malformed(error.to_string())
    }
}

#[cfg(test)]
mod tests;
