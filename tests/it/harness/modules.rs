//! Modules for the tests, good and broken: made from the bundled ones and from the contract, with no compiler at hand.

use std::fs;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The bundled module of this name, as `cargo xtask guests` built it.
pub(crate) fn bundled(name: &str) -> Vec<u8> {
    let path = Path::new(REPOSITORY).join("target/guests/components").join(format!("{name}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask guests`", path.display()))
}

/// `pii-scrub`, built so that it tells which build it is: its detector `us_ssn` has another name.
pub(crate) fn scrubber(build: u8) -> Vec<u8> {
    let module = bundled("pii-scrub");
    let (from, to) = (b"us_ssn", detector(build));
    let at: Vec<usize> = module.windows(from.len()).enumerate().filter(|(_, at)| at == from).map(|(i, _)| i).collect();
    assert_eq!(at.len(), 1, "the detector's name stands once in the module");
    let mut patched = module;
    patched[at[0]..at[0] + from.len()].copy_from_slice(to.as_bytes());
    patched
}

/// The name of the detector in [`scrubber`].
pub(crate) fn detector(build: u8) -> String {
    format!("us_s{build:02}")
}

/// A module of the right shape that traps on each call.
pub(crate) fn trapping() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(Path::new(REPOSITORY).join("wit")).expect("the contract parses");
    let world = resolve.select_world(&[package], Some("processor")).expect("the contract has the world");
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("the world is encoded");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module).expect("the module is one");
    encoder.encode().expect("the module fits the world")
}

/// A module that was built for another version of the contract.
pub(crate) fn of_another_version(module: &[u8]) -> Vec<u8> {
    renamed(module, b"@0.2.0", b"@0.9.0")
}

/// A module that imports what no host has, in place of the interface by which it logs.
pub(crate) fn with_a_foreign_import(module: &[u8]) -> Vec<u8> {
    renamed(module, b"tidegate:processor/log@", b"strange0:processor/log@")
}

/// A module in which another name of the same length stands wherever this one does.
fn renamed<const N: usize>(module: &[u8], from: &[u8; N], to: &[u8; N]) -> Vec<u8> {
    let mut patched = module.to_vec();
    let places: Vec<usize> = module.windows(N).enumerate().filter(|(_, at)| at == from).map(|(i, _)| i).collect();
    assert!(!places.is_empty(), "the module has such a name");
    for at in places {
        patched[at..at + N].copy_from_slice(to);
    }
    patched
}

/// The first half of a module.
pub(crate) fn truncated(module: &[u8]) -> Vec<u8> {
    module[..module.len() / 2].to_vec()
}
