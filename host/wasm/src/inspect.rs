//! The inspection reads what a component imports and exports before anything compiles it, so that a file that is no
//! module of ours gets a sentence of its own.
//!
//! It looks at the outer component only and validates nothing: the compiler does.

use serde::Serialize;
use wasmparser::{
    BinaryReaderError, ComponentExternalKind, ComponentTypeRef, CustomSectionReader, Encoding, KnownCustom, Parser,
    Payload,
};

use crate::bindings::{PACKAGE, VERSION};

const INTERFACES: [&str; 3] = ["types", "log", "counters"];
const EXPORTS: [&str; 2] = ["configure", "process"];
/// A component that names more tools than this does not mean to tell by what it was made.
const PRODUCERS: usize = 32;

/// Why a file is no module for this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    #[error("the module has {bytes} bytes, more than the limit of {limit} (modules.limits.component_mib)")]
    Size { bytes: u64, limit: u64 },
    #[error("the file is empty")]
    Empty,
    #[error("the file is no WebAssembly: it does not start with its magic number")]
    NoWasm,
    #[error(
        "the file is a core WebAssembly module, not a component: make one of it with the SDK's build, or `wasm-tools \
         component new`"
    )]
    CoreModule,
    #[error("the module is damaged or cut off: {0}")]
    Damaged(String),
    #[error("the module was built for {found}, this host speaks {VERSION}: build it with this host's SDK")]
    Version { found: String },
    #[error(
        "the module imports {0}, which no module gets: it may import tidegate:processor's log and counters, nothing else"
    )]
    ForeignImport(String),
    #[error("the module does not export `{0}`: it was not built for the world tidegate:processor/processor")]
    NoExport(&'static str),
}

/// What a component tells of itself without being compiled. Names are a stranger's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub bytes: u64,
    /// The sizes of the core modules inside.
    pub core_modules: Vec<u64>,
    /// What it imports; names of types are none.
    pub imports: Vec<String>,
    /// The functions that it exports.
    pub exports: Vec<String>,
    /// What it was made of and with, as far as its sections `producers` say.
    pub producers: Vec<Producer>,
}

/// An entry of a section `producers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Producer {
    /// `language`, `sdk` or `processed-by`.
    pub field: String,
    pub name: String,
    /// May be empty.
    pub version: String,
}

impl Facts {
    /// The contract that the component was built for, with its version.
    pub fn contract(&self) -> Option<String> {
        let interfaces = self.imports.iter().filter_map(|import| import.split_once('/'));
        let mut versions = interfaces.filter_map(|(package, interface)| Some((package, interface.split_once('@')?.1)));
        versions.find(|(package, _)| *package == PACKAGE).map(|(package, version)| format!("{package}@{version}"))
    }
}

/// Reads the outside of the component in `bytes`.
pub(crate) fn inspect(bytes: &[u8], limit: u64) -> Result<Facts, InspectError> {
    let size = bytes.len() as u64;
    if size > limit {
        return Err(InspectError::Size { bytes: size, limit });
    }
    if bytes.is_empty() {
        return Err(InspectError::Empty);
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(InspectError::NoWasm);
    }
    let facts = Facts::read(bytes)?;
    facts.imports.iter().try_for_each(|import| check_import(import))?;
    for export in EXPORTS {
        if !facts.exports.iter().any(|function| function == export) {
            return Err(InspectError::NoExport(export));
        }
    }
    Ok(facts)
}

impl Facts {
    fn read(bytes: &[u8]) -> Result<Self, InspectError> {
        let mut facts = Facts { bytes: bytes.len() as u64, ..Facts::default() };
        // Modules and components inside are walked too, one level deeper each.
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                    return Err(InspectError::CoreModule);
                }
                Payload::ModuleSection { unchecked_range, .. } => {
                    facts.core_modules.push(unchecked_range.len() as u64);
                    depth += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                Payload::CustomSection(section) => facts.note_producers(&section),
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        let import = import?;
                        // A world's own names for types are imports, too: nothing comes in by them.
                        if !matches!(import.ty, ComponentTypeRef::Type(_)) {
                            facts.imports.push(import.name.name.to_owned());
                        }
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export?;
                        if export.kind == ComponentExternalKind::Func {
                            facts.exports.push(export.name.name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(facts)
    }

    /// What is wrong with such a section is nobody's trouble: nothing but this reads it.
    fn note_producers(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Producers(fields) = section.as_known() else { return };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                let (field, name, version) = (field.name.to_owned(), value.name.to_owned(), value.version.to_owned());
                let producer = Producer { field, name, version };
                if self.producers.len() < PRODUCERS && !self.producers.contains(&producer) {
                    self.producers.push(producer);
                }
            }
        }
    }
}

fn check_import(import: &str) -> Result<(), InspectError> {
    let foreign = || InspectError::ForeignImport(import.to_owned());
    let (package, rest) = import.split_once('/').ok_or_else(foreign)?;
    if package != PACKAGE {
        return Err(foreign());
    }
    let (interface, version) = rest.split_once('@').unwrap_or((rest, "no version"));
    if version != VERSION {
        return Err(InspectError::Version { found: format!("{PACKAGE}@{version}") });
    }
    if !INTERFACES.contains(&interface) {
        return Err(foreign());
    }
    Ok(())
}

impl From<BinaryReaderError> for InspectError {
    fn from(error: BinaryReaderError) -> Self {
        InspectError::Damaged(error.to_string())
    }
}

#[cfg(test)]
mod tests;
