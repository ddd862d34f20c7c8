//! A collector for OpenTelemetry data whose processors are sandboxed WebAssembly components.
fn main() {}
