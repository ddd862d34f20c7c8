//! The truth of the writer: where each line lies, since when, and when what it lay in was gone.

use std::time::Instant;

/// Agents that follow the same files.
pub(super) const AGENTS: usize = 2;

/// When a cell began; moments are milliseconds since then, and one more, so that 0 is none.
#[derive(Clone, Copy)]
pub(super) struct Epoch(Instant);

impl Epoch {
    pub(super) fn new() -> Self {
        Epoch(Instant::now())
    }

    pub(super) fn now(self) -> u32 {
        self.0.elapsed().as_millis() as u32 + 1
    }
}

pub(super) struct Line {
    pub(super) body: usize,
    pub(super) bytes: u32,
    pub(super) at: u32,
}

/// What lines lie in: content that is moved, copied and packed, and one day gone.
#[derive(Clone, Default)]
pub(super) struct Body {
    /// When it stood under a name that the agents' pattern matches.
    pub(super) from: u32,
    pub(super) until: Option<u32>,
    pub(super) gone: Option<Gone>,
}

#[derive(Clone, Copy)]
pub(super) struct Gone {
    pub(super) at: u32,
    /// The agents that had it open, and so have it still.
    pub(super) held: [bool; AGENTS],
}

#[derive(Default)]
pub(super) struct Truth {
    /// Of each file, in the order in which they were written.
    pub(super) lines: Vec<Vec<Line>>,
    pub(super) bodies: Vec<Body>,
    pub(super) rotations: u64,
    /// The longest that the writer was kept from its work, in milliseconds: so late may the agents be, too.
    pub(super) stall: u32,
}

impl Truth {
    pub(super) fn new_body(&mut self, from: u32) -> usize {
        self.bodies.push(Body { from, ..Body::default() });
        self.bodies.len() - 1
    }

    pub(super) fn count(&self) -> u64 {
        self.lines.iter().map(|lines| lines.len() as u64).sum()
    }
}
