//! OTLP/JSON, both ways, between its text and the encoded request: by the schema and with nothing in between.
//!
//! Keys are in camelCase, ids in hex, 64-bit integers text, enums numbers, bytes base64, and the doubles that JSON lacks
//! text. What is written has these forms; what is read may also have 64-bit integers as numbers, other numbers as text, and
//! enums by their names.
//! Keys that OTLP does not know are passed over and counted. A fault is told with its line and column.

mod read;
mod shape;
mod write;

pub use read::{ReadError, Request, read};
pub use write::write;

#[cfg(test)]
mod tests;
