//! Servers that stand for backends that are not to be had here: each refuses what breaks the documented limits and shapes of
//! the one that it stands for, says why, and keeps what it took.

mod http;
mod json;

pub(crate) mod datadog;
pub(crate) mod splunk;

mod tests;
