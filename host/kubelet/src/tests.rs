//! What this crate promises: which metrics come of what the kubelet answers, and how it is asked.

mod api;
mod asking;
mod damage;
mod documents;
mod harness;
mod table;
mod trouble;
