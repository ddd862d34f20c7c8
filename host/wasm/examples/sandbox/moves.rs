//! The moves between the types of the contract and those of the projection: the sandbox's own, on the types of the guests.

use tidegate_sdk::bindings::tidegate::processor::types;

#[path = "../../src/bindings/back.rs"]
pub(crate) mod back;
#[path = "../../src/bindings/from_guest.rs"]
pub(crate) mod from_guest;
#[path = "../../src/bindings/to_guest.rs"]
pub(crate) mod to_guest;
