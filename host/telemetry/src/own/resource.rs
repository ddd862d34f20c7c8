//! The collector's own resource.

use host_config::telemetry::{Resource as Written, ResourceValue};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as Message;
use opentelemetry_proto::transform::common::tonic::{Attributes, ResourceAttributesWithSchema};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

/// The schema that the names of the attributes that are there by themselves are of, as in the Collector.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.40.0";

/// Who tells.
pub(crate) struct Resource {
    attributes: Vec<KeyValue>,
    pub(super) schema_url: String,
}

impl Resource {
    /// What was written, and what was not and is there by itself.
    pub(crate) fn of(written: &Written) -> Self {
        let defaults = [
            ("service.name", "tidegate".to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", instance()),
        ];
        let is_written = |name: &str| written.written().any(|(known, _)| known == name);
        let by_themselves = defaults.into_iter().filter(|(name, _)| !is_written(name));
        let by_themselves = by_themselves.map(|(name, text)| attribute(name, Value::StringValue(text)));
        let others = written.written().filter_map(|(name, value)| Some(attribute(name, value_of(value)?)));
        let schema_url = written.schema_url.clone().unwrap_or_else(|| SCHEMA.to_owned());
        Resource { attributes: by_themselves.chain(others).collect(), schema_url }
    }

    pub(super) fn message(&self) -> Message {
        Message { attributes: self.attributes.clone(), ..Message::default() }
    }

    /// In the form that the library wants for spans.
    pub(super) fn attributes(&self) -> ResourceAttributesWithSchema {
        ResourceAttributesWithSchema {
            attributes: Attributes(self.attributes.clone()),
            schema_url: Some(self.schema_url.clone()),
        }
    }
}

pub(super) fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn value_of(written: &ResourceValue) -> Option<Value> {
    Some(match written {
        ResourceValue::Nothing => return None,
        ResourceValue::Bool(value) => Value::BoolValue(*value),
        ResourceValue::Int(value) => Value::IntValue(*value),
        ResourceValue::Double(value) => Value::DoubleValue(*value),
        ResourceValue::Text(text) => Value::StringValue(text.clone()),
        ResourceValue::List(values) => Value::ArrayValue(ArrayValue {
            values: values.iter().map(|value| AnyValue { value: value_of(value) }).collect(),
        }),
    })
}

/// A random UUID, the fourth of its versions.
fn instance() -> String {
    let mut bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
