//! What a host keeps of pushed modules, what it makes of what the watch tells, and what is published; the rest is tested through the
//! binary, with a real API server.

mod changes;
mod config;
mod history;
mod publishing;
mod report;
mod store;
