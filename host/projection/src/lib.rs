//! What a guest may see of a payload, packed in columns, and the edits that it gave back, applied.
//!
//! A [`Projector`] is compiled once from a module's [`Plan`] and the operator's [`Grants`]. It walks a payload, packs the
//! cells that the plan reads into a [`Batch`] and remembers where each lies; a [`Script`] that comes back is checked
//! against the grants and spliced in, in one pass. No I/O happens here, and no wasmtime.

mod allowance;
pub mod apply;
pub mod batch;
pub mod meter;
mod pair;
pub mod path;
pub mod pattern;
pub mod plan;
pub mod projection;
pub mod projector;
pub mod script;

#[cfg(test)]
mod testing;

pub use apply::{EditError, EditFault, Routed};
pub use batch::{Batch, Column, Level, Packed, Part, PatternMatch, Rows, Values};
pub use meter::{Meter, Overrun, Unmetered};
pub use plan::{Cells, Grants, Plan, Read, State};
pub use projection::Projection;
pub use projector::{Limits, PlanError, Projector};
pub use script::{Edit, Mode, Script, Slice, Value};
