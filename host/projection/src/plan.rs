//! What a module asked for and what its operator allows.

/// One field that a module wants to see: a path and the patterns that make a cell of it interesting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    pub path: String,
    pub patterns: Vec<String>,
    /// What messages call the patterns; empty where that is nothing in particular.
    pub names: Vec<String>,
    pub cells: Cells,
}

/// Which values of a read cross over, and in which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// Scalars, each as what it is.
    #[default]
    Scalars,
    /// Scalars as text.
    Printed,
    /// Values of every type; patterns are run over keys.
    Whole,
    /// Lists, maps and values without a member.
    Composites,
}

impl Cells {
    /// As a message names them.
    pub fn name(self) -> &'static str {
        match self {
            Cells::Scalars => "scalars",
            Cells::Printed => "printed",
            Cells::Whole => "whole",
            Cells::Composites => "composites",
        }
    }
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
    /// Paths, the words `drop` and `route`, and `log` and `counters` where the module imports them.
    pub writes: Vec<String>,
    pub routes: Vec<String>,
    pub state: State,
}

/// The ceiling that an operator sets: a plan that asks for more is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Paths, or `*` for every path.
    pub reads: Vec<String>,
    /// Paths and the words `drop`, `route`, `log` and `counters`, or `*` for everything.
    pub writes: Vec<String>,
}
