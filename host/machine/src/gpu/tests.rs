//! The receiver over a stand-in for the library, loaded as the real one is, and a kubelet that says who has what.

mod collecting;
mod config;
mod driver;
mod kubelet;
mod standin;
