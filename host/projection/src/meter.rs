//! A meter says when the time that a processor may take for one batch is spent.

/// Asked every few dozen cells and every 64 KiB of scanned text, by the walk and by the edits.
pub trait Meter {
    /// Whether the budget is spent; the work in hand is then given up.
    fn spent(&mut self) -> bool;
}

/// What a batch may take was spent before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time or the memory that one batch may take was spent before the host was done with it")]
pub struct Overrun;

/// A meter that never runs out: for tests, benches and the self-test of a module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unmetered;

impl Meter for Unmetered {
    fn spent(&mut self) -> bool {
        false
    }
}
