//! The quarantine keeps items that no module could process, as they were, until somebody looks at them. What no backend
//! takes is kept in the same form.
//!
//! It is one file of a folder that is its owner's alone. A collector appends to it and syncs what it appended before
//! anybody is told that the items were taken; `tidegate quarantine` reads it, and marks what was sent again. Both lock it
//! for as long as they write. What lies in it is what senders sent: nothing was scrubbed from it.

mod file;
mod frame;
mod record;
mod store;

pub use file::{AccessError, Contents, compact, contents, finish, read};
pub use record::{Content, Context, Poison, Record, by_name};
pub use store::{AddError, Limits, OpenError, Quarantine, Usage};

/// The name of the file in its folder.
pub const FILE: &str = "quarantine.tgq";
