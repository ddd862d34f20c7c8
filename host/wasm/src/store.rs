//! A store is what one instance runs in. There is one way to make one, and it always sets the limits: memory, tables,
//! time and output.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use crate::bindings::{self, counters, log};
use crate::budget::Budget;
use crate::config::Limits;
use crate::engine::Engine;
use crate::room::Room;
use crate::voice::{self, Severity, Voice};

#[cfg(test)]
mod tests;

/// Names that one call may count under; more are left out by the module's voice in any case.
const NAMES_PER_CALL: usize = 64;
const MIB: usize = 1 << 20;

/// What the host functions and limits of one instance work on.
pub(crate) struct State {
    memory: Memory,
    budget: Budget,
    voice: Arc<Voice>,
    digest: Arc<str>,
    /// Whether what the guest says is thrown away: in a self-test.
    sunk: bool,
    counted: BTreeMap<String, u64>,
}

impl State {
    /// Before each call.
    pub(crate) fn begin(&mut self, budget: Budget) {
        self.memory.refused = None;
        self.budget = budget;
    }

    pub(crate) fn set_sunk(&mut self, sunk: bool) {
        self.sunk = sunk;
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Exports what the call counted, or forgets it where the call failed: it is done again, or counts for nothing.
    pub(crate) fn settle(&mut self, succeeded: bool) {
        let counted = std::mem::take(&mut self.counted);
        if succeeded && !self.sunk {
            for (name, value) in counted {
                self.voice.count(&name, value);
            }
        }
    }
}

/// Makes a store for one instance.
pub(crate) fn store(engine: &Engine, limits: &Limits, voice: &Arc<Voice>, digest: &Arc<str>) -> Store<State> {
    let state = State {
        memory: Memory::new(limits.memory_mib as usize * MIB, Arc::clone(engine.room())),
        budget: Budget::start(Duration::ZERO),
        voice: Arc::clone(voice),
        digest: Arc::clone(digest),
        sunk: false,
        counted: BTreeMap::new(),
    };
    let mut store = Store::new(engine.wasmtime(), state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(limits.output_mib as usize * MIB);
    store.epoch_deadline_callback(|store| {
        if store.data().budget.is_spent() {
            return Err(wasmtime::Error::new(OutOfTime));
        }
        Ok(UpdateDeadline::Continue(1))
    });
    store.set_epoch_deadline(1);
    store
}

/// The linker knows the two interfaces of the contract and nothing else.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    bindings::Processor::add_to_linker::<_, wasmtime::component::HasSelf<_>>(&mut linker, |state: &mut State| state)?;
    Ok(linker)
}

/// The guest was ended since its time was spent.
#[derive(Debug, thiserror::Error)]
#[error("the time for the call was spent")]
pub(crate) struct OutOfTime;

/// How much linear memory an instance has, and may have.
pub(crate) struct Memory {
    room: Arc<Room>,
    limit: usize,
    used: usize,
    /// What the last growth added.
    grown: usize,
    refused: Option<Refusal>,
}

/// Why a guest did not get more memory; what it did then, it did for want of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It has all that it may have.
    Limit,
    /// All instances together have.
    Room,
}

impl Memory {
    fn new(limit: usize, room: Arc<Room>) -> Self {
        Memory { room, limit, used: 0, grown: 0, refused: None }
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn refused(&self) -> Option<Refusal> {
        self.refused
    }

    fn grow(&mut self, by: usize) -> Result<(), Refusal> {
        if self.used.saturating_add(by) > self.limit {
            return Err(Refusal::Limit);
        }
        if !self.room.take(by) {
            return Err(Refusal::Room);
        }
        self.used += by;
        self.grown = by;
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.room.give(self.used);
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self.grow(desired.saturating_sub(current));
        self.refused = grown.err().or(self.refused);
        Ok(grown.is_ok())
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        let grown = std::mem::take(&mut self.grown);
        self.used -= grown;
        self.room.give(grown);
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) {
        if self.sunk {
            return;
        }
        let severity = match level {
            log::Level::Debug => Severity::Debug,
            log::Level::Info => Severity::Info,
            log::Level::Warn => Severity::Warn,
            log::Level::Error => Severity::Error,
        };
        self.voice.say(&self.digest, severity, &message);
    }
}

impl counters::Host for State {
    fn add(&mut self, name: String, value: u64) {
        if let Some(sum) = self.counted.get_mut(&name) {
            *sum = sum.saturating_add(value);
        } else if self.counted.len() < NAMES_PER_CALL && voice::is_name(&name) {
            self.counted.insert(name, value);
        } else {
            // No name: the voice counts it as left out. What is none is not kept, since it may be of any length.
            self.counted.insert(String::new(), 1);
        }
    }
}

impl bindings::types::Host for State {}
