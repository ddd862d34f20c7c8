//! A component is made of a core module: described by the contract, with what it wants of WASI answered inside.

use std::fs;
use std::path::Path;

use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::Resolve;

use crate::{Error, embedded};

/// What a module may import: the two interfaces with functions, and the types of the contract by name.
const IMPORTS: [&str; 8] = [
    "tidegate:processor/log@0.2.0",
    "tidegate:processor/counters@0.2.0",
    "tidegate:processor/types@0.2.0",
    "signal",
    "plan",
    "context",
    "batch",
    "script",
];

/// What a module has to export.
const EXPORTS: [&str; 2] = ["configure", "process"];

const WASI: &str = "wasi_snapshot_preview1";

/// Makes a component of a core module that says nothing of the contract, as a compiler for WASI gives it.
///
/// # Errors
/// It does not have the functions of the contract, or imports something else.
pub fn of_core(core: &[u8]) -> Result<Vec<u8>, Error> {
    let mut core = core.to_vec();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("processor.wit", embedded::WIT).map_err(Error::component)?;
    let world = resolve.select_world(&[package], Some("processor")).map_err(Error::component)?;
    wit_component::embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
        .map_err(Error::component)?;
    of_described_core(&core)
}

/// Makes a component of a core module that describes itself, as wit-bindgen for Rust has it.
///
/// # Errors
/// As [`of_core`].
pub fn of_described_core(core: &[u8]) -> Result<Vec<u8>, Error> {
    let stub = wat::parse_str(embedded::STUB).map_err(Error::component)?;
    ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|encoder| encoder.adapter(WASI, &stub))
        .and_then(ComponentEncoder::encode)
        .map_err(Error::component)
}

/// A module gets nothing but its contract: one that imports more is refused here, before a host would refuse it.
///
/// # Errors
/// It is no component, or not one of the contract.
pub fn check(component: &[u8]) -> Result<(), Error> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component).map_err(Error::component)? else {
        return Err(Error::NoComponent);
    };
    let world = &resolve.worlds[world];
    for key in world.imports.keys() {
        let name = resolve.name_world_key(key);
        if !IMPORTS.contains(&name.as_str()) {
            return Err(Error::Imports(name));
        }
    }
    let exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    match EXPORTS.iter().find(|wanted| !exports.iter().any(|name| name == *wanted)) {
        Some(missing) => Err(Error::LacksExport(missing)),
        None => Ok(()),
    }
}

/// Writes a component where a host may look for it. A file that is the same already is left alone.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, component: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|old| old == component) {
        return Ok(());
    }
    // Renamed into place, so that a collector that watches the folder never reads half of it.
    let part = path.with_extension("wasm.part");
    let written = fs::write(&part, component).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| Error::Write { path: path.to_owned(), error })
}
