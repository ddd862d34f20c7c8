//! A processor is what a module's author writes: a configuration turned into a plan, and a batch turned into edits.

use serde::de::DeserializeOwned;

use crate::{Batch, Context, Edits, Error, Plan, Signal};

/// One instance of a processor, for one signal and configuration.
pub trait Processor: Sized {
    /// What the operator writes under `config`. Give it `#[serde(deny_unknown_fields)]`, so that a misspelled key is told.
    type Config: DeserializeOwned;

    /// Takes the configuration: once, before any batch.
    ///
    /// # Errors
    /// The configuration asks for what the processor cannot do; the message names the key at fault, see [`Error::at`].
    fn configure(signal: Signal, config: Self::Config) -> Result<(Self, Plan), Error>;

    /// Takes one batch. What this call does depends on its arguments alone, unless the plan says that the instance
    /// remembers something.
    ///
    /// # Errors
    /// The batch fails as a whole and is handled by the processor's failure policy.
    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error>;
}
