//! Which attributes a detector gives: each can be switched on and off.

use schemars::JsonSchema;
use serde::Deserialize;

/// The switch of one attribute.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Toggle {
    /// Whether it is given; where nothing is said, as the attribute's default has it.
    pub enabled: Option<bool>,
}

/// Declares a set of attributes: `field: key = whether it is given where nothing is said;`.
macro_rules! toggles {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal = $default:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                #[serde(rename = $key)]
                $field: crate::resource_detection::toggle::Toggle,
            )*
        }

        impl $name {
            $(
                /// The key of the attribute, where it is given.
                pub(in crate::resource_detection) fn $field(&self) -> Option<&'static str> {
                    self.$field.enabled.unwrap_or($default).then_some($key)
                }
            )*
        }
    };
}

pub(in crate::resource_detection) use toggles;
