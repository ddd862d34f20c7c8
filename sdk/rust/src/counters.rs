//! The module's own counters, which the host exports among the collector's.

/// Adds to the counter of this name: letters, digits and underscores. A call to the host, so add up first.
#[cfg(target_family = "wasm")]
pub fn add(name: &str, value: u64) {
    crate::bindings::tidegate::processor::counters::add(name, value);
}

/// Adds to the counter of this name, for a test to look at.
#[cfg(all(not(target_family = "wasm"), feature = "testing"))]
pub fn add(name: &str, value: u64) {
    crate::testing::record_count(name, value);
}

/// Outside a module and its tests there is no host that would count.
#[cfg(all(not(target_family = "wasm"), not(feature = "testing")))]
pub fn add(_: &str, _: u64) {}
