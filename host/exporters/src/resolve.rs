//! The addresses that a name stands for, asked for again and again, one question at a time.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use host_component::BoxFuture;
use tokio::time::timeout;

/// Who knows the addresses of names.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// All addresses of a name, in any order.
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system: its hosts file, its DNS servers, and whatever else it is told to ask.
pub(crate) struct System;

impl Lookup for System {
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// One name, and who is asked for its addresses.
pub(crate) struct Name {
    lookup: Arc<dyn Lookup>,
    name: String,
    patience: Duration,
    /// A question that had no answer in time. It is not asked twice, since the system may go on for long with one that nobody
    /// waits for any more.
    asked: Option<BoxFuture<'static, io::Result<Vec<IpAddr>>>>,
}

impl Name {
    pub(crate) fn new(lookup: Arc<dyn Lookup>, name: &str, patience: Duration) -> Self {
        Name { lookup, name: name.to_owned(), patience, asked: None }
    }

    /// Its addresses, sorted, each once.
    ///
    /// # Errors
    /// Where there is no answer in time, or it names none.
    pub(crate) async fn addresses(&mut self) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.take().unwrap_or_else(|| self.lookup.addresses(self.name.clone()));
        let answer = match timeout(self.patience, &mut asked).await {
            Ok(answer) => answer.map_err(|error| self.told(&error.to_string())),
            Err(_) => {
                self.asked = Some(asked);
                Err(self.told(&format!("no answer within {:?}", self.patience)))
            }
        };
        let mut addresses = answer?;
        addresses.sort_unstable();
        addresses.dedup();
        match addresses.is_empty() {
            true => Err(self.told("the name has no addresses")),
            false => Ok(addresses),
        }
    }

    fn told(&self, what: &str) -> io::Error {
        io::Error::other(format!("cannot find the addresses of {}: {what}", self.name))
    }
}

#[cfg(test)]
pub(crate) mod tests;
