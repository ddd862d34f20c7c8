//! What a backend answered over HTTP: when to try again, and what it says for people.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use host_component::Failure;
use host_otlp::wire::Fields;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use crate::sending::{Denial, tame};

/// The longest pause that a backend may ask for.
const LONGEST: u64 = 86_400;

/// An answer that came in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// What an answer that is no success means: `may_pass` are the statuses after which the same request may be taken.
    pub(crate) fn denial(&self, may_pass: impl Fn(u16) -> bool) -> Denial {
        let message = self.message();
        let reason = format!(
            "the next hop answered HTTP {}{}{message}",
            self.status,
            if message.is_empty() { "" } else { ": " }
        );
        match self.status.as_u16() {
            413 => Denial::too_large(reason),
            401 => Denial::Stranger(Failure::Permanent { reason }),
            status if may_pass(status) => Denial::Failed(Failure::Retryable { reason, after: self.retry_after() }),
            _ => Denial::Failed(Failure::Permanent { reason }),
        }
    }

    pub(crate) fn is(&self, media_type: &str) -> bool {
        let value = self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What the answer says for people: the message of a `google.rpc.Status`, the text of Splunk's or the errors of
    /// Datadog's, or a short text.
    pub(crate) fn message(&self) -> String {
        if self.status.is_redirection() {
            let to = self.headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
            return format!("redirects are not followed, set the endpoint to {}", tame(to));
        }
        if self.is("application/x-protobuf") {
            let message = Fields::new(&self.body, 0, self.body.len()).find(|field| field.number == 2);
            return message.map(|field| tame(&self.body[field.start..field.end])).unwrap_or_default();
        }
        if self.is("application/json") {
            let told = self.json().and_then(|status| {
                let text = status.get("message").or_else(|| status.get("text")).and_then(Value::as_str);
                let errors = status.get("errors").and_then(Value::as_array).into_iter().flatten();
                let texts = errors.map(|error| error.as_str().or_else(|| error.get("detail")?.as_str()));
                text.map(str::to_owned).or_else(|| texts.collect::<Option<Vec<_>>>().map(|all| all.join("; ")))
            });
            return tame(told.unwrap_or_default().as_bytes());
        }
        if self.is("text/plain") { tame(self.body.trim_ascii()) } else { String::new() }
    }

    /// How long to wait, as seconds or as a date.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds.min(LONGEST)));
        }
        let at = httpdate::parse_http_date(value).ok()?;
        Some(at.duration_since(SystemTime::now()).unwrap_or_default().min(Duration::from_secs(LONGEST)))
    }
}
