//! OTTL, the Collector's transformation language: conditions and statements over the rows of a batch.
//!
//! A program is compiled once, into what the host is asked for and a tree that is run. All that it reads of a batch is
//! laid out in a [`store`], by field and row; statements change it there, and what differs at the end becomes edits. So a
//! statement sees what those before it have done, on whatever row, and a row that nothing changes costs no edit.

mod lex;

mod syntax;

mod parse;

mod context;

mod path;

mod value;

mod store;

mod compile;

mod expression;

mod function;

mod editor;

mod program;

mod config;

pub use config::{Groups, Mode};
pub use context::Context;
pub use program::{Conditions, Found, Statements};

#[cfg(test)]
mod tests;
