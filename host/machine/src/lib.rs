//! Receivers of what a machine tells of itself: `host_metrics`, its system as the kernel tells it, and `gpu`, its cards as
//! their driver does.

pub mod gpu;
pub mod host_metrics;

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("{id}: {wrong}")]
pub struct BuildError {
    pub id: host_component::ComponentId,
    pub wrong: host_config::Wrong,
}

#[cfg(test)]
mod testing;
