//! The graph between receivers and exporters: edges, fan-out, routes, acknowledgement, drain.
