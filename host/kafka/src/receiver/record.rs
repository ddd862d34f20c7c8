//! A record as it was read, and what becomes of it on its way into a pipeline.

use std::sync::Arc;

use bytes::Bytes;
use host_component::{Delivery, MetadataKeys, Origin, Signal};
use host_otlp::json::{self, ReadError};
use host_otlp::{Limits, check};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};

use super::attributes::with_attributes;
use super::config::{Config, HeaderExtraction, OWN};
use crate::client::Form;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) value: Bytes,
    pub(crate) headers: Vec<(String, Option<Bytes>)>,
}

/// What JSON may take when it is read, for each byte of it: its text, what it says, and its longest string once more.
const JSON_ROOM: usize = 3;
/// What a record of JSON may say at most.
const JSON_MOST: usize = 256 << 20;

impl Record {
    pub(crate) fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Record {
            topic: message.topic().into(),
            partition: message.partition(),
            offset: message.offset(),
            value: message.payload().map(Bytes::copy_from_slice).unwrap_or_default(),
            headers: headers.map(|h| (h.key.to_owned(), h.value.map(Bytes::copy_from_slice))).collect(),
        }
    }

    /// The room that it needs until it was acknowledged.
    pub(crate) fn room(&self, form: Form) -> usize {
        let headers: usize =
            self.headers.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len)).sum();
        headers + self.value.len() * if form == Form::Json { JSON_ROOM } else { 1 }
    }
}

/// How records become deliveries.
pub(crate) struct Reading {
    /// The metadata that something downstream reads, of what the receiver says itself and of headers that are trusted.
    keys: [Vec<String>; 3],
    extraction: HeaderExtraction,
    limits: Limits,
    nowhere: Arc<Origin>,
}

/// What was read of a record.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) delivery: Delivery,
    pub(crate) unknown_fields: u64,
}

impl Reading {
    pub(crate) fn new(config: &Config, read: &MetadataKeys) -> Self {
        let is_trusted = |key: &str| config.trust_headers.iter().any(|name| name.eq_ignore_ascii_case(key));
        let is_own = |key: &str| matches!(key.strip_prefix(OWN), Some("topic" | "partition" | "offset"));
        let keys = |signal| read.of(signal).filter(|key| is_trusted(key) || is_own(key)).map(str::to_owned).collect();
        Reading {
            keys: Signal::ALL.map(keys),
            extraction: config.header_extraction.clone(),
            limits: Limits::default(),
            nowhere: Arc::default(),
        }
    }

    /// The delivery that a record stands for.
    ///
    /// # Errors
    /// Why it stands for none.
    pub(crate) fn read(&self, record: &Record, signal: Signal, form: Form) -> Result<Read, String> {
        let (bytes, unknown_keys) = match form {
            Form::Proto => (record.value.clone(), 0),
            Form::Json => {
                // Room was made for all of it before.
                let read = json::read(signal, &record.value, &self.limits, JSON_MOST, &mut |_| true);
                let request = read.map_err(|error: ReadError| format!("it is no OTLP in JSON: {error}"))?;
                (request.bytes, request.unknown_keys)
            }
        };
        let payload = check(signal, bytes, &self.limits).map_err(|error| format!("it is no OTLP: {error}"))?;
        let unknown_fields = payload.unknown_fields() + unknown_keys;
        let payload = with_attributes(&payload, &self.extracted(record));
        let delivery = Delivery { payload, origin: self.origin(record, signal)?, route: None };
        Ok(Read { delivery, unknown_fields })
    }

    fn extracted(&self, record: &Record) -> Vec<(String, String)> {
        if !self.extraction.extract_headers {
            return Vec::new();
        }
        let found = self.extraction.headers.iter().filter_map(|name| {
            let (_, value) = record.headers.iter().find(|(key, _)| key == name)?;
            let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
            Some((format!("kafka.header.{name}"), text))
        });
        found.collect()
    }

    fn origin(&self, record: &Record, signal: Signal) -> Result<Arc<Origin>, String> {
        let keys = &self.keys[signal as usize];
        if keys.is_empty() {
            return Ok(Arc::clone(&self.nowhere));
        }
        let mut metadata = Vec::new();
        for key in keys {
            let own = match key.strip_prefix(OWN) {
                Some("topic") => Some(record.topic.to_string()),
                Some("partition") => Some(record.partition.to_string()),
                Some("offset") => Some(record.offset.to_string()),
                _ => None,
            };
            if let Some(value) = own {
                metadata.push((key.clone(), value));
                continue;
            }
            for (name, value) in record.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)) {
                // To guess at what is no text could make two values one.
                let text = std::str::from_utf8(value.as_deref().unwrap_or_default())
                    .map_err(|_| format!("its header {name} is read here, and it is no UTF-8"))?;
                metadata.push((key.clone(), text.to_owned()));
            }
        }
        if metadata.is_empty() {
            return Ok(Arc::clone(&self.nowhere));
        }
        Ok(Arc::new(Origin { metadata }))
    }
}
