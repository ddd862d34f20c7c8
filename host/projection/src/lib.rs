//! What a guest may see of a payload, packed in columns, and the edits that it gave back, applied.
//!
//! A [`Projector`] is compiled once from a module's [`Plan`] and the operator's [`Grants`]. It walks a payload, packs the
//! cells that the plan reads into a [`Batch`] and remembers where each lies; a [`Script`] that comes back is checked
//! against the grants and spliced in, in one pass. No I/O happens here, and no wasmtime.

pub mod batch;
pub mod plan;
pub mod script;

pub use batch::{Batch, Column, Level, Packed, Part, PatternMatch, Rows, Values};
pub use plan::{Grants, Plan, Read, State};
pub use script::{Edit, Mode, Script, Slice, Value};
