//! What a module asked for and what its operator allows.

/// One field that a module wants to see: a path and the patterns that make a cell of it interesting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub path: String,
    pub patterns: Vec<String>,
    /// What messages call the patterns; empty where that is nothing in particular.
    pub names: Vec<String>,
}

/// What an instance may remember.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    None,
    Rebuildable,
}

/// A module's request, for one signal and configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub reads: Vec<Read>,
    /// Paths, and the words `drop` and `route`.
    pub writes: Vec<String>,
    pub routes: Vec<String>,
    pub state: State,
}

/// The ceiling that an operator sets: a plan that asks for more is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Paths, or `*` for every path.
    pub reads: Vec<String>,
    /// Paths and the words `drop` and `route`, or `*` for everything.
    pub writes: Vec<String>,
}
