//! What waits longest in a queue, as JSON.

use std::io::{self, Write as _};
use std::path::Path;

use host_otlp::Payload;
use host_queue::offline::Look;
use serde_json::{Value, json};

use crate::quarantine::time;

pub(super) fn print(folder: &Path, limit: usize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for (came, delivery) in Look::at(folder)?.take(limit) {
        let payload = &delivery.payload;
        let shown = json!({
            "time": time(came),
            "signal": payload.signal().name(),
            "items": payload.items(),
            "bytes": payload.len(),
            "metadata": delivery.origin.metadata,
            "payload": request(payload)?,
        });
        writeln!(out, "{shown:#}")?;
    }
    Ok(())
}

/// The data as OTLP/JSON.
pub(super) fn request(payload: &Payload) -> anyhow::Result<Value> {
    let mut json = Vec::new();
    host_otlp::json::write(payload, &mut json);
    Ok(serde_json::from_slice(&json)?)
}
