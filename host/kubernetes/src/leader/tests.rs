//! What elections come to, where all is well and where it is not.

mod config;
mod electing;
mod fake;
mod real;
