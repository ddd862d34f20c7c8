//! Metrics and attributes of resources, declared one a line: their names, and whether they are there where nobody says so.

use host_config::{Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

/// The switch of one attribute of resources.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Toggle {
    /// Whether resources have it; where nothing is said, as the attribute's default has it.
    pub enabled: Option<bool>,
    metrics_include: Refused,
    metrics_exclude: Refused,
}

impl Toggle {
    /// What is wrong with that of the attribute `key`.
    pub fn wrongs(self, key: &str) -> Vec<Wrong> {
        const FILTER: &str = "take it out, and leave out what is not wanted with a `filter` processor";
        let both = [("metrics_include", self.metrics_include.0), ("metrics_exclude", self.metrics_exclude.0)];
        let written = both.into_iter().filter(|(_, is_written)| *is_written);
        written.map(|(name, _)| Wrong::new(format!("resource_attributes.{key}.{name}"), FILTER)).collect()
    }
}

/// Declares metrics: `NAME = kind "name" "unit" enabled "description";`. All of them are `ALL`.
#[macro_export]
macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal $unit:literal $enabled:literal $description:literal;)*) => {
        $(
            pub(crate) const $constant: $crate::Spec = $crate::Spec {
                name: $name,
                description: $description,
                unit: $unit,
                kind: $crate::Kind::$kind,
                enabled: $enabled,
                per: None,
            };
        )*

        /// All of them.
        pub(crate) const ALL: &[$crate::Spec] = &[$($constant),*];
    };
}

/// Declares attributes of resources: `Variant, field: key = whether it is there where nothing is said;`. They are an `Attribute` each, and
/// `ResourceAttributes` is the section that switches them.
#[macro_export]
macro_rules! attributes {
    ($($variant:ident, $field:ident: $key:literal = $default:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Attribute {
            $($variant,)*
        }

        /// Which attributes resources have.
        #[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct ResourceAttributes {
            $(
                #[serde(rename = $key)]
                $field: $crate::Toggle,
            )*
        }

        impl Attribute {
            #[cfg(test)]
            pub(crate) const ALL: &[Attribute] = &[$(Attribute::$variant),*];

            pub(crate) fn key(self) -> &'static str {
                match self {
                    $(Attribute::$variant => $key,)*
                }
            }

            /// Whether it is there where nobody says so.
            pub(crate) fn is_default(self) -> bool {
                match self {
                    $(Attribute::$variant => $default,)*
                }
            }
        }

        impl ResourceAttributes {
            fn toggle(&self, attribute: Attribute) -> $crate::Toggle {
                match attribute {
                    $(Attribute::$variant => self.$field,)*
                }
            }

            pub(crate) fn wrongs(&self) -> Vec<host_config::Wrong> {
                [$(($key, self.$field)),*].into_iter().flat_map(|(key, toggle)| toggle.wrongs(key)).collect()
            }

            pub(crate) fn is_on(&self, attribute: Attribute) -> bool {
                self.toggle(attribute).enabled.unwrap_or(attribute.is_default())
            }

            /// Those of `pairs` that are switched on and say something.
            pub(crate) fn of(
                &self,
                pairs: &[(Attribute, Option<&str>)],
            ) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
                let said = pairs.iter().filter_map(|(key, value)| Some((*key, value.filter(|value| !value.is_empty())?)));
                said.filter(|(key, _)| self.is_on(*key)).map(|(key, value)| $crate::attribute(key.key(), value)).collect()
            }
        }
    };
}
