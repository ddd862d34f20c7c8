//! The property of this crate: for each payload that the check lets in, views, edits, concatenation, splitting and
//! stripping agree with what `opentelemetry-proto` decodes.

mod entropy;
mod flat;
mod generate;
mod mutate;
mod patches;
mod reread;

mod agree;
mod concatenate;
mod edit;
mod json;
mod schema;
mod split;
mod strip;
