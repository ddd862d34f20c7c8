//! Runs a processor natively, without a host: batches built from plain values, edits applied to show the result.
//!
//! ```
//! # use tidegate_sdk::{Batch, Context, Edits, Error, Plan, Processor, ReadId, Signal};
//! # struct Pins(ReadId);
//! # impl Processor for Pins {
//! #     type Config = serde_json::Value;
//! #     fn configure(_: Signal, _: Self::Config) -> Result<(Self, Plan), Error> {
//! #         let mut plan = Plan::new();
//! #         let body = plan.read_matching("log.body", [r"\b\d{4}\b"]);
//! #         plan.write("log.body");
//! #         Ok((Pins(body), plan))
//! #     }
//! #     fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
//! #         for cell in batch.cells(self.0) {
//! #             for found in cell.matches() {
//! #                 edits.splice(cell.id(), found.range(), "****");
//! #             }
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! use tidegate_sdk::testing::{TestBatch, Tester, json};
//!
//! let mut pins = Tester::<Pins>::new(Signal::Logs, &json!({ "digits": 4 })).unwrap();
//! let before = TestBatch::logs().resource(json!({})).log("the PIN is 1234", json!({ "user": "ada" }));
//! let after = pins.process(&before).unwrap();
//! assert_eq!(after.field("log", 0, "body"), Some(&"the PIN is ****".into()));
//! ```
//!
//! It stands in for the host as far as a unit test needs it; the host's limits are not kept.

mod build;

mod otlp;

mod path;

mod project;

mod apply;

mod show;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::bindings::tidegate::processor::types;
use crate::log::Level;
use crate::{Error, Instance, Processor, Signal};

pub use crate::Any;
pub use build::TestBatch;
pub use serde_json::json;

use path::Path;

#[cfg(test)]
mod tests;

thread_local! {
    static RECORD: RefCell<Record> = RefCell::default();
}

#[derive(Default)]
struct Record {
    lines: Vec<(Level, String)>,
    counters: BTreeMap<String, u64>,
}

pub(crate) fn record_line(level: Level, message: &str) {
    RECORD.with_borrow_mut(|record| record.lines.push((level, message.to_owned())));
}

pub(crate) fn record_count(name: &str, value: u64) {
    RECORD.with_borrow_mut(|record| *record.counters.entry(name.to_owned()).or_default() += value);
}

/// One configured instance of a processor, with a host around it that knows plain values.
pub struct Tester<P> {
    instance: Instance<P>,
    plan: types::Plan,
    context: types::Context,
    calls: usize,
    written: usize,
}

impl<P: Processor> Tester<P> {
    /// Configures the processor, with what would stand under `config` in the YAML.
    ///
    /// # Errors
    /// The processor refuses the configuration, or its plan names a path that does not parse.
    pub fn new(signal: Signal, config: &(impl ToString + ?Sized)) -> Result<Tester<P>, Error> {
        let mut instance = Instance::new();
        let plan = instance.configure(signal, &config.to_string())?;
        let paths = plan.reads.iter().map(|read| &read.path).chain(&plan.writes);
        for path in paths.filter(|path| !matches!(path.as_str(), "drop" | "route")) {
            Path::parse(signal, path)?;
        }
        RECORD.take();
        let context = types::Context { now: 0, seed: 0, cluster: None, metadata: Vec::new() };
        Ok(Tester { instance, plan, context, calls: 0, written: 0 })
    }

    /// Sets the context's `now`, in nanoseconds since the Unix epoch.
    pub fn at(mut self, now: u64) -> Self {
        self.context.now = now;
        self
    }

    /// Binds the batches that follow to a cluster.
    pub fn in_cluster(mut self, cluster: &str) -> Self {
        self.context.cluster = Some(cluster.to_owned());
        self
    }

    /// Adds request metadata.
    pub fn with_metadata(mut self, key: &str, value: &str) -> Self {
        self.context.metadata.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Hands a batch to the processor, as the host would, and applies its edits.
    ///
    /// # Errors
    /// The processor fails the batch, or one of its edits is wrong.
    pub fn process(&mut self, batch: &TestBatch) -> Result<TestBatch, Error> {
        let projected = project::project(batch, &self.plan);
        if !projected.needs_guest {
            return Ok(batch.clone());
        }
        self.calls += 1;
        let script = self.instance.process(self.context.clone(), &projected.packed).map_err(Error::new)?;
        self.written = script.text.len();
        apply::apply(batch, &self.plan, &projected, &script)
    }

    /// The paths that the plan reads, without their patterns.
    pub fn reads(&self) -> Vec<&str> {
        self.plan.reads.iter().map(|read| read.path.as_str()).collect()
    }

    /// The paths and words that the plan writes.
    pub fn writes(&self) -> Vec<&str> {
        self.plan.writes.iter().map(String::as_str).collect()
    }

    /// How often the processor was called: not for batches in which no pattern matched.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// How many bytes the edits of the last call wrote, which count towards the host's limit of a call's output.
    pub fn written(&self) -> usize {
        self.written
    }

    /// What the processor counted since the last call of this, by name.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        RECORD.with_borrow_mut(|record| std::mem::take(&mut record.counters))
    }

    /// The lines that the processor logged since the last call of this.
    pub fn lines(&self) -> Vec<(Level, String)> {
        RECORD.with_borrow_mut(|record| std::mem::take(&mut record.lines))
    }
}
