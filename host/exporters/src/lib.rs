//! Native exporters.
