//! Hints are attributes that tell the exporter what to do with a record, and are not sent: those of the Collector's former
//! exporter.

use std::borrow::Cow;

use host_otlp::view::{AnyValue, KeyValue, LogRecord};

use super::labels;
use super::line::Format;

const ATTRIBUTE_LABELS: &str = "loki.attribute.labels";
const RESOURCE_LABELS: &str = "loki.resource.labels";
const TENANT: &str = "loki.tenant";
const FORMAT: &str = "loki.format";

/// Whether an attribute is a hint.
pub(super) fn is_hint(key: &str) -> bool {
    key.starts_with("loki.") && matches!(key, ATTRIBUTE_LABELS | RESOURCE_LABELS | TENANT | FORMAT)
}

/// What attributes ask for.
#[derive(Debug, Default)]
pub(super) struct Hints<'a> {
    /// The keys of attributes of records that are to be labels.
    pub(super) attribute_labels: Vec<Cow<'a, str>>,
    /// Those of attributes of resources.
    pub(super) resource_labels: Vec<Cow<'a, str>>,
    /// The key of the attribute whose value is the tenant.
    pub(super) tenant: Option<Cow<'a, str>>,
    pub(super) format: Option<Format>,
}

impl<'a> Hints<'a> {
    pub(super) fn of(record: &LogRecord<'a>) -> Self {
        let mut hints = Hints::default();
        record.attributes.clone().filter(|pair| is_hint(pair.key)).for_each(|pair| hints.take(&pair));
        hints
    }

    /// Takes the hint that an attribute is.
    pub(super) fn take(&mut self, pair: &KeyValue<'a>) {
        match pair.key {
            ATTRIBUTE_LABELS => self.attribute_labels = keys(pair.value.as_ref()),
            RESOURCE_LABELS => self.resource_labels = keys(pair.value.as_ref()),
            TENANT => self.tenant = Some(labels::value(pair.value.as_ref())).filter(|key| !key.is_empty()),
            FORMAT => self.format = Format::named(&labels::value(pair.value.as_ref())),
            _ => {}
        }
    }
}

/// The keys that a list names, or a text with commas between them.
fn keys<'a>(value: Option<&AnyValue<'a>>) -> Vec<Cow<'a, str>> {
    match value {
        Some(AnyValue::Text(text)) => {
            text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(Cow::Borrowed).collect()
        }
        Some(AnyValue::Array(values)) => values.clone().map(|value| labels::value(Some(&value))).collect(),
        _ => Vec::new(),
    }
}
