//! From a plan and its grants to what the walk runs by.

use std::sync::Arc;

use host_otlp::Signal;

use super::table::Table;
use super::{Compiled, Limits, PlanError, Read};
use crate::meter::Meter;
use crate::path::{Class, Path, Reach};
use crate::pattern::{self, PatternError, Patterns};
use crate::plan::{self, Cells, Grants, Plan};

/// The words among the writes that are no paths: what becomes of rows, and what a module says besides its edits.
const DROP: &str = "drop";
const ROUTE: &str = "route";
const SAYS: [&str; 2] = ["log", "counters"];

/// The word that this is among the writes, and the verb that goes with it.
fn word(source: &str) -> Option<&'static str> {
    match source {
        DROP | ROUTE => Some("writes"),
        says if SAYS.contains(&says) => Some("uses"),
        _ => None,
    }
}

/// What is granted of one kind.
struct Granted<'a> {
    /// `*` is among them.
    all: bool,
    paths: Vec<Path>,
    sources: &'a [String],
}

impl Granted<'_> {
    fn parse(sources: &[String]) -> Result<Granted<'_>, PlanError> {
        let all = sources.iter().any(|source| source == "*");
        let named = sources.iter().filter(|source| *source != "*" && word(source).is_none());
        let paths = named.map(|source| Path::parse(source).map_err(PlanError::Grant)).collect::<Result<_, _>>()?;
        Ok(Granted { all, paths, sources })
    }

    fn path(&self, verb: &'static str, path: &Path) -> Result<(), PlanError> {
        let covered = self.all || self.paths.iter().any(|granted| granted.covers(path));
        if covered { Ok(()) } else { Err(self.refusal(verb, path.to_string())) }
    }

    fn word(&self, verb: &'static str, word: &str) -> Result<(), PlanError> {
        let covered = self.all || self.sources.iter().any(|source| source == word);
        if covered { Ok(()) } else { Err(self.refusal(verb, word.to_owned())) }
    }

    fn refusal(&self, verb: &'static str, path: String) -> PlanError {
        let granted = match self.sources {
            [] => "none".to_owned(),
            sources => sources.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", "),
        };
        PlanError::Ungranted { verb, path, granted }
    }
}

/// Whether all that a plan asks for is granted.
pub(super) fn allow(signal: Signal, plan: &Plan, grants: &Grants) -> Result<(), PlanError> {
    let granted = Granted::parse(&grants.writes)?;
    for source in &plan.writes {
        match word(source) {
            Some(verb) => granted.word(verb, source)?,
            None => granted.path("writes", &path_of("writes", source, signal)?)?,
        }
    }
    let granted = Granted::parse(&grants.reads)?;
    plan.reads.iter().try_for_each(|read| granted.path("reads", &path_of("reads", &read.path, signal)?))
}

pub(super) fn compile(
    signal: Signal,
    plan: &Plan,
    grants: &Grants,
    limits: &Limits,
    meter: &mut dyn Meter,
) -> Result<Compiled, PlanError> {
    bound("reads", plan.reads.len(), limits.paths)?;
    bound("writes", plan.writes.len(), limits.paths)?;
    bound("routes", plan.routes.len(), limits.paths)?;
    bound("patterns", plan.reads.iter().map(|read| read.patterns.len()).sum(), limits.patterns)?;

    allow(signal, plan, grants)?;
    let mut writes = Vec::with_capacity(plan.writes.len());
    for source in &plan.writes {
        if word(source).is_some() {
            writes.push(None);
            continue;
        }
        let path = path_of("writes", source, signal)?;
        if path.field().class == Class::Member {
            return Err(PlanError::ReadOnly { path: path.to_string() });
        }
        writes.push(Some(path));
    }

    let mut reads = Vec::with_capacity(plan.reads.len());
    let mut sets = Sets { sources: Vec::new(), compiled: Vec::new(), size: 0, limits, meter };
    for read in &plan.reads {
        let path = path_of("reads", &read.path, signal)?;
        reads.push(compile_read(path, read, &mut sets, &writes)?);
    }

    let asks = |word: &str| plan.writes.iter().any(|write| write == word);
    let (may_drop, may_route) = (asks(DROP), asks(ROUTE));
    if !plan.routes.is_empty() && !may_route {
        return Err(PlanError::Routes);
    }
    let strips = reads
        .iter()
        .any(|read| read.patterns.is_some() || read.path.reach() != Reach::Exact || read.cells != Cells::Scalars);
    let table = Table::new(signal, &reads, &writes, may_drop || may_route);
    let sets = sets.compiled;
    // What a column packs is counted in 32 bits.
    let (room, growth) = (limits.room.min(u32::MAX as usize), limits.growth);
    Ok(Compiled { signal, plan: plan.clone(), reads, writes, may_drop, may_route, room, growth, table, strips, sets })
}

