//! What the bundled processors of the Collector share: patterns in Go's syntax, the actions on attributes, and the
//! conditions of `include` and `exclude`.

pub mod pattern;

pub mod actions;

pub mod matching;

pub mod by_row;

pub mod number;

mod path;

pub use path::attribute;
