//! A projector is a plan compiled for one signal: what it reads of a payload, found in one walk.

mod compile;
mod dictionary;
mod pack;
mod print;
mod table;
mod walk;
mod within;

use std::sync::Arc;

use host_otlp::{Payload, Signal};

use crate::allowance::Allowance;
use crate::meter::{Meter, Overrun, Unmetered};
use crate::path::{Path, PathError};
use crate::pattern::{PatternError, Patterns};
use crate::plan::{Cells, Grants, Plan};
use crate::projection::Projection;
use table::Table;
pub(crate) use table::{LEVELS, row};

/// What a plan may ask of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Reads, writes and routes, each.
    pub paths: usize,
    /// Patterns in all reads together; one read has 64 at most.
    pub patterns: usize,
    /// Bytes of one pattern's source.
    pub pattern_length: usize,
    /// Bytes of the compiled patterns of all reads together; reads with the same patterns share them.
    pub pattern_size: usize,
    /// Bytes that the columns of one batch may take.
    pub room: usize,
    /// Bytes that one script may add to a payload.
    pub growth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            paths: 256,
            patterns: 1024,
            pattern_length: 4096,
            pattern_size: 16 << 20,
            room: 128 << 20,
            growth: 64 << 20,
        }
    }
}

/// Why a plan was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("a grant is no path: {0}")]
    Grant(PathError),
    #[error("the plan {verb} `{path}`, which {signal} do not have")]
    Signal { verb: &'static str, path: String, signal: Signal },
    #[error("the plan {verb} `{path}`, which is not granted; granted are: {granted}")]
    Ungranted { verb: &'static str, path: String, granted: String },
    #[error("`{path}` is a map; read `{path}[*]`, `{path}[**]` or one key of it")]
    Map { path: String },
    #[error("`{path}` cannot be read as `{}`: {why}", cells.name())]
    Cells { path: String, cells: Cells, why: &'static str },
    #[error("the plan writes `{path}`, which follows from what the row holds and can only be read")]
    ReadOnly { path: String },
    #[error("`{path}` has patterns but holds no text")]
    NoText { path: String },
    #[error("{}", fault.of(name.as_deref().unwrap_or(&format!("`{path}`: pattern {}", fault.index()))))]
    Pattern { path: String, name: Option<String>, fault: PatternError },
    #[error("a read may have at most {limit} patterns, and `{path}` has {found}")]
    PatternsOfRead { path: String, found: usize, limit: usize },
    #[error("compiling the patterns of the plan took longer than it may")]
    Overrun,
    #[error("the plan has {found} {what}, more than the limit of {limit}")]
    Many { what: &'static str, found: usize, limit: usize },
    #[error("the plan names routes but does not ask to `route`; add that word to its writes")]
    Routes,
}

/// A plan, compiled for one signal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Projector {
    compiled: Arc<Compiled>,
}

/// What a projector and its projections share.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) signal: Signal,
    pub(crate) plan: Plan,
    pub(crate) reads: Vec<Read>,
    /// By position in the plan; words have none.
    pub(crate) writes: Vec<Option<Path>>,
    pub(crate) may_drop: bool,
    pub(crate) may_route: bool,
    /// Bytes that the columns of one batch may take.
    room: usize,
    /// Bytes that one script may add to a payload.
    pub(crate) growth: usize,
    pub(crate) table: Table,
    /// Whether unknown fields are taken out before the walk.
    strips: bool,
    sets: Vec<Arc<Patterns>>,
}

/// One read, compiled.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) path: Path,
    pub(crate) cells: Cells,
    /// None where the guest wants every cell. Reads with the same patterns share them.
    pub(crate) patterns: Option<Arc<Patterns>>,
    /// Which of the plan's different sets of patterns that is.
    set: usize,
    /// Whether a write of the plan covers it.
    pub(crate) writable: bool,
    /// Whether its cells have keys.
    pub(crate) keyed: bool,
}

impl Projector {
    /// Compiles what a module asked for.
    ///
    /// # Errors
    /// The plan exceeds the grants or the limits, or names what does not exist.
    pub fn compile(signal: Signal, plan: &Plan, grants: &Grants, limits: &Limits) -> Result<Projector, PlanError> {
        Self::compile_within(signal, plan, grants, limits, &mut Unmetered)
    }

    /// The same for a plan that nobody vouches for: the meter is asked before each pattern.
    ///
    /// # Errors
    /// Those of [`Projector::compile`], or the meter ran out.
    pub fn compile_within(
        signal: Signal,
        plan: &Plan,
        grants: &Grants,
        limits: &Limits,
        meter: &mut dyn Meter,
    ) -> Result<Projector, PlanError> {
        let compiled = compile::compile(signal, plan, grants, limits, meter)?;
        Ok(Projector { compiled: Arc::new(compiled) })
    }

    /// Whether all that a plan asks for is granted.
    ///
    /// # Errors
    /// The first that is not, or that does not exist.
    pub fn allow(signal: Signal, plan: &Plan, grants: &Grants) -> Result<(), PlanError> {
        compile::allow(signal, plan, grants)
    }

    pub fn signal(&self) -> Signal {
        self.compiled.signal
    }

    /// The plan that this was compiled from.
    pub fn plan(&self) -> &Plan {
        &self.compiled.plan
    }

    /// Walks a payload of the projector's signal and packs what the plan reads.
    ///
    /// # Errors
    /// The meter or the room ran out; the caller's clone of the payload is unharmed.
    ///
    /// # Panics
    /// When the payload is of another signal: no input can cause that, only a wrongly built pipeline.
    pub fn project(&self, payload: Payload, meter: &mut dyn Meter) -> Result<Projection, Overrun> {
        let compiled = &self.compiled;
        assert_eq!(payload.signal(), compiled.signal, "a projector sees payloads of its own signal");
        let payload = match compiled.strips && payload.unknown_fields() > 0 {
            true => host_otlp::strip::unknown(payload),
            false => payload,
        };
        let walked = walk::walk(compiled, &payload, Allowance::new(meter, compiled.room))?;
        Ok(Projection::new(Arc::clone(compiled), payload, walked))
    }
}

#[cfg(test)]
mod tests;
