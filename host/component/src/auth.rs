//! Who may come in, and how somebody shows who they are: what extensions do for receivers and exporters.
//!
//! Headers are names and values here, whatever protocol carries them; names are in lower case.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::delivery::Origin;
use crate::failure::Failure;
use crate::id::ComponentId;

/// Why a request may not come in; its sender is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Its sender does not show that it may send.
    #[error("{0}")]
    Stranger(String),
    /// So many ask to come in that nobody looks at this one; it may come again.
    #[error("too many senders wait to be let in; try again later")]
    Busy,
}

/// Decides which requests may come in.
pub trait ServerAuth: Send + Sync + 'static {
    /// The header that it looks at.
    fn header(&self) -> &str;

    /// What it asks for, as `WWW-Authenticate` says it.
    fn challenge(&self) -> String;

    /// Lets a request in by the value of that header, or says why not.
    fn admit<'a>(&'a self, value: Option<&'a [u8]>) -> BoxFuture<'a, Result<(), Denied>>;
}

/// Adds to requests what shows who sends them, or whom they are from.
pub trait ClientAuth: Send + Sync + 'static {
    /// What to do to the headers of a request with data of `origin`, in this order.
    fn credentials<'a>(&'a self, origin: &'a Origin) -> BoxFuture<'a, Result<Vec<HeaderChange>, Failure>>;

    /// Hears that the next hop did not take who it said it was. Whether it may have something else to say now.
    fn refused(&self) -> bool {
        false
    }

    /// Whether what it adds is nobody else's to read.
    fn is_secret(&self) -> bool;

    /// The keys of request metadata that it reads.
    fn metadata(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What to do to one header.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderChange {
    pub name: String,
    pub action: HeaderAction,
    /// What it is to say, unless it is removed.
    pub value: String,
}

/// What it is to say may be a key, which no log shows.
impl fmt::Debug for HeaderChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderChange").field("name", &self.name).field("action", &self.action).finish_non_exhaustive()
    }
}

/// How a header is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderAction {
    /// Where it is not there.
    Insert,
    /// Where it is there.
    Update,
    Upsert,
    Delete,
}

impl HeaderChange {
    pub fn upsert(name: impl Into<String>, value: impl Into<String>) -> Self {
        HeaderChange { name: name.into(), action: HeaderAction::Upsert, value: value.into() }
    }
}

/// The authenticators of a configuration, by the id of their extension.
#[derive(Clone, Default)]
pub struct Authenticators {
    servers: BTreeMap<ComponentId, Arc<dyn ServerAuth>>,
    clients: BTreeMap<ComponentId, Arc<dyn ClientAuth>>,
}

impl Authenticators {
    pub fn add_server(&mut self, id: ComponentId, server: Arc<dyn ServerAuth>) {
        self.servers.insert(id, server);
    }

    pub fn add_client(&mut self, id: ComponentId, client: Arc<dyn ClientAuth>) {
        self.clients.insert(id, client);
    }

    /// Who lets requests in by this name.
    pub fn server(&self, id: &ComponentId) -> Option<&Arc<dyn ServerAuth>> {
        self.servers.get(id)
    }

    /// Who adds to requests by this name.
    pub fn client(&self, id: &ComponentId) -> Option<&Arc<dyn ClientAuth>> {
        self.clients.get(id)
    }
}
