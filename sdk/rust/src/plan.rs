//! A plan is what a processor asks the host for: fields to read, fields to write, routes.

use crate::bindings::tidegate::processor::types;

/// A field of the plan that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadId(pub(crate) u32);

/// A field of the plan that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteId(pub(crate) u32);

/// A route of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteId(pub(crate) u32);

/// A regular expression that the host runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    name: String,
}

impl Pattern {
    /// A pattern that comes from the configuration: where it is wrong, the operator reads `name` and the reason. Name the
    /// key, as in `patterns[0].regex`.
    pub fn named(name: impl Into<String>, source: impl Into<String>) -> Pattern {
        Pattern { source: source.into(), name: name.into() }
    }
}

impl From<&str> for Pattern {
    fn from(source: &str) -> Pattern {
        Pattern::named("", source)
    }
}

impl From<String> for Pattern {
    fn from(source: String) -> Pattern {
        Pattern::named("", source)
    }
}

/// What a processor needs; made once, in `configure`.
///
/// Paths are those of OTTL: `log.body`, `resource.attributes["cluster.id"]`, `span.attributes[*]` for each value of the
/// map, `log.attributes[**]` for every text, byte string and map key in it, however deep.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(crate) packed: types::Plan,
}

impl Plan {
    /// A plan that asks for nothing.
    pub fn new() -> Plan {
        let packed =
            types::Plan { reads: Vec::new(), writes: Vec::new(), routes: Vec::new(), state: types::State::None };
        Plan { packed }
    }

    /// Every cell of this path.
    pub fn read(&mut self, path: impl Into<String>) -> ReadId {
        self.read_matching(path, [] as [String; 0])
    }

    /// The cells of this path in which one of the patterns matches: the host runs them, in the syntax of Rust's `regex`
    /// with ASCII classes, and hands over their offsets. It is the host that finds a pattern wrong, too: a [`Pattern`] may
    /// have a name for that.
    pub fn read_matching<P: Into<Pattern>>(
        &mut self,
        path: impl Into<String>,
        patterns: impl IntoIterator<Item = P>,
    ) -> ReadId {
        self.read_as(types::Cells::Scalars, path.into(), patterns)
    }

    /// The cells of this path as text, numbers and truth values printed, in which one of the patterns matches. What is no
    /// text itself can be replaced and not spliced.
    pub fn read_printed<P: Into<Pattern>>(
        &mut self,
        path: impl Into<String>,
        patterns: impl IntoIterator<Item = P>,
    ) -> ReadId {
        self.read_as(types::Cells::Printed, path.into(), patterns)
    }

    /// Attributes with values of any type, lists and maps encoded: all, or those in whose key one of the patterns matches.
    pub fn read_whole<P: Into<Pattern>>(
        &mut self,
        path: impl Into<String>,
        keys: impl IntoIterator<Item = P>,
    ) -> ReadId {
        self.read_as(types::Cells::Whole, path.into(), keys)
    }

    /// Lists, maps and values without a member, encoded, and nothing else.
    pub fn read_composites(&mut self, path: impl Into<String>) -> ReadId {
        self.read_as(types::Cells::Composites, path.into(), [] as [String; 0])
    }

    fn read_as<P: Into<Pattern>>(
        &mut self,
        cells: types::Cells,
        path: String,
        patterns: impl IntoIterator<Item = P>,
    ) -> ReadId {
        let mut read = types::Read { path, patterns: Vec::new(), names: Vec::new(), cells };
        for pattern in patterns {
            let Pattern { source, name } = pattern.into();
            read.patterns.push(source);
            read.names.push(name);
        }
        self.packed.reads.push(read);
        ReadId(self.packed.reads.len() as u32 - 1)
    }

    /// Edits may touch this path.
    pub fn write(&mut self, path: impl Into<String>) -> WriteId {
        self.packed.writes.push(path.into());
        WriteId(self.packed.writes.len() as u32 - 1)
    }

    /// Edits may drop rows.
    pub fn drop_rows(&mut self) {
        self.word("drop");
    }

    /// Edits may send rows to the route of this name; asking twice gives the same route.
    pub fn route(&mut self, name: &str) -> RouteId {
        self.word("route");
        let routes = &mut self.packed.routes;
        let at = routes.iter().position(|known| known == name).unwrap_or_else(|| {
            routes.push(name.to_owned());
            routes.len() - 1
        });
        RouteId(at as u32)
    }

    /// The instance remembers what it can afford to lose at a swap: there is then just one.
    pub fn remember(&mut self) {
        self.packed.state = types::State::Rebuildable;
    }

    /// What the host gets.
    #[doc(hidden)]
    pub fn packed(&self) -> &types::Plan {
        &self.packed
    }

    fn word(&mut self, word: &str) {
        if !self.packed.writes.iter().any(|known| known == word) {
            self.packed.writes.push(word.to_owned());
        }
    }
}

impl Default for Plan {
    fn default() -> Plan {
        Plan::new()
    }
}
