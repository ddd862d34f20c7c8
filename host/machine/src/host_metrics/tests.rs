//! Scrapers on a tree of files that a test writes, and on those of this machine.

mod config;
mod fixture;
mod machine;
mod parse;
mod scrapers;
