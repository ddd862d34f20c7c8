//! From what the user wrote to what the program uses, without touching anything.
//!
//! [`load_all`] reads the Collector's YAML shape into a [`Document`]: several [`Location`]s, merged, with references to the
//! environment and to files replaced; [`validate`] turns that into a [`Validated`]. Both say everything that is wrong, each
//! problem with file, line, column and path. Environment and files are reached through a [`Source`] only.

mod address;
mod auth;
mod canonical;
mod catalog;
mod check;
mod decode;
pub mod delivery;
mod document;
mod expand;
mod limits;
mod location;
mod merge;
mod nearest;
mod node;
mod print;
mod problem;
mod refused;
mod secret;
mod source;
pub mod telemetry;
pub mod time;
mod validate;
mod value;
pub mod watched;
mod yaml;

pub use address::without_userinfo;
pub use auth::Auth;
pub use catalog::{Catalog, Lookup};
pub use check::{Check, Files, Wrong};
pub use document::{Component, Document, DocumentPipeline, Reference, load, load_all};
pub use limits::Limits;
pub use location::{Location, LocationError};
pub use nearest::nearest;
pub use print::Mode;
pub use problem::{Errors, Position, Problem, Warning};
pub use refused::Refused;
pub use secret::Secret;
pub use source::{Map, Os, Source, read_text};
pub use telemetry::Telemetry;
pub use validate::{Junction, Pipeline, Validated, validate};
pub use value::Value;

#[cfg(test)]
mod tests;
