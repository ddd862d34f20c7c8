//! Who tells: the attributes of the collector's own resource, in the Collector's two forms.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::check::Wrong;

/// `service.telemetry.resource`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// `attributes: [{ name, value }]`.
    pub attributes: Vec<ResourceAttribute>,
    /// The older form, attributes beside each other. Nothing behind a name takes out what would be there by itself.
    pub inline: BTreeMap<String, ResourceValue>,
    pub schema_url: Option<String>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceAttribute {
    pub name: String,
    pub value: ResourceValue,
    /// Taken for the Collector's sake, which goes by the value, too.
    #[serde(default)]
    pub r#type: Option<ResourceType>,
}

/// What the schema knows as the type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceType {
    String,
    Bool,
    Int,
    Double,
    StringArray,
    BoolArray,
    IntArray,
    DoubleArray,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ResourceValue {
    Nothing,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    List(Vec<ResourceValue>),
}

/// Keys of the Collector's that are not served here, and what to do instead.
const REFUSED: [(&str, &str); 3] = [
    ("attributes_list", "write `attributes`, a list of `name` and `value`"),
    ("detectors", "write what they would find under `attributes`"),
    ("detection/development", "write what it would find under `attributes`"),
];

impl Resource {
    /// Each attribute that was written with its value; nothing where it is to be left out.
    pub fn written(&self) -> impl Iterator<Item = (&str, &ResourceValue)> {
        let listed = self.attributes.iter().map(|attribute| (attribute.name.as_str(), &attribute.value));
        listed.chain(self.inline.iter().map(|(name, value)| (name.as_str(), value)))
    }

    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        if !self.attributes.is_empty() && !self.inline.is_empty() {
            let message = "write all attributes in the list, or all of them beside each other without `attributes`";
            wrongs.push(Wrong::new("resource.attributes", message));
        }
        for (index, attribute) in self.attributes.iter().enumerate() {
            if attribute.name.is_empty() {
                wrongs.push(Wrong::new(format!("resource.attributes[{index}].name"), "the name is missing"));
            }
        }
        wrongs
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = Resource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with the attributes of the resource")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Resource, A::Error> {
                let mut resource = Resource::default();
                while let Some(key) = map.next_key::<String>()? {
                    if let Some((_, instead)) = REFUSED.iter().find(|(refused, _)| *refused == key) {
                        map.next_value::<IgnoredAny>()?;
                        return Err(A::Error::custom(format!("`{key}` is not served: {instead}")));
                    }
                    match key.as_str() {
                        "attributes" => resource.attributes = map.next_value()?,
                        "schema_url" => resource.schema_url = Some(map.next_value()?),
                        _ => {
                            let Inline(value) = map.next_value()?;
                            resource.inline.insert(key, value);
                        }
                    }
                }
                Ok(resource)
            }
        }
        deserializer.deserialize_map(Written)
    }
}

impl JsonSchema for Resource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Resource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "The attributes of the collector's own resource, in a list, or beside each other.",
            "properties": {
                "attributes": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": { "type": "string" },
                            "value": true,
                            "type": {
                                "enum": [
                                    "string", "bool", "int", "double", "string_array", "bool_array", "int_array",
                                    "double_array",
                                ],
                            },
                        },
                        "required": ["name", "value"],
                        "additionalProperties": false,
                    },
                },
                "schema_url": { "type": "string" },
                "attributes_list": false,
                "detectors": false,
                "detection/development": false,
            },
            "additionalProperties": { "type": ["string", "null"] },
        })
    }
}

/// Text, or nothing, as the older form wants it.
struct Inline(ResourceValue);

impl<'de> Deserialize<'de> for Inline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ResourceValue::deserialize(deserializer)? {
            ResourceValue::List(_) => Err(D::Error::custom("expected text: a list stands under `attributes`")),
            ResourceValue::Bool(value) => Ok(Inline(ResourceValue::Text(value.to_string()))),
            ResourceValue::Int(value) => Ok(Inline(ResourceValue::Text(value.to_string()))),
            ResourceValue::Double(value) => Ok(Inline(ResourceValue::Text(value.to_string()))),
            value @ (ResourceValue::Nothing | ResourceValue::Text(_)) => Ok(Inline(value)),
        }
    }
}

impl<'de> Deserialize<'de> for ResourceValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = ResourceValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number, true or false, or a list of these")
            }

            fn visit_unit<E>(self) -> Result<ResourceValue, E> {
                Ok(ResourceValue::Nothing)
            }

            fn visit_bool<E>(self, value: bool) -> Result<ResourceValue, E> {
                Ok(ResourceValue::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<ResourceValue, E> {
                Ok(ResourceValue::Int(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<ResourceValue, E> {
                i64::try_from(value).map(ResourceValue::Int).map_err(|_| E::custom(format!("{value} is too large")))
            }

            fn visit_f64<E>(self, value: f64) -> Result<ResourceValue, E> {
                Ok(ResourceValue::Double(value))
            }

            fn visit_str<E>(self, text: &str) -> Result<ResourceValue, E> {
                Ok(ResourceValue::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ResourceValue, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(ResourceValue::List(values))
            }
        }
        deserializer.deserialize_any(Written)
    }
}
