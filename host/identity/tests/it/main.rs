//! Verdicts on arbitrary requests in arbitrary encodings, held against what prost reads in what was let in.

mod claims;
#[path = "../../../otlp/tests/it/entropy.rs"]
mod entropy;
#[path = "../../../otlp/tests/it/generate.rs"]
mod generate;
#[path = "../../../otlp/tests/it/mutate.rs"]
mod mutate;
mod odd;
mod property;
