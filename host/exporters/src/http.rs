//! HTTP to a backend: a request at a time, over connections that are kept for the next one, and what it answered.

mod answer;
mod body;
mod client;
mod compression;
mod connector;
mod headers;

pub(crate) use self::answer::Answer;
pub(crate) use self::client::{Client, Connections, endpoint};
pub use self::compression::{CompressionParams, HttpCompression};
pub(crate) use self::connector::host;
pub(crate) use self::headers::headers;
