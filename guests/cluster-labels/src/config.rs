//! The configuration of cluster-labels.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use tidegate_sdk::{Error, Mode};

/// What the operator writes.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Attribute names and values.
    pub(crate) attributes: Labels,
    /// The attribute that gets the batch's time.
    pub(crate) received_at: Option<String>,
    /// What becomes of a value that is there already.
    pub(crate) mode: WriteMode,
}

/// Attribute names and values, in the order in which they stand in the configuration.
#[derive(Debug, Default)]
pub(crate) struct Labels(pub(crate) Vec<(String, Label)>);

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Label {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}

/// What becomes of a value that is there already.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WriteMode {
    #[default]
    Overwrite,
    Keep,
}

impl Config {
    /// What serde cannot say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Config { attributes: Labels(labels), received_at, .. } = self;
        if labels.is_empty() && received_at.is_none() {
            return Err(Error::at("attributes", "nothing to write; give at least one attribute, or `received_at`"));
        }
        if labels.iter().any(|(name, _)| name.is_empty()) {
            return Err(Error::at("attributes", "an attribute has an empty name"));
        }
        if received_at.as_deref() == Some("") {
            return Err(Error::at("received_at", "the attribute has an empty name; leave the key out to write none"));
        }
        if labels.iter().any(|(name, _)| Some(name) == received_at.as_ref()) {
            return Err(Error::at("received_at", "`attributes` has this name, too; one attribute has one value"));
        }
        Ok(())
    }
}

impl From<WriteMode> for Mode {
    fn from(mode: WriteMode) -> Mode {
        match mode {
            WriteMode::Overwrite => Mode::Upsert,
            WriteMode::Keep => Mode::Insert,
        }
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of attribute names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels: Vec<(String, Label)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if labels.iter().any(|(known, _)| *known == name) {
                        return Err(de::Error::custom("the name is given twice"));
                    }
                    labels.push((name, map.next_value()?));
                }
                Ok(Labels(labels))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = Label;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a number or a truth value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Label, E> {
                Ok(Label::Text(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Label, E> {
                Ok(Label::Int(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Label, E> {
                i64::try_from(number).map(Label::Int).map_err(|_| E::custom("the number is larger than 64 bits hold"))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Label, E> {
                Ok(Label::Double(number))
            }

            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Label, E> {
                Ok(Label::Bool(truth))
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}
