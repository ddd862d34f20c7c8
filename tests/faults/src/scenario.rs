//! The scenarios: each starts collectors, breaks something, and ends with a verdict.

pub(crate) mod backlog;
pub(crate) mod full_backend;
pub(crate) mod kills;
pub(crate) mod otelcol;
pub(crate) mod random;
