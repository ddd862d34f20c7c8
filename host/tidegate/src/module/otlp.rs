//! Telemetry in files: an OTLP request in JSON is a payload, and the other way round.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use host_otlp::{Limits, Payload, Signal, check, json};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{counted, files, told};

/// No request is larger when it is encoded.
const MOST: usize = 256 << 20;

/// Which signals a text has requests of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object, an OTLP request in JSON")]
struct Requests {
    resource_logs: Option<IgnoredAny>,
    resource_spans: Option<IgnoredAny>,
    resource_metrics: Option<IgnoredAny>,
}

/// Reads a request of whichever signal it is; of a file of JSON lines, as the `file` exporter writes them, all of them joined.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub(super) fn read(path: &Path) -> anyhow::Result<Payload> {
    let text = files::read(path)?;
    let payload = match path.extension().is_some_and(|end| end == "jsonl") {
        true => lines(path, &text),
        false => request(path, &text),
    };
    payload.with_context(|| format!("`{}` is no OTLP request in JSON", path.display()))
}

/// Reads a request of this signal.
///
/// # Errors
/// As [`read`].
pub(super) fn read_of(path: &Path, signal: Signal) -> anyhow::Result<Payload> {
    let text = files::read(path)?;
    let not_it = || format!("`{}` is no OTLP request of {signal} in JSON", path.display());
    of(signal, path, &text).with_context(not_it)
}

fn lines(path: &Path, text: &[u8]) -> anyhow::Result<Payload> {
    let lines = (1..).zip(text.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
    let mut joined: Option<Payload> = None;
    for (number, line) in lines {
        let payload = request(path, line).with_context(|| format!("line {number}"))?;
        match &mut joined {
            None => joined = Some(payload),
            Some(joined) if joined.signal() == payload.signal() => joined.join(payload),
            Some(joined) => bail!("line {number} has {} and the lines before it {}", payload.signal(), joined.signal()),
        }
    }
    joined.ok_or_else(|| anyhow!("the file is empty"))
}

/// Takes a text that stands in a file as a request of whichever signal it is.
///
/// # Errors
/// It is no request, or one of several signals.
pub(super) fn request(path: &Path, text: &[u8]) -> anyhow::Result<Payload> {
    if text.trim_ascii().is_empty() {
        bail!("the file is empty");
    }
    of(signal(text)?, path, text)
}

fn signal(text: &[u8]) -> anyhow::Result<Signal> {
    let requests: Requests = serde_json::from_slice(text)?;
    let there = [
        (requests.resource_logs, Signal::Logs),
        (requests.resource_spans, Signal::Traces),
        (requests.resource_metrics, Signal::Metrics),
    ];
    let there: Vec<Signal> = there.into_iter().filter_map(|(list, signal)| list.map(|_| signal)).collect();
    match there.as_slice() {
        [signal] => Ok(*signal),
        [] => bail!("it has neither `resourceLogs` nor `resourceSpans` nor `resourceMetrics`"),
        [one, other, ..] => bail!("it has {one} and {other}: a request is of one signal"),
    }
}

fn of(signal: Signal, path: &Path, text: &[u8]) -> anyhow::Result<Payload> {
    let limits = Limits::default();
    let request = json::read(signal, text, &limits, MOST, &mut |_| true)?;
    if request.unknown_keys > 0 {
        let keys = counted(request.unknown_keys, "key");
        told::warning(&format!("`{}` has {keys} that OTLP does not know; passed over", path.display()));
    }
    Ok(check(signal, request.bytes, &limits)?)
}

/// A payload as JSON that people read.
///
/// # Errors
/// Values are nested so deep that no reader of JSON takes them.
pub(super) fn pretty(payload: &Payload) -> anyhow::Result<Vec<u8>> {
    let mut line = Vec::new();
    json::write(payload, &mut line);
    let mut text = Vec::with_capacity(2 * line.len());
    let mut from = serde_json::Deserializer::from_slice(&line);
    serde_transcode::transcode(&mut from, &mut serde_json::Serializer::pretty(&mut text))?;
    text.push(b'\n');
    Ok(text)
}
