//! Encoded OTLP in and out.

use anyhow::{Result, anyhow};
use host_component::Payload;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use crate::guests::Guests;
use crate::{Way, Work};

wasmtime::component::bindgen!({ path: "../../tests/guests/abi-bytes/wit", world: "bytes" });

pub(crate) fn way(guests: &Guests) -> Result<Way> {
    let engine = engine()?;
    let component = Component::new(&engine, &guests.bytes).map_err(|error| told(&error))?;
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let guest = Bytes::instantiate(&mut store, &component, &Linker::new(&engine)).map_err(|error| told(&error))?;
    let mut call =
        move |request: &Payload| guest.call_process(&mut store, &request.contiguous()).map_err(|error| told(&error));
    let run = move |requests: &[Payload]| Work::of(requests, &mut call);
    Ok(Way { name: "encoded OTLP in and out, read in place by the guest", run: Box::new(run) })
}

/// What changes the native code is as in the sandbox's own engine.
pub(crate) fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config.concurrency_support(false).epoch_interruption(true).cranelift_nan_canonicalization(true);
    Engine::new(&config).map_err(|error| told(&error))
}

/// The sandbox does without the feature of wasmtime that would do this.
pub(crate) fn told(error: &wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
