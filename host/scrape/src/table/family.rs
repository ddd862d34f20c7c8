//! What points stand under: the resource, the scope and the metric.

use std::net::IpAddr;

use host_otlp::build::{Attributes, Value};

use super::Subject;
use crate::labels::Labels;

/// What a metric is in OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    Gauge,
    Counter,
    /// Info and state sets: sums that go up and down.
    UpDown,
    Histogram,
    Summary,
    Native,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FamilyKey {
    pub(crate) resource: u32,
    pub(crate) scope: u32,
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape,
}

/// A metric with its points.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) key: FamilyKey,
    /// Under which name it was declared.
    pub(crate) declared_as: Box<str>,
    /// Where it came among the others.
    pub(crate) rank: u64,
    pub(crate) points: Vec<u32>,
}

/// A job and an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ResourceKey {
    pub(crate) job: Box<str>,
    pub(crate) instance: Box<str>,
}

/// What metrics are about.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) key: ResourceKey,
    /// What `target_info` says, and the scrape that had it last.
    pub(crate) info: Option<Labels>,
    pub(crate) told: u32,
    pub(crate) attributes: Attributes,
    pub(crate) families: u32,
}

/// The library that a metric came from, and how many do.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) key: ScopeKey,
    pub(crate) families: u32,
}

/// The same, as labels say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScopeKey {
    pub(crate) name: Box<str>,
    pub(crate) version: Box<str>,
    pub(crate) schema_url: Box<str>,
    pub(crate) attributes: Attributes,
}

impl Resource {
    pub(crate) fn new(key: ResourceKey, subject: &Subject) -> Self {
        let mut resource = Resource { key, info: None, told: 0, attributes: Attributes::default(), families: 0 };
        resource.describe(subject);
        resource
    }

    /// Encodes what is known of it.
    pub(crate) fn describe(&mut self, subject: &Subject) {
        let (host, port) = split(&self.key.instance);
        let mut pairs: Vec<(&str, &str)> = vec![("service.name", &self.key.job)];
        if is_discernible(host) {
            pairs.push(("server.address", host));
        }
        pairs.extend([
            ("service.instance.id", &*self.key.instance),
            ("server.port", port),
            ("url.scheme", subject.scheme.as_str()),
        ]);
        pairs.extend(subject.about.iter().map(|(key, value)| (*key, value.as_str())));
        for (name, value) in self.info.iter().flat_map(Labels::iter) {
            match pairs.iter_mut().find(|(key, _)| *key == name) {
                Some((_, there)) => *there = value,
                None => pairs.push((name, value)),
            }
        }
        self.attributes = Attributes::of(pairs.into_iter().map(|(key, value)| (key, Value::Text(value))));
    }
}

/// The host and the port of an address.
fn split(instance: &str) -> (&str, &str) {
    let Some((host, port)) = instance.rsplit_once(':') else { return (instance, "") };
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => (host, port),
        None if host.contains(':') => (instance, ""),
        None => (host, port),
    }
}

/// Whether a host tells one machine from another.
fn is_discernible(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => !address.is_loopback() && !address.is_unspecified(),
        Err(_) => !matches!(host, "" | "localhost"),
    }
}

#[cfg(test)]
mod tests;