fn bound(what: &'static str, found: usize, limit: usize) -> Result<(), PlanError> {
    if found > limit { Err(PlanError::Many { what, found, limit }) } else { Ok(()) }
}

fn path_of(verb: &'static str, source: &str, signal: Signal) -> Result<Path, PlanError> {
    let path = Path::parse(source)?;
    match path.exists_in(signal) {
        true => Ok(path),
        false => Err(PlanError::Signal { verb, path: path.to_string(), signal }),
    }
}

/// The plan's different sets of patterns: many a plan has the same for all of its reads.
struct Sets<'a> {
    sources: Vec<&'a [String]>,
    compiled: Vec<Arc<Patterns>>,
    /// Bytes that they take.
    size: usize,
    limits: &'a Limits,
    meter: &'a mut dyn Meter,
}

impl<'a> Sets<'a> {
    /// The position of a set, which is compiled where it is new.
    fn position(&mut self, sources: &'a [String]) -> Result<usize, PatternError> {
        if let Some(known) = self.sources.iter().position(|known| *known == sources) {
            return Ok(known);
        }
        let left = self.limits.pattern_size.saturating_sub(self.size);
        let compiled = Patterns::compile(sources, self.limits.pattern_length, left, self.meter)?;
        self.size += compiled.memory_usage();
        self.sources.push(sources);
        self.compiled.push(Arc::new(compiled));
        Ok(self.compiled.len() - 1)
    }
}

fn compile_read<'a>(
    path: Path,
    read: &'a plan::Read,
    sets: &mut Sets<'a>,
    writes: &[Option<Path>],
) -> Result<Read, PlanError> {
    let (patterns, cells) = (&read.patterns, read.cells);
    let class = path.field().class;
    let bare = path.keys().is_empty() && path.reach() == Reach::Exact;
    if class == Class::Map && bare {
        return Err(PlanError::Map { path: path.to_string() });
    }
    if let Some(why) = unfit(&path, read) {
        return Err(PlanError::Cells { path: path.to_string(), cells, why });
    }
    let writable = writes.iter().flatten().any(|write| write.covers(&path));
    if patterns.is_empty() {
        return Ok(Read { path, cells, patterns: None, set: 0, writable, keyed: !bare });
    }
    let is_text = matches!(class, Class::Text | Class::Texts | Class::Map | Class::Any);
    if !is_text && class.id().is_none() {
        return Err(PlanError::NoText { path: path.to_string() });
    }
    if patterns.len() > pattern::MOST {
        return Err(PlanError::PatternsOfRead { path: path.to_string(), found: patterns.len(), limit: pattern::MOST });
    }
    let set = sets.position(patterns).map_err(|fault| match fault {
        PatternError::Overrun => PlanError::Overrun,
        fault => {
            let name = read.names.get(fault.index()).filter(|name| !name.is_empty()).cloned();
            PlanError::Pattern { path: path.to_string(), name, fault }
        }
    })?;
    let patterns = Some(Arc::clone(&sets.compiled[set]));
    Ok(Read { path, cells, patterns, set, writable, keyed: !bare })
}

/// Why the cells of a path do not cross in the form that is asked for, where they do not.
fn unfit(path: &Path, read: &plan::Read) -> Option<&'static str> {
    let whole = matches!(read.cells, Cells::Whole | Cells::Composites);
    let bare = path.keys().is_empty() && path.reach() == Reach::Exact;
    let rules = [
        (read.cells != Cells::Scalars && !matches!(path.field().class, Class::Map | Class::Any), "it is of one type"),
        (whole && path.reach() == Reach::Deep, "`[**]` has the texts in a value, not the value"),
        (read.cells == Cells::Composites && !read.patterns.is_empty(), "there is no text that patterns could match"),
        (read.cells == Cells::Whole && bare && !read.patterns.is_empty(), "it has no key that patterns could match"),
    ];
    rules.into_iter().find(|(broken, _)| *broken).map(|(_, why)| why)
}
