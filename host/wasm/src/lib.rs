//! The sandbox: engine, module store, guest pool and generations. The only crate that sees wasmtime.
