//! A token, as a server gives it out.

use std::time::Duration;

use http::HeaderValue;
use serde::Deserialize;
use tokio::time::Instant;

/// What of a server's words is of interest.
const REASON_CHARS: usize = 256;

pub(super) struct Token {
    /// What stands in the header `authorization`.
    pub(super) header: String,
    since: Instant,
    /// None where it lasts for ever.
    life: Option<Life>,
}

struct Life {
    ends: Instant,
    length: Duration,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: String,
    expires_in: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Token {
    /// How long it has been there.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether it may still be shown.
    pub(super) fn is_alive(&self) -> bool {
        self.life.as_ref().is_none_or(|life| Instant::now() < life.ends)
    }

    /// Whether it need not be replaced yet: that is to happen so long before its end, and after half of its life at the
    /// soonest.
    pub(super) fn is_young(&self, buffer: Duration) -> bool {
        self.life.as_ref().is_none_or(|life| Instant::now() + buffer.min(life.length / 2) < life.ends)
    }
}

/// Reads a server's answer.
pub(super) fn parse(body: &[u8]) -> Result<Token, String> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| "the answer is no JSON with an `access_token`".to_owned())?;
    let scheme = match answer.token_type.to_ascii_lowercase().as_str() {
        "" | "bearer" => "Bearer",
        "mac" => "MAC",
        "basic" => "Basic",
        _ => &answer.token_type,
    };
    let header = format!("{scheme} {}", answer.access_token);
    if answer.access_token.is_empty() || HeaderValue::try_from(&header).is_err() {
        return Err("the token in the answer cannot stand in a header".to_owned());
    }
    let seconds = match answer.expires_in {
        None => 0,
        Some(value) => {
            seconds(&value).ok_or_else(|| "what the answer says in `expires_in` is no number of seconds".to_owned())?
        }
    };
    let since = Instant::now();
    let length = Duration::from_secs(seconds);
    let ends = since.checked_add(length).filter(|_| seconds > 0);
    Ok(Token { header, since, life: ends.map(|ends| Life { ends, length }) })
}

/// Some say it as a number and some as text. What began is a whole second, since none at all means for ever.
fn seconds(value: &serde_json::Value) -> Option<u64> {
    let number = match value {
        serde_json::Value::Null => Some(0.0),
        serde_json::Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    number.filter(|number| number.is_finite() && *number >= 0.0).map(|number| number.ceil() as u64)
}

/// What a server says of why there is no token.
pub(super) fn refusal(body: &[u8]) -> String {
    let Ok(Refusal { error, error_description }) = serde_json::from_slice(body) else { return String::new() };
    let told = [error, error_description].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
    // A stranger's words keep to one line, and to a few.
    let told: String = told.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect();
    if told.is_empty() { told } else { format!(": {told}") }
}
