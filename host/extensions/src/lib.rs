//! Extensions: who may send to a receiver, and how an exporter shows who it is.
//!
//! What they know lies in the configuration or in files, and a file that changes is read anew. Nothing that is secret is
//! logged or stands in a message.

pub mod basic_auth;
pub mod bearer_token_auth;
pub mod headers_setter;
mod lines;
pub mod oauth2_client;

use std::path::Path;

use host_component::ComponentId;
use host_config::Wrong;
use host_telemetry::Metrics;

/// What an extension is built with besides its configuration.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    pub id: &'a ComponentId,
    /// The folder that paths start from.
    pub base: &'a Path,
    pub metrics: &'a Metrics,
}

impl Deps<'_> {
    /// How the log and metrics name it.
    fn owner(&self) -> String {
        self.id.to_string()
    }
}

/// Why what an extension would send cannot stand in a header.
fn no_header(key: &str) -> Wrong {
    Wrong::new(key, "it cannot stand in a header: printable ASCII on one line is expected")
}
