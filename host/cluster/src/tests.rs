//! What is told of the objects of a cluster.

mod config;
mod harness;
mod objects;
mod properties;
mod real;
mod store;
