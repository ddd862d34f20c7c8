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
    /// Who wants to know.
    exporter: String,
    /// Whether the last question had an answer: a trouble is told of when it begins and when it ends.
    was_answered: bool,
    /// A question that had no answer in time. It is not asked twice, since the system may go on for long with one that nobody
    /// waits for any more.
    asked: Option<BoxFuture<'static, io::Result<Vec<IpAddr>>>>,
}

impl Name {
    pub(crate) fn new(lookup: Arc<dyn Lookup>, name: &str, patience: Duration, exporter: &str) -> Self {
        let (name, exporter) = (name.to_owned(), exporter.to_owned());
        Name { lookup, name, patience, exporter, was_answered: true, asked: None }
    }

    /// Its addresses, sorted, each once.
    ///
    /// # Errors
    /// Where there is no answer in time, or it names none.
    pub(crate) async fn addresses(&mut self) -> io::Result<Vec<IpAddr>> {
        let answer = self.ask().await;
        match &answer {
            Err(error) if self.was_answered => {
                tracing::warn!(exporter = self.exporter, %error, "those that are known stay");
            }
            Err(error) => tracing::debug!(exporter = self.exporter, %error, "there is no answer yet"),
            Ok(_) if !self.was_answered => {
                tracing::info!(exporter = self.exporter, name = self.name, "the name has addresses again");
            }
            Ok(_) => {}
        }
        self.was_answered = answer.is_ok();
        answer
    }

    async fn ask(&mut self) -> io::Result<Vec<IpAddr>> {
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
