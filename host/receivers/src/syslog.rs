//! The `syslog` receiver takes messages over TCP, with TLS or without, and over UDP.
//!
//! Nobody is told by syslog that a message has arrived. A connection is therefore read no faster than the pipeline takes what
//! came before, so that it is the sender who waits; what the kernel has to drop of datagrams meanwhile is counted.

mod addresses;
mod config;
mod framing;
mod receiver;
mod tcp;
mod udp;

pub use config::Config;
pub use receiver::{BuildError, SyslogReceiver};

/// How long a receiver that has to end waits for the runtime to know of what has come.
const LAST_MOMENT: std::time::Duration = std::time::Duration::from_millis(20);

/// For the fuzz targets: what is made of bytes that anybody may have sent. Each checks what has to hold.
pub mod probe {
    pub use super::framing::probe as frames;
    pub use crate::entries::operators::probe_syslog as message;
}

#[cfg(test)]
mod tests;
