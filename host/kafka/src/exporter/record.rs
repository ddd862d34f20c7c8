//! A record as it is to be written.

use std::sync::Arc;

use bytes::Bytes;
use host_component::{Origin, Payload, Signal};
use host_otlp::json;
use rdkafka::message::{Header, OwnedHeaders};

use super::config::{Config, SIGNAL_HEADER};
use crate::client::Form;

/// What one record says. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) topic: Arc<str>,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Bytes,
    pub(crate) headers: Arc<[(String, String)]>,
    /// What it was made of, for where it has to be made smaller.
    pub(crate) payload: Payload,
    pub(crate) form: Form,
}

impl Record {
    /// The same with other data.
    pub(crate) fn with(&self, payload: Payload) -> Record {
        Record { value: value(&payload, self.form), payload, ..self.clone() }
    }

    pub(crate) fn headers(&self) -> Option<OwnedHeaders> {
        if self.headers.is_empty() {
            return None;
        }
        let none = OwnedHeaders::new_with_capacity(self.headers.len());
        Some(self.headers.iter().fold(none, |headers, (key, value)| headers.insert(Header { key, value: Some(value) })))
    }

    /// What it takes besides its value.
    pub(crate) fn overhead(&self) -> usize {
        overhead(self.key.as_ref(), &self.headers)
    }
}

/// What a record of the protocol may take besides key, headers and value: lengths, time, offset, and the head of a batch.
const FRAME: usize = 512;

fn overhead(key: Option<&Bytes>, headers: &[(String, String)]) -> usize {
    let headers: usize = headers.iter().map(|(key, value)| key.len() + value.len() + 10).sum();
    FRAME + headers + key.map_or(0, Bytes::len)
}

/// `payload` in this form.
pub(crate) fn value(payload: &Payload, form: Form) -> Bytes {
    match form {
        Form::Proto => payload.contiguous(),
        Form::Json => {
            let mut text = Vec::with_capacity(payload.len() * 2);
            json::write(payload, &mut text);
            text.into()
        }
    }
}

/// Cuts `record` into some of `most` bytes at most, in order; what cannot be cut any further is larger.
pub(crate) fn fitting(record: Record, most: usize) -> Vec<Record> {
    let room = most.saturating_sub(record.overhead()).max(1);
    let (mut waiting, mut done) = (vec![record], Vec::new());
    while let Some(record) = waiting.pop() {
        let (size, len) = (record.value.len(), record.payload.len());
        if size <= room || record.payload.items() < 2 {
            done.push(record);
            continue;
        }
        // JSON takes more than what it says: as much less is sent.
        let bytes = (len as u128 * room as u128 / size as u128) as usize;
        let pieces = record.payload.clone().split(u64::MAX, bytes.min(len - 1).max(1));
        if pieces.len() < 2 {
            done.push(record);
            continue;
        }
        waiting.extend(pieces.into_iter().rev().map(|piece| record.with(piece)));
    }
    done
}

/// The headers of records with data of `origin`.
pub(crate) fn headers(config: &Config, signal: Signal, origin: &Origin) -> Arc<[(String, String)]> {
    let fixed = config.record_headers.iter().map(|(key, value)| (key.clone(), value.clone()));
    let kept = config.include_metadata_keys.iter().flat_map(|key| {
        let lower = key.to_ascii_lowercase();
        let values: Vec<String> = origin.values(&lower).map(str::to_owned).collect();
        values.into_iter().map(|value| (key.clone(), value))
    });
    let signal = config.signal_header.then(|| (SIGNAL_HEADER.to_owned(), signal.name().to_owned()));
    fixed.chain(kept).chain(signal).collect()
}
