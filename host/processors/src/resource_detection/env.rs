//! The detector `env` reads `OTEL_RESOURCE_ATTRIBUTES`: pairs `key=value` with commas between them, values percent-encoded.

use percent_encoding::percent_decode_str;

use super::detector::{Found, Value};

/// Where the attributes stand; the second name is the older one.
const VARIABLES: [&str; 2] = ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_RESOURCE"];

/// Characters of a key, and of a value.
const LONGEST: usize = 256;

/// What is wrong with the variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {pair:?} {what}")]
pub(crate) struct EnvError {
    variable: &'static str,
    pair: String,
    what: &'static str,
}

pub(super) fn detect(variable: impl Fn(&str) -> Option<String>) -> Result<Found, EnvError> {
    let given = VARIABLES.into_iter().find_map(|name| {
        let text = variable(name)?;
        (!text.trim().is_empty()).then_some((name, text))
    });
    let mut found = Found::default();
    let Some((variable, text)) = given else { return Ok(found) };
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = read(pair).map_err(|what| EnvError { variable, pair: pair.to_owned(), what })?;
        let value = Value::Text(value);
        match found.attributes.iter_mut().find(|(known, _)| known == key) {
            Some(known) => known.1 = value,
            None => found.attributes.push((key.to_owned(), value)),
        }
    }
    Ok(found)
}

fn read(pair: &str) -> Result<(&str, String), &'static str> {
    let (key, value) = pair.split_once('=').ok_or("has no `=`; write pairs as in `key=value,other=value`")?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return Err("has no key; write `key=value`");
    }
    if !pair.is_ascii() {
        return Err("is not all ASCII; write other characters as `%C3%BC`");
    }
    if key.len() > LONGEST || value.len() > LONGEST {
        return Err("is too long: keys and values may have 256 characters");
    }
    let decoded = decode(value).ok_or("has a `%` without two hexadecimal digits, or bytes that are no UTF-8")?;
    Ok((key, decoded))
}

/// As in the query of a URL: `+` is a space.
fn decode(value: &str) -> Option<String> {
    let whole = |part: &str| part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if !value.split('%').skip(1).all(whole) {
        return None;
    }
    let spaced = value.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
