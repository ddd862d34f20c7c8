//! A capture is a batch with all that a module was told of it: enough to run it again, anywhere, with the same outcome.
//!
//! It is a file of JSON or YAML with the keys `context` and `payload`. What else it says (in which processor the batch failed,
//! and why) is for people, and passed over. `docs/module-command.md` describes it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use host_config::{Errors, Value};
use host_otlp::Payload;
use host_wasm::BatchContext;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

use super::{files, otlp};

/// A batch, and what there is to know about it.
pub(super) struct Capture {
    pub(super) context: BatchContext,
    pub(super) payload: Payload,
}

/// The context as it is written: what is missing is as in a self-test.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Context {
    #[serde(deserialize_with = "whole")]
    now: Option<u64>,
    #[serde(deserialize_with = "whole")]
    seed: Option<u64>,
    cluster: Option<String>,
    metadata: BTreeMap<String, Texts>,
}

/// One text, or several.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

/// A capture in JSON.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    context: Context,
    payload: serde_json::Value,
}

/// Reads a capture.
///
/// # Errors
/// The file is none, or its payload no OTLP request.
pub(super) fn read(path: &Path) -> anyhow::Result<Capture> {
    let unusable = || format!("`{}` is no captured batch", path.display());
    let (context, payload) = match path.extension().is_some_and(|end| end == "json") {
        true => {
            let written: Written = serde_json::from_slice(&files::read(path)?).with_context(unusable)?;
            (written.context, written.payload)
        }
        false => {
            let written = files::yaml(path)?;
            let payload = written.get("payload").ok_or_else(|| anyhow!("the key `payload` is missing"));
            let payload = payload.and_then(|payload| decode(&payload)).with_context(unusable)?;
            let context = written.get("context").map_or_else(|| Ok(Context::default()), |context| decode(&context));
            (context.with_context(unusable)?, payload)
        }
    };
    let payload = otlp::request(path, &serde_json::to_vec(&payload)?).context("its `payload` is no OTLP request");
    Ok(Capture { context: context.into(), payload: payload.with_context(unusable)? })
}

/// Reads a context that lies in a file of its own.
///
/// # Errors
/// The file is none.
pub(super) fn read_context(path: &Path) -> anyhow::Result<BatchContext> {
    let context: Context = decode(&files::yaml(path)?).with_context(|| format!("cannot use `{}`", path.display()))?;
    Ok(context.into())
}

fn decode<T: DeserializeOwned>(value: &Value) -> anyhow::Result<T> {
    value.decode().map_err(|errors: Errors| errors.into())
}

impl From<Context> for BatchContext {
    fn from(written: Context) -> Self {
        let standard = BatchContext::default();
        let mut metadata = Vec::new();
        for (key, texts) in written.metadata {
            let texts = match texts {
                Texts::One(text) => vec![text],
                Texts::Several(texts) => texts,
            };
            let key = key.to_ascii_lowercase();
            metadata.extend(texts.into_iter().map(|text| (key.clone(), text)));
        }
        BatchContext {
            now: written.now.unwrap_or(standard.now),
            seed: written.seed.unwrap_or(standard.seed),
            cluster: written.cluster,
            metadata,
        }
    }
}

/// A whole number, or its digits: not every reader of JSON keeps all digits of a number.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = Option<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of 64 bits, or its digits as text")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Option<u64>, E> {
            Ok(Some(number))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Option<u64>, E> {
            let negative = |_| E::invalid_value(serde::de::Unexpected::Signed(number), &self);
            u64::try_from(number).map(Some).map_err(negative)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Option<u64>, E> {
            text.parse().map(Some).map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }

    deserializer.deserialize_any(Whole)
}

#[cfg(test)]
mod tests;
