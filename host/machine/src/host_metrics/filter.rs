//! Which devices, interfaces, mount points and types of filesystems are told: names, or patterns that match somewhere in a name.

use host_config::{Refused, Wrong};
use regex::RegexSet;
use schemars::JsonSchema;
use sdk_patterns::from_go_for_host;
use serde::Deserialize;

/// How names in a list are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatchType {
    /// As they are.
    Strict,
    /// As patterns.
    Regexp,
}

/// A list of names or patterns, whatever the Collector calls it in the section that it stands in.
pub(super) trait Names {
    const KEY: &'static str;

    fn parts(&self) -> (&[String], Option<MatchType>, Refused);
}

macro_rules! names {
    ($(#[$doc:meta] $type:ident: $field:ident,)*) => {$(
        #[$doc]
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $type {
            pub $field: Vec<String>,
            pub match_type: Option<MatchType>,
            regexp: Refused,
        }

        impl Names for $type {
            const KEY: &'static str = stringify!($field);

            fn parts(&self) -> (&[String], Option<MatchType>, Refused) {
                (&self.$field, self.match_type, self.regexp)
            }
        }
    )*};
}

names! {
    /// Devices such as `sda1` of `disk`, and `/dev/sda1` of `filesystem`.
    Devices: devices,
    /// Types of filesystems, such as `ext4`.
    FsTypes: fs_types,
    /// Interfaces of the network.
    Interfaces: interfaces,
    /// Where filesystems are mounted.
    MountPoints: mount_points,
}

/// What is told, and what of that is not.
#[derive(Debug)]
pub(super) struct Filter {
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

#[derive(Debug)]
enum Matcher {
    Strict(Vec<String>),
    Regexp(RegexSet),
}

impl Filter {
    /// Made of two lists, each with the key under which it stands.
    ///
    /// # Errors
    /// Where a list does not say how it is meant, or has a pattern that is none.
    pub(super) fn new<N: Names>(include: &N, at_include: &str, exclude: &N, at_exclude: &str) -> Result<Self, Wrong> {
        Ok(Filter { include: Matcher::new(include, at_include)?, exclude: Matcher::new(exclude, at_exclude)? })
    }

    pub(super) fn takes(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.matches(name))
            && self.exclude.as_ref().is_none_or(|exclude| !exclude.matches(name))
    }
}

impl Matcher {
    /// None where there is no name, as in the Collector.
    fn new<N: Names>(names: &N, at: &str) -> Result<Option<Self>, Wrong> {
        let (names, match_type, regexp) = names.parts();
        if regexp.0 {
            let message = "matches are not kept: take it out";
            return Err(Wrong::new(format!("{at}.regexp"), message));
        }
        if names.is_empty() {
            return Ok(None);
        }
        match match_type {
            None => {
                let message = "it is missing: write `strict` for names as they are, or `regexp` for patterns";
                Err(Wrong::new(format!("{at}.match_type"), message))
            }
            Some(MatchType::Strict) => Ok(Some(Matcher::Strict(names.to_vec()))),
            Some(MatchType::Regexp) => {
                let set = RegexSet::new(names.iter().map(|pattern| from_go_for_host(pattern)));
                set.map(|set| Some(Matcher::Regexp(set)))
                    .map_err(|error| Wrong::new(format!("{at}.{}", N::KEY), error.to_string()))
            }
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Matcher::Strict(names) => names.iter().any(|known| known == name),
            Matcher::Regexp(patterns) => patterns.is_match(name),
        }
    }
}
