//! The sandbox from the outside: modules written for each test, loaded, fed, swapped and provoked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there, helpers included")]

mod bad_guests;
mod faults;
mod limits;
mod loading;
mod offline;
mod poison;
mod processing;
mod pushed;
mod rig;
mod room;
mod swapping;
