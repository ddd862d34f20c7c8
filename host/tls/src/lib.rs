//! TLS for whoever listens or connects: the Collector's `tls:` keys, made into what accepts and opens connections.
//!
//! Certificates, keys and authorities are read when a component is built, and anew when their files change: whoever is
//! to shake hands asks, at most so often, and a file that cannot be used leaves what was there in force. Nothing of this
//! is made, and no thread or timer runs, where a component speaks plain text.

mod client;
mod config;
mod fresh;
mod peer;
mod pem;
mod policy;
mod server;
mod stream;
mod throttle;

pub use client::{Connector, Target};
pub use config::{ClientConfig, Read, ServerConfig};
pub use fresh::{Fresh, Watch, read};
pub use peer::{Ended, Peer, Vouched};
pub use server::{Acceptor, Listener, OwnEndpoint};
pub use stream::Stream;

#[cfg(test)]
mod tests;
