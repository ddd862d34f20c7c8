//! The durable queue before an exporter: what was taken is on disk before its sender is told so.
//!
//! [`Durable`] is an exporter around another one. It writes each delivery to a [`Queue`], a folder of files, answers when the
//! disk has it, and hands the deliveries on in their order, each until it is done with: delivered, or given up and put away
//! as a dead letter. What is under way is in memory, and nothing else.

mod config;
mod durable;
mod letters;
mod lock;
pub mod offline;
mod progress;
mod queue;
mod record;
mod room;
mod segment;
mod storage;
mod store;
mod writer;

pub use self::config::Config;
pub use self::durable::{Durable, Manner};
pub use self::letters::Letter;
pub use self::queue::{OpenError, Queue, keep, make_storage};
pub use self::segment::VERSION;
pub use self::store::{OpenError as StoreError, Usage};

use std::time::{SystemTime, UNIX_EPOCH};

use host_component::ComponentId;

/// The folder of an exporter's queue, below that of its storage.
pub fn folder_name(r#type: &str, id: &ComponentId) -> String {
    let name = id.name().map(|name| format!("_{}", tame(name))).unwrap_or_default();
    format!("exporter_{type}{name}")
}

/// A name as it may stand in a path: whatever else there is becomes `~` and its number.
fn tame(name: &str) -> String {
    let tame = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => c.to_string(),
        other => format!("~{:x}~", u32::from(other)),
    };
    name.chars().map(tame).collect()
}

/// Nanoseconds since the Unix epoch.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
