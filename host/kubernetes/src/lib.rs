//! How the collector asks the API server of Kubernetes. The only crate that sees `kube`.
//!
//! A question has no deadline of its own: whoever asks sets one. Nothing is asked twice, either; who wants that asks again.
//! Objects that are followed are asked for until that fails, and asked for anew where nothing is heard of them for too long.

mod access;
mod api;
mod kind;
pub mod objects;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;

pub use access::{Access, AccessError, AuthType};
pub use api::{Api, ApiError, Identity};
pub use kind::Kind;
pub use watch::{Scope, Seen, Server};
