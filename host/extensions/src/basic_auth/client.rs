//! The side that sends: one user's name and password in each request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_component::{BoxFuture, ClientAuth, Failure, HeaderChange, Origin};
use host_config::Wrong;
use host_tls::Fresh;

use crate::lines::{Read, Source};

pub(super) struct Client {
    header: Fresh<String>,
}

impl Client {
    pub(super) fn new(header: Fresh<String>) -> Self {
        Client { header }
    }
}

/// What stands in the header `authorization`.
pub(super) fn header([name, password]: &[Source; 2], read: &Read<'_>) -> Result<String, Wrong> {
    let (user, password) = (name.word(read)?, password.word(read)?);
    if user.contains(':') {
        return Err(name.wrong("a colon ends the name: it cannot have one"));
    }
    Ok(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

impl ClientAuth for Client {
    fn credentials<'a>(&'a self, _origin: &'a Origin) -> BoxFuture<'a, Result<Vec<HeaderChange>, Failure>> {
        Box::pin(async { Ok(vec![HeaderChange::upsert("authorization", self.header.get().await.as_str())]) })
    }

    fn is_secret(&self) -> bool {
        true
    }
}
