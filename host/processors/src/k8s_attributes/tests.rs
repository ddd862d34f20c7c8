//! What becomes of sections, pods and data: no API server is asked here but one that is made up, and a real one where its
//! binary is.

mod enriching;
mod fake;
mod following;
mod harness;
mod holding;
mod properties;
mod real;
mod sections;
mod views;
