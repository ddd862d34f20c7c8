//! What a user may write under `identity:` of a receiver.

use std::path::PathBuf;

use host_config::Wrong;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::glob::{Identities, Pattern, is_exact};
use crate::limits::Limits;

/// Whom a certificate is of, and what that lets its holder say.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where in a certificate the identity stands: the first of these that the certificate has.
    pub from: Vec<Source>,
    /// The first rule that matches counts.
    pub rules: Vec<Rule>,
    /// What becomes of telemetry that speaks for somebody else.
    pub on_violation: OnViolation,
    /// Who is not let in, whatever the rules say: a file with an identity or a serial number a line.
    pub deny_file: PathBuf,
    /// What each identity may send whose rule does not say.
    pub limits: Option<Limits>,
}

/// A place in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The URI `spiffe://…` among the alternative names.
    Spiffe,
    /// The DNS names among the alternative names.
    Dns,
    /// The common name of the subject.
    CommonName,
}

/// What those may say whose identity matches.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// A pattern of identities.
    #[serde(rename = "match")]
    pub of: String,
    /// Patterns of the clusters that they may speak for.
    pub clusters: Vec<String>,
    /// Patterns of the roles that they may claim; without the key, any.
    pub roles: Option<Vec<String>>,
    /// What each of them may send, in the place of what is said for all.
    pub limits: Option<Limits>,
}

/// What becomes of telemetry that speaks for somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnViolation {
    /// The resource that it belongs to is not taken.
    #[default]
    Refuse,
    /// It says whose it is.
    Overwrite,
    /// It is counted.
    Pass,
}

impl OnViolation {
    pub fn name(self) -> &'static str {
        match self {
            OnViolation::Refuse => "refuse",
            OnViolation::Overwrite => "overwrite",
            OnViolation::Pass => "pass",
        }
    }
}

impl Config {
    /// What makes no sense, with keys below `at`.
    pub fn wrongs(&self, at: &str) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            (
                "from",
                self.from.is_empty(),
                "it is missing: say where in a certificate the identity stands, such as `from: [spiffe]`; there are \
                 spiffe, dns and common_name",
            ),
            (
                "rules",
                self.rules.is_empty(),
                "there is none, and nobody would be let in: write `rules: [{ match: \"spiffe://example.org/edge/*\", \
                 clusters: [\"edge-*\"] }]`",
            ),
        ]);
        for (index, rule) in self.rules.iter().enumerate() {
            wrongs.extend(rule.wrongs(&format!("rules.{index}"), self.on_violation));
        }
        if self.limits.as_ref().is_some_and(|limits| !limits.is_any()) {
            let message = "it limits nothing: set one of `requests_per_second`, `items_per_second`, `mib_per_second` \
                           and `in_flight_mib`, or leave it out";
            wrongs.push(Wrong::new("limits", message));
        }
        for (at, limits) in self.limits() {
            wrongs.extend(limits.wrongs(&at));
        }
        let below = |Wrong { key, message }| Wrong::new(format!("{at}.{key}"), message);
        wrongs.into_iter().map(below).collect()
    }

    /// The sections of limits that there are, each with its key.
    pub fn limits(&self) -> impl Iterator<Item = (String, &Limits)> {
        let all = self.limits.iter().map(|limits| ("limits".to_owned(), limits));
        let rules = self.rules.iter().enumerate();
        let of_rules = rules.filter_map(|(index, rule)| Some((format!("rules.{index}.limits"), rule.limits.as_ref()?)));
        all.chain(of_rules)
    }
}

impl Rule {
    fn wrongs(&self, at: &str, on_violation: OnViolation) -> Vec<Wrong> {
        let wrong = |key: &str, message: String| Wrong::new(format!("{at}.{key}"), message);
        let mut wrongs: Vec<_> =
            Identities::of(&self.of).err().map(|error| wrong("match", error)).into_iter().collect();
        if self.clusters.is_empty() {
            let message = "it is missing: name the clusters that these may speak for, such as `clusters: [edge-eu-1]`";
            wrongs.push(wrong("clusters", message.to_owned()));
        }
        let bad = |texts: &[String]| texts.iter().find_map(|text| Pattern::of(text).err());
        wrongs.extend(bad(&self.clusters).map(|error| wrong("clusters", error)));
        wrongs.extend(self.roles.as_deref().and_then(bad).map(|error| wrong("roles", error)));
        if on_violation == OnViolation::Overwrite {
            const NEEDS: &str = "`on_violation: overwrite` has to know what to write: name one without a wildcard, or \
                                 write `on_violation: refuse`";
            if self.one_cluster().is_none() {
                wrongs.push(wrong("clusters", NEEDS.to_owned()));
            }
            if self.roles.is_some() && self.one_role().is_none() {
                wrongs.push(wrong("roles", NEEDS.to_owned()));
            }
        }
        wrongs
    }

    /// The one cluster that these are.
    pub(crate) fn one_cluster(&self) -> Option<&str> {
        one(&self.clusters)
    }

    /// The one role that these may have.
    pub(crate) fn one_role(&self) -> Option<&str> {
        one(self.roles.as_deref()?)
    }
}

fn one(patterns: &[String]) -> Option<&str> {
    match patterns {
        [only] if is_exact(only) => Some(only),
        _ => None,
    }
}
