//! Tests of what stands in `engine`: its promises, one sentence each.

use super::{Ceilings, Engine, compatibility, compiling};

#[test]
fn the_engine_that_compiles_and_the_one_that_runs_fit() {
    let running = Engine::new(Ceilings { instances: 2, memory_bytes: 1 << 20, total_memory_bytes: 1 << 20 }).unwrap();
    assert_eq!(running.compatibility(), compatibility(&compiling().unwrap()));
}
