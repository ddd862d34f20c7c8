//! Write Tidegate processors in Rust.
//!
//! A processor says once, in [`Processor::configure`], which fields it reads and writes; for each batch it sees the cells
//! that it asked for and answers with edits. It unit-tests natively, with [`testing`] in the host's place.
//!
//! ```
//! use serde::Deserialize;
//! use tidegate_sdk::{Batch, Context, Edits, Error, Plan, Processor, ReadId, Signal};
//!
//! /// Turns what looks like a PIN in a log body into stars.
//! struct Pins {
//!     body: ReadId,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     digits: u32,
//! }
//!
//! impl Processor for Pins {
//!     type Config = Config;
//!
//!     fn configure(_: Signal, config: Config) -> Result<(Self, Plan), Error> {
//!         if config.digits == 0 {
//!             return Err(Error::at("digits", "has to be 1 or more"));
//!         }
//!         let mut plan = Plan::new();
//!         let body = plan.read_matching("log.body", [format!(r"\b\d{{{}}}\b", config.digits)]);
//!         plan.write("log.body");
//!         Ok((Pins { body }, plan))
//!     }
//!
//!     fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
//!         let stars = edits.text("****");
//!         for cell in batch.cells(self.body) {
//!             for found in cell.matches() {
//!                 edits.splice(cell.id(), found.range(), stars);
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! tidegate_sdk::export!(Pins);
//! ```

// The bindings and the export macro name this crate as its users do.
extern crate self as tidegate_sdk;

mod processor;

mod any;

mod plan;

mod context;

mod batch;

mod edits;

mod config;

mod error;

pub mod log;

pub mod counters;

pub mod glob;

mod export;

#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
#[expect(clippy::too_many_arguments, reason = "what is generated lifts records field by field")]
pub mod bindings;

pub use any::Any;
pub use batch::{Batch, Cell, CellId, Cells, Column, Cut, Value};
pub use bindings::tidegate::processor::types::{Level, Mode, Part, PatternMatch, Signal};
pub use context::Context;
pub use edits::{Content, Edits, NewValue, Text};
pub use error::Error;
pub use plan::{Pattern, Plan, ReadId, RouteId, WriteId};
pub use processor::Processor;

#[doc(hidden)]
pub use export::Instance;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use export::tell_panics;
#[doc(hidden)]
pub use wit_bindgen;
