//! The native processors.
