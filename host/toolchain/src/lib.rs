//! Makes modules: a new project in each language of the SDKs, and a component of it by the language's own tool.
//!
//! A project is a folder with a `module.yaml`. [`create`] writes one, with the SDK in it, so that nothing but the language's tool
//! is needed to build it; [`build`] runs that tool, and makes of what it gives a component that imports nothing but the contract;
//! [`test`](fn@test) runs the project's own tests.
//!
//! What happens is told on standard error, as cargo does it.

mod language;

mod manifest;

mod embedded;

mod create;

mod build;

mod test;

pub mod component;

mod tool;

mod error;

pub use build::{build, output};
pub use create::create;
pub use error::Error;
pub use language::Language;
pub use manifest::Manifest;
pub use test::test;
pub use tool::rust::{Crate, flags, has_std};

#[cfg(test)]
mod tests;
