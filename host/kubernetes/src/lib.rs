//! How the collector asks the API server of Kubernetes. The only crate that sees `kube`.
//!
//! A question has no deadline of its own: whoever asks sets one. Nothing is asked twice, either; who wants that asks again.
//! Objects that are followed are asked for until that fails, and asked for anew where nothing is heard of them for too long.

mod access;
mod api;
mod following;
pub mod image;
mod kind;
pub mod leader;
pub mod objects;
pub mod quantity;
#[cfg(feature = "testing")]
pub mod testing;
mod watch;
mod writing;

pub use access::{Access, AccessError, AuthType};
pub use api::{Api, ApiError, Identity};
pub use following::{Pauses, missing_rule};
pub use kind::Kind;
pub use watch::{Scope, Seen, Server, Whole};
pub use writing::Written;
