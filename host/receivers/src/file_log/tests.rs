//! The receiver on real files, with a pipeline that answers as it is told.

mod copies;
mod harness;
mod limits;
mod lines;
mod model;
mod operators;
mod owner_steps;
mod reading;
mod rotation;
mod rotation_steps;
mod steps;
mod storage;
