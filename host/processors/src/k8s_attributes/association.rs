//! An association says by what a pod is found. The first whose look-up finds one wins.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use super::config::{Association as Written, From};

/// Something that a pod is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The address that the data came from.
    Connection,
    /// An attribute that has the address of a pod.
    Ip(String),
    Uid,
    Name,
    Namespace,
    ContainerId,
    /// Another attribute that the pod would be given.
    Attribute(String),
}

impl Source {
    fn of(from: From, name: &str) -> Self {
        match (from, name) {
            (From::Connection, _) => Source::Connection,
            (_, "k8s.pod.ip" | "host.name") => Source::Ip(name.to_owned()),
            (_, "k8s.pod.uid") => Source::Uid,
            (_, "k8s.pod.name") => Source::Name,
            (_, "k8s.namespace.name") => Source::Namespace,
            (_, "container.id") => Source::ContainerId,
            (_, other) => Source::Attribute(other.to_owned()),
        }
    }

    pub(super) fn is_address(&self) -> bool {
        matches!(self, Source::Connection | Source::Ip(_))
    }

    /// The attribute that has it, or the connection.
    fn name(&self) -> &str {
        match self {
            Source::Connection => "connection",
            Source::Ip(attribute) | Source::Attribute(attribute) => attribute,
            Source::Uid => "k8s.pod.uid",
            Source::Name => "k8s.pod.name",
            Source::Namespace => "k8s.namespace.name",
            Source::ContainerId => "container.id",
        }
    }

    /// What a resource or a connection says for it; none where it says nothing that could be a pod's.
    pub(super) fn value<'a>(
        &self,
        peer: Option<IpAddr>,
        attribute: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<Value<'a>> {
        let text = |name: &str| attribute(name).filter(|text| !text.is_empty());
        match self {
            Source::Connection => peer.map(Value::Ip),
            Source::Ip(name) => text(name)?.parse::<IpAddr>().ok().map(|ip| Value::Ip(ip.to_canonical())),
            other => text(other.name()).map(Value::Text),
        }
    }
}

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value<'a> {
    Ip(IpAddr),
    Text(&'a str),
}

/// Sources that have to fit the same pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Association {
    pub(super) sources: Vec<Source>,
    /// As the Collector's metrics name it: where each source stands, and its name.
    pub(super) label: String,
}

impl Association {
    fn new(sources: Vec<Source>) -> Self {
        let name = |source: &Source| match source {
            Source::Connection => source.name().to_owned(),
            attribute => format!("resource_attribute/{}", attribute.name()),
        };
        let names: Vec<String> = sources.iter().map(name).collect();
        Association { label: names.join("+"), sources }
    }

    /// Those of a section, and of the Collector's where it has none. Where data may have been relayed, those by the
    /// connection are left out: its address is the relay's.
    pub(super) fn all(written: &[Written], with_connection: bool) -> Vec<Association> {
        let ip = |name: &str| vec![Source::Ip(name.to_owned())];
        let mut all: Vec<Vec<Source>> = match written {
            [] => vec![ip("k8s.pod.ip"), ip("ip"), vec![Source::Connection], ip("host.name")],
            written => {
                let sources = |association: &Written| {
                    association.sources.iter().map(|source| Source::of(source.from, &source.name)).collect()
                };
                written.iter().map(sources).collect()
            }
        };
        all.retain(|sources| with_connection || !sources.contains(&Source::Connection));
        all.into_iter().map(Association::new).collect()
    }

    /// Whether data that has these says of which pod it is: by the connection it says who sent it, and a host may have
    /// several.
    pub(super) fn names_pod(&self) -> bool {
        let has = |source: &Source| self.sources.contains(source);
        let has_address = self.sources.iter().any(|source| matches!(source, Source::Ip(name) if name != "host.name"));
        let has_name = has(&Source::Name) && has(&Source::Namespace);
        !has(&Source::Connection) && (has_address || has_name || has(&Source::Uid) || has(&Source::ContainerId))
    }

    /// Where the cache has an index of its own for it.
    pub(super) fn index(&self) -> Index {
        match self.sources.as_slice() {
            [Source::Connection | Source::Ip(_)] => Index::Ip,
            [Source::Uid] => Index::Uid,
            _ => Index::Key,
        }
    }
}

/// How the cache finds a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    Ip,
    Uid,
    Key,
}

/// The key under which the cache has a pod for the association at `at` of the member of this arrival.
pub(super) fn key(arrival: u64, at: usize, values: &[Value<'_>]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(48);
    key.extend_from_slice(&arrival.to_le_bytes());
    key.extend_from_slice(&(at as u32).to_le_bytes());
    for value in values {
        match value {
            Value::Ip(ip) => put(&mut key, ip.to_string().as_bytes()),
            Value::Text(text) => put(&mut key, text.as_bytes()),
        }
    }
    key.into_boxed_slice()
}

/// With its length before it, so that no two lists of values make one key.
fn put(key: &mut Vec<u8>, value: &[u8]) {
    key.extend_from_slice(&(value.len() as u32).to_le_bytes());
    key.extend_from_slice(value);
}

/// What somebody who is not known is remembered by.
pub(super) fn fingerprint(index: Index, at: usize, values: &[Value<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Whoever has an address is the same by whatever source.
    match index {
        Index::Ip | Index::Uid => (index as u8).hash(&mut hasher),
        Index::Key => (index as u8, at).hash(&mut hasher),
    }
    values.hash(&mut hasher);
    hasher.finish()
}
