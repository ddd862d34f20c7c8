//! What is embedded: the SDKs, their templates and the contract, by their paths from the root of the repository.

/// Path and contents.
type File = (&'static str, &'static [u8]);

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The contract.
pub(crate) const WIT: &str = include_str!("../../../wit/processor.wit");

/// What answers WASI inside of a component.
pub(crate) const STUB: &str = include_str!("../../../sdk/stub/wasi.wat");

/// The files under a folder, by their paths from there.
pub(crate) fn under(folder: &str) -> impl Iterator<Item = File> {
    FILES.iter().filter_map(move |(path, contents)| Some((path.strip_prefix(folder)?.strip_prefix('/')?, *contents)))
}
