//! One record: what the module failed with, and what it was told and given, in the form that `tidegate module replay` reads.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use anyhow::Context as _;
use host_otlp::Limits;
use host_quarantine::{Context, Record};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn print(record: &Record) -> anyhow::Result<()> {
    let mut value = head(record);
    value["payload"] = request(record)?;
    writeln!(io::stdout().lock(), "{value:#}")?;
    Ok(())
}

/// All but the data.
pub(super) fn head(record: &Record) -> Value {
    let poison = &record.content;
    json!({
        "id": record.id,
        "time": time(poison.time),
        "pipeline": poison.pipeline,
        "processor": poison.processor,
        "module": poison.module,
        "digest": poison.digest,
        "signal": poison.signal.name(),
        "reason": poison.reason,
        "items": poison.items,
        "bytes": poison.payload.len(),
        "context": context(&poison.context),
    })
}

/// Numbers of 64 bits are text: not every reader of JSON keeps all of their digits.
fn context(context: &Context) -> Value {
    let mut metadata: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in &context.metadata {
        metadata.entry(key).or_default().push(value);
    }
    json!({
        "now": context.now.to_string(),
        "seed": context.seed.to_string(),
        "cluster": context.cluster,
        "metadata": metadata,
    })
}

fn request(record: &Record) -> anyhow::Result<Value> {
    let poison = &record.content;
    // The sum of the record was right, and it was a checked request when it was written.
    let limits = Limits { depth: host_otlp::check::DEPTH, items: u32::MAX };
    let payload = host_otlp::check(poison.signal, poison.payload.clone(), &limits)
        .with_context(|| format!("the data of record {} is no OTLP", record.id))?;
    let mut json = Vec::new();
    host_otlp::json::write(&payload, &mut json);
    Ok(serde_json::from_slice(&json)?)
}

/// In RFC 3339, to the second.
pub(crate) fn time(nanoseconds: u64) -> String {
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
