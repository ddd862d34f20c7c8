//! What the next hop's answer over HTTP means: which statuses may pass, and what it rejected.

use serde_json::Value;

use crate::http::Answer;
use crate::otlp::status::{PartialSuccess, partial_success};
use crate::sending::{Denial, tame};

pub(crate) fn outcome(answer: &Answer) -> Result<Option<PartialSuccess>, Denial> {
    if answer.status.is_success() {
        return Ok(rejected(answer));
    }
    let denial = answer.denial(|status| matches!(status, 429 | 502 | 503 | 504));
    Err(match denial {
        // What the Collector answers to a body that is too large.
        Denial::Failed(failure)
            if answer.status.as_u16() == 400 && answer.message().contains("request body too large") =>
        {
            Denial::too_large(failure.to_string())
        }
        denial => denial,
    })
}

/// What of the request was rejected, whatever kind of item it was of.
fn rejected(answer: &Answer) -> Option<PartialSuccess> {
    if answer.is("application/x-protobuf") {
        return partial_success(&answer.body);
    }
    if !answer.is("application/json") {
        return None;
    }
    let told = answer.json()?;
    let partial = told.get("partialSuccess")?;
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
