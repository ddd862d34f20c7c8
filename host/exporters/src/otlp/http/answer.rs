//! What the next hop answered over HTTP, and what that means: which statuses may pass, when to try again, what it
//! rejected.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use host_component::Failure;
use host_otlp::wire::Fields;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use crate::otlp::status::{Denial, PartialSuccess, partial_success, tame};

/// The longest pause that a next hop may ask for.
const LONGEST: u64 = 86_400;

/// An answer that came in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn outcome(&self) -> Result<Option<PartialSuccess>, Denial> {
        if self.status.is_success() {
            return Ok(self.partial_success());
        }
        let message = self.message();
        let reason = format!(
            "the next hop answered HTTP {}{}{message}",
            self.status,
            if message.is_empty() { "" } else { ": " }
        );
        Err(match self.status.as_u16() {
            413 => Denial::too_large(reason),
            401 => Denial::Stranger(Failure::Permanent { reason }),
            // What the Collector answers to a body that is too large.
            400 if message.contains("request body too large") => Denial::too_large(reason),
            429 | 502 | 503 | 504 => Denial::Failed(Failure::Retryable { reason, after: self.retry_after() }),
            _ => Denial::Failed(Failure::Permanent { reason }),
        })
    }

    fn is(&self, media_type: &str) -> bool {
        let value = self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What of the request was rejected, whatever kind of item it was of.
    fn partial_success(&self) -> Option<PartialSuccess> {
        if self.is("application/x-protobuf") {
            return partial_success(&self.body);
        }
        if !self.is("application/json") {
            return None;
        }
        let answer = self.json()?;
        let partial = answer.get("partialSuccess")?;
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        let rejected = ["rejectedLogRecords", "rejectedSpans", "rejectedDataPoints"];
        let found = PartialSuccess {
            rejected: rejected.iter().find_map(|key| number(partial.get(key)?)).unwrap_or(0),
            message: partial
                .get("errorMessage")
                .and_then(Value::as_str)
                .map(|text| tame(text.as_bytes()))
                .unwrap_or_default(),
        };
        (found != PartialSuccess::default()).then_some(found)
    }

    /// What the answer says for people: the message of a `google.rpc.Status`, or a short text.
    fn message(&self) -> String {
        if self.status.is_redirection() {
            let to = self.headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
            return format!("redirects are not followed, set the endpoint to {}", tame(to));
        }
        if self.is("application/x-protobuf") {
            let message = Fields::new(&self.body, 0, self.body.len()).find(|field| field.number == 2);
            return message.map(|field| tame(&self.body[field.start..field.end])).unwrap_or_default();
        }
        if self.is("application/json") {
            let told = self.json().and_then(|status| status.get("message")?.as_str().map(str::to_owned));
            return tame(told.unwrap_or_default().as_bytes());
        }
        if self.is("text/plain") { tame(self.body.trim_ascii()) } else { String::new() }
    }

    /// How long to wait, as seconds or as a date.
    fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds.min(LONGEST)));
        }
        let at = httpdate::parse_http_date(value).ok()?;
        Some(at.duration_since(SystemTime::now()).unwrap_or_default().min(Duration::from_secs(LONGEST)))
    }
}
