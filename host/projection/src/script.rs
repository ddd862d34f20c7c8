//! The edit script as a guest gives it back: the types of `wit/processor.wit`, field by field. Nothing in it is trusted.

use crate::batch::Level;

/// A piece of the script's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slice {
    pub start: u32,
    pub end: u32,
}

/// A value that an edit writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Text(Slice),
    Bytes(Slice),
    Signed(i64),
    Double(f64),
    Boolean(bool),
    /// An `AnyValue`, encoded.
    Encoded(Slice),
}

/// When an upsert writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Upsert,
    Insert,
    Update,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    Splice { cell: u32, start: u32, end: u32, with: Slice },
    Replace { cell: u32, value: Value },
    Remove { cell: u32 },
    Upsert { write: u32, first_row: u32, end_row: u32, key: Slice, value: Value, mode: Mode },
    Drop { level: Level, first_row: u32, end_row: u32 },
    Route { level: Level, first_row: u32, end_row: u32, route: u32 },
    Erase { write: u32, first_row: u32, end_row: u32, key: Slice },
}

/// Everything that one call changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    pub edits: Vec<Edit>,
    pub text: Vec<u8>,
}
