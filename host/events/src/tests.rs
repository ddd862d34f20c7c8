//! What is told of events, in which order, and how often.

mod config;
mod harness;
mod intake;
mod real;
mod records;
