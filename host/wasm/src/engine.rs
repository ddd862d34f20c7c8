//! The engine is the one wasmtime engine of a process: how modules are compiled, where their memories lie, and the tick
//! that wakes the check of a guest's time.
//!
//! The engine that compiles (in the child) and the one that runs share [`base`], so that what the one makes the other
//! takes; only the place of memories differs, and that is no part of the native code.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::{Config, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::room::Room;

/// How often a running guest's time is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A guest's stack; native frames included.
const STACK_BYTES: usize = 512 << 10;

/// A guest that needs more function pointers than this is none that we have met: Python's has about 10,000.
const TABLE_ELEMENTS: usize = 100_000;

/// A component is a few core modules; Python's are the most, 38: a dozen libraries, and a stub for each interface of WASI.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;

/// What is fixed when the process starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceilings {
    /// Instances of all modules together.
    pub(crate) instances: u32,
    /// The largest memory that one instance may be allowed.
    pub(crate) memory_bytes: usize,
    /// The memory of all instances together.
    pub(crate) total_memory_bytes: usize,
}

/// The engine could not be made: the machine lacks the address space, or something that wasmtime needs.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(
        "the sandbox cannot start: {0:#}; it reserves 4 GiB of address space for each instance that there may be: lower modules.limits.instances, or raise the limit (`ulimit -v`)"
    )]
    Engine(wasmtime::Error),
    #[error("the sandbox cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The engine with its tick and its room. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Engine {
    inner: wasmtime::Engine,
    ticker: Arc<Ticker>,
    room: Arc<Room>,
}

impl Engine {
    pub(crate) fn new(ceilings: Ceilings) -> Result<Self, EngineError> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(ceilings.instances)
            .total_core_instances(ceilings.instances.saturating_mul(4))
            .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
            .total_memories(ceilings.instances)
            .max_memories_per_component(4)
            .max_memory_size(ceilings.memory_bytes)
            .total_tables(ceilings.instances.saturating_mul(2))
            .max_tables_per_component(CORE_INSTANCES_PER_COMPONENT)
            .table_elements(TABLE_ELEMENTS)
            .max_unused_warm_slots(0);
        let mut config = base();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let inner = wasmtime::Engine::new(&config).map_err(EngineError::Engine)?;
        let ticker = Ticker::start(inner.weak())?;
        Ok(Engine { inner, ticker: Arc::new(ticker), room: Arc::new(Room::new(ceilings.total_memory_bytes)) })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    pub(crate) fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Keeps the tick going until the guard is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        self.ticker.enter();
        Running(&self.ticker)
    }

    /// Tells native code that this engine takes from other native code: wasmtime's version, its settings and the CPU.
    pub(crate) fn compatibility(&self) -> u64 {
        compatibility(&self.inner)
    }
}

/// The engine of the child that compiles: nothing ever runs in it.
pub(crate) fn compiling() -> Result<wasmtime::Engine, EngineError> {
    wasmtime::Engine::new(&base()).map_err(EngineError::Engine)
}

pub(crate) fn compatibility(engine: &wasmtime::Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// What both engines have in common.
///
/// Guests are pure: the same input gives the same output on every machine, hence canonical NaNs and no relaxed SIMD.
/// What no guest language here needs is off, since each proposal is more that can be wrong in the compiler.
fn base() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(STACK_BYTES)
        .wasm_simd(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(8))
        .memory_init_cow(true);
    config
}

/// Advances the engine's epoch while guests run, and sleeps while none does.
struct Ticker {
    shared: Arc<Shared>,
    thread: thread::Thread,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    ended: AtomicBool,
}

impl Ticker {
    fn start(engine: EngineWeak) -> Result<Self, EngineError> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("guest-tick".to_owned()).spawn(move || {
            while !theirs.ended.load(Ordering::Acquire) {
                if theirs.running.load(Ordering::Acquire) == 0 {
                    thread::park();
                    continue;
                }
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Ticker { shared, thread: thread.thread().clone() })
    }

    fn enter(&self) {
        if self.shared.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
    }

    fn leave(&self) {
        self.shared.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A guest is running while this is held.
pub(crate) struct Running<'a>(&'a Ticker);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests;
