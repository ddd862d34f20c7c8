//! Native receivers.
