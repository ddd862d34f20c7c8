//! Rules make a speaker of the names in a certificate: somebody of whom it is known what it may say.

use std::sync::Arc;

use host_component::Subject;
use host_config::Wrong;

use crate::config::{Config, OnViolation, Rule, Source};
use crate::glob::{Identities, Pattern};
use crate::limits::Limits;

/// What every SPIFFE ID begins with.
const SPIFFE: &str = "spiffe://";

/// The names in a certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    pub uris: &'a [String],
    pub dns: &'a [String],
    pub common_names: &'a [String],
}

/// Why a certificate makes nobody a speaker; who shows it is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    #[error(
        "the client certificate has no {0}: the receiver takes the identity of a sender from there (identity.from)"
    )]
    Nameless(String),
    #[error("the client certificate has more than one {0}, so that it does not say whose it is")]
    Ambiguous(&'static str),
    #[error(
        "the identity {0:?} of the client certificate may speak for no cluster here: no rule of the receiver matches \
         it (identity.rules)"
    )]
    Unmatched(String),
}

/// The rules of a receiver.
#[derive(Clone, Debug)]
pub struct Rules {
    from: Vec<Source>,
    rules: Vec<(Identities, Arc<Rights>)>,
}

/// What some may say.
#[derive(Debug)]
struct Rights {
    clusters: Vec<Pattern>,
    /// None where roles are not looked at.
    roles: Option<Vec<Pattern>>,
    /// The one cluster and role, where there is one.
    cluster: Option<String>,
    role: Option<String>,
    on_violation: OnViolation,
    /// None where nothing is limited.
    limits: Option<Limits>,
}

/// Somebody of whom it is known what it may say.
#[derive(Clone, Debug)]
pub struct Speaker {
    identity: Arc<str>,
    /// Where it stood.
    from: Source,
    rights: Arc<Rights>,
}

impl Config {
    /// Reads the patterns.
    ///
    /// # Errors
    /// The first of what [`Config::wrongs`] finds.
    pub fn build(&self, at: &str) -> Result<Rules, Wrong> {
        if let Some(wrong) = self.wrongs(at).into_iter().next() {
            return Err(wrong);
        }
        let read = |rule: &Rule| Ok((Identities::of(&rule.of)?, Arc::new(Rights::of(rule, self)?)));
        let rules: Result<Vec<_>, String> = self.rules.iter().map(read).collect();
        let rules = rules.map_err(|error| Wrong::new(format!("{at}.rules"), error))?;
        Ok(Rules { from: self.from.clone(), rules })
    }
}

impl Rights {
    fn of(rule: &Rule, config: &Config) -> Result<Rights, String> {
        let patterns = |texts: &[String]| texts.iter().map(|text| Pattern::of(text)).collect::<Result<Vec<_>, _>>();
        Ok(Rights {
            clusters: patterns(&rule.clusters)?,
            roles: rule.roles.as_deref().map(patterns).transpose()?,
            cluster: rule.one_cluster().map(str::to_owned),
            role: rule.one_role().map(str::to_owned),
            on_violation: config.on_violation,
            limits: rule.limits.as_ref().or(config.limits.as_ref()).filter(|limits| limits.is_any()).cloned(),
        })
    }
}

impl Rules {
    /// Who shows a certificate with these names.
    ///
    /// # Errors
    /// When it does not say whose it is, or no rule is about that.
    pub fn speaker(&self, names: &Names<'_>) -> Result<Speaker, Stranger> {
        for source in &self.from {
            let found: Vec<&str> = match source {
                Source::Spiffe => uris(names).collect(),
                Source::Dns => names.dns.iter().map(String::as_str).collect(),
                Source::CommonName => names.common_names.iter().map(String::as_str).collect(),
            };
            // A certificate may be for several hosts; whom it is of it says once.
            if found.len() > 1 && *source != Source::Dns {
                return Err(Stranger::Ambiguous(told(*source)));
            }
            if let Some(first) = found.first() {
                let speaker = found.iter().find_map(|name| self.of(name, *source));
                return speaker.ok_or_else(|| Stranger::Unmatched((*first).to_owned()));
            }
        }
        let places: Vec<&str> = self.from.iter().map(|source| told(*source)).collect();
        Err(Stranger::Nameless(places.join(", ")))
    }

    /// Who has this identity: by the first rule that matches it.
    fn of(&self, identity: &str, from: Source) -> Option<Speaker> {
        let (_, rights) = self.rules.iter().find(|(identities, _)| identities.have(identity, from))?;
        Some(Speaker { identity: identity.into(), from, rights: Arc::clone(rights) })
    }
}

fn uris<'a>(names: &Names<'a>) -> impl Iterator<Item = &'a str> {
    let is_spiffe = |uri: &&str| uri.get(..SPIFFE.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SPIFFE));
    names.uris.iter().map(String::as_str).filter(is_spiffe)
}

fn told(source: Source) -> &'static str {
    match source {
        Source::Spiffe => "SPIFFE ID",
        Source::Dns => "DNS name",
        Source::CommonName => "common name",
    }
}

impl Speaker {
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Where in its certificate that stood.
    pub(crate) fn from(&self) -> Source {
        self.from
    }

    pub fn on_violation(&self) -> OnViolation {
        self.rights.on_violation
    }

    /// What it may send; none where that is not limited.
    pub fn limits(&self) -> Option<&Limits> {
        self.rights.limits.as_ref()
    }

    /// The one cluster that this is; none where it may speak for several.
    pub fn cluster(&self) -> Option<&str> {
        self.rights.cluster.as_deref()
    }

    /// What is written in the place of what it may not say; none where that is not known.
    pub(crate) fn truth(&self, subject: Subject) -> Option<&str> {
        match subject {
            Subject::Cluster => self.rights.cluster.as_deref(),
            Subject::Role => self.rights.role.as_deref(),
        }
    }

    /// Whether it may say this; none is a value that is no text.
    pub(crate) fn may_say(&self, subject: Subject, value: Option<&str>) -> bool {
        let patterns = match (subject, &self.rights.roles) {
            (Subject::Cluster, _) => &self.rights.clusters,
            (Subject::Role, Some(roles)) => roles,
            (Subject::Role, None) => return true,
        };
        value.is_some_and(|value| patterns.iter().any(|pattern| pattern.matches(value)))
    }
}
