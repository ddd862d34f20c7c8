//! What another configuration changes, for the log.

use std::fmt::{self, Display};

/// Receivers, pipelines and exporters, each with its kind before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub kept: Vec<String>,
    pub replaced: Vec<String>,
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

impl Changes {
    pub(crate) fn kept(&mut self, kind: &str, id: &impl Display) {
        self.kept.push(format!("{kind} {id}"));
    }

    /// Something that is new, or takes the place of another of its name.
    pub(crate) fn made(&mut self, kind: &str, id: &impl Display, replaces: bool) {
        let list = if replaces { &mut self.replaced } else { &mut self.added };
        list.push(format!("{kind} {id}"));
    }

    pub(crate) fn removed(&mut self, kind: &str, id: &impl Display) {
        self.removed.push(format!("{kind} {id}"));
    }
}

impl Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists =
            [("kept", &self.kept), ("replaced", &self.replaced), ("added", &self.added), ("removed", &self.removed)];
        let told = lists.iter().filter(|(_, list)| !list.is_empty());
        for (i, (what, list)) in told.enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{what}: {}", list.join(", "))?;
        }
        Ok(())
    }
}
