//! Tests of what stands in `store`: its promises, one sentence each.

use std::sync::Arc;

use host_telemetry::Metrics;
use wasmtime::ResourceLimiter;

use super::{Memory, NAMES_PER_CALL, Refusal, State, Store, store};
use crate::bindings::counters::Host;
use crate::config::Limits;
use crate::engine::{Ceilings, Engine};
use crate::room::Room;
use crate::voice::Voice;

fn empty() -> Store<State> {
    let ceilings = Ceilings { instances: 1, memory_bytes: 1 << 20, total_memory_bytes: 1 << 20 };
    let voice = Arc::new(Voice::new("module", 100, &Metrics::new()));
    store(&Engine::new(ceilings).unwrap(), &Limits::default(), &voice, &"digest".into())
}

#[test]
fn names_of_counters_cost_no_memory_beyond_what_names_may_have() {
    let mut store = empty();
    let state = store.data_mut();
    for n in 0..NAMES_PER_CALL * 2 {
        state.add(format!("{n}{}", "x".repeat(1 << 20)), 1);
        state.add(format!("c{n}"), 1);
    }
    let kept: usize = state.counted.keys().map(String::capacity).sum();
    assert!(kept < 4096, "{kept}");
    assert!(state.counted.len() <= NAMES_PER_CALL + 1);
    assert_eq!(state.counted["c3"], 1);
}

#[test]
fn memory_has_a_limit_of_its_own_and_one_that_all_share() {
    let room = Arc::new(Room::new(100));
    let (mut one, mut other) = (Memory::new(70, Arc::clone(&room)), Memory::new(70, Arc::clone(&room)));
    assert!(one.memory_growing(0, 60, None).unwrap());
    assert!(!one.memory_growing(60, 71, None).unwrap());
    assert_eq!(one.refused(), Some(Refusal::Limit));
    assert!(!other.memory_growing(0, 60, None).unwrap());
    assert_eq!(other.refused(), Some(Refusal::Room));
    drop(one);
    assert!(other.memory_growing(0, 60, None).unwrap());
    other.memory_grow_failed(wasmtime::Error::msg("no pages")).unwrap();
    assert_eq!(other.used(), 0);
    assert!(room.take(100));
}
