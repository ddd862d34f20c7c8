//! Write Tidegate processors in Rust.
