//! A delivery is a payload on its way through a pipeline, with what must not be lost about where it came from.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use host_otlp::{Payload, Signal};

/// The key of metadata under which the address of who sent the data stands, where something downstream reads it. No header has
/// such a name.
pub const PEER: &str = ":peer";
/// The key under which the identity of who sent the data stands, by its certificate, where something downstream reads it.
pub const IDENTITY: &str = ":identity";
/// The key under which the cluster stands that data is of, where a module is chosen by it: see [`Origin::of_cluster`].
const CLUSTER: &str = ":cluster";

/// Where data came from: payloads of different origins are never joined.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Origin {
    /// Request metadata that something downstream reads, by lower-case key; empty where nothing does. A key with several
    /// values stands there several times.
    pub metadata: Vec<(String, String)>,
}

impl Origin {
    /// The values of a key, which is in lower case.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.metadata.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The address of who sent the data, where it was kept.
    pub fn peer(&self) -> Option<IpAddr> {
        self.values(PEER).next()?.parse().ok()
    }

    /// The same without the address of who sent the data: behind whoever has read it, data of different senders may be joined.
    #[must_use]
    pub fn without_peer(self: &Arc<Self>) -> Arc<Self> {
        self.without(PEER)
    }

    /// The `cluster.id` that the data was bound to; none where it was not bound. It is empty where the data names no cluster.
    pub fn cluster(&self) -> Option<&str> {
        self.values(CLUSTER).next()
    }

    /// The same, bound to a cluster: what is done with the data goes by it, whatever becomes of the attribute.
    #[must_use]
    pub fn of_cluster(&self, cluster: &str) -> Arc<Self> {
        let others = self.metadata.iter().filter(|(key, _)| key != CLUSTER).cloned();
        Arc::new(Origin { metadata: others.chain([(CLUSTER.to_owned(), cluster.to_owned())]).collect() })
    }

    /// The same, not bound to a cluster any more.
    #[must_use]
    pub fn of_any_cluster(self: &Arc<Self>) -> Arc<Self> {
        self.without(CLUSTER)
    }

    fn without(self: &Arc<Self>, key: &str) -> Arc<Self> {
        if self.values(key).next().is_none() {
            return Arc::clone(self);
        }
        let rest = self.metadata.iter().filter(|(name, _)| name != key);
        Arc::new(Origin { metadata: rest.cloned().collect() })
    }
}

/// The keys of request metadata that something downstream of a receiver reads, in lower case, by signal. Whatever else a
/// request says of itself is left behind: what is kept apart by it could never be joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataKeys([BTreeSet<String>; 3]);

impl MetadataKeys {
    pub fn add(&mut self, signal: Signal, keys: impl IntoIterator<Item = String>) {
        self.0[signal as usize].extend(keys.into_iter().map(|key| key.to_ascii_lowercase()));
    }

    pub fn of(&self, signal: Signal) -> impl Iterator<Item = &str> {
        self.0[signal as usize].iter().map(String::as_str)
    }
}

/// A payload under way.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub payload: Payload,
    pub origin: Arc<Origin>,
    /// The named route that a processor chose, if one did: an index into the routes of the pipeline.
    pub route: Option<u16>,
}

impl Delivery {
    pub fn new(payload: Payload) -> Self {
        Delivery { payload, origin: Arc::default(), route: None }
    }

    /// Whether the two may travel as one.
    pub fn joins(&self, other: &Delivery) -> bool {
        self.payload.signal() == other.payload.signal()
            && self.route == other.route
            && (Arc::ptr_eq(&self.origin, &other.origin) || self.origin == other.origin)
    }
}
