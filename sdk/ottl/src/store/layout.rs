//! What is asked of the host: each field and map that a program names, in the cheapest way that serves all its uses.

use sdk_collector::attribute;
use sdk_collector::pattern::Pattern;
use tidegate_sdk::{Batch, Level, Plan, ReadId, Value, WriteId};

use super::{Entry, Row, Slot};
use crate::path::Class;
use crate::value::Val;

/// Everything that a program names.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(crate) fields: Vec<Field>,
    pub(crate) maps: Vec<Map>,
    pub(crate) matchers: Vec<Matcher>,
}

/// What is done with a field or map.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Its value is looked at.
    pub(crate) is_read: bool,
    pub(crate) is_written: bool,
    /// It is looked at where one of these matches in it, and only there.
    pub(crate) patterns: Vec<Pattern>,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) path: &'static str,
    pub(crate) level: Level,
    pub(crate) class: Class,
    pub(crate) uses: Uses,
    read: Option<ReadId>,
    pub(crate) write: Option<WriteId>,
}

/// One map of attributes.
#[derive(Debug)]
pub(crate) struct Map {
    pub(crate) path: &'static str,
    pub(crate) level: Level,
    /// Uses of the map as such.
    pub(crate) uses: Uses,
    /// The keys that are named, and whether their values are looked at.
    pub(crate) keys: Vec<(String, bool)>,
    reads: Reads,
    pub(crate) write: Option<WriteId>,
}

/// How a map is read.
#[derive(Debug)]
enum Reads {
    /// By key, as far as keys are looked at.
    Keys(Vec<ReadId>),
    /// As a whole, or by its patterns.
    All(ReadId),
}

/// Patterns that the host looks for in a field or attribute, of which nothing else is asked.
#[derive(Debug)]
pub(crate) struct Matcher {
    path: String,
    level: Level,
    /// Whether its values may be of any type.
    is_any: bool,
    pub(crate) patterns: Vec<Pattern>,
    scalars: Option<ReadId>,
    composites: Option<ReadId>,
}

/// As many patterns as a read may have.
pub(crate) const PATTERNS: usize = 64;

/// Keys that get a read of their own; beyond that the map is read as a whole.
const KEYS: usize = 48;

impl Layout {
    /// The number of a field, which is added where it is new.
    pub(crate) fn field(&mut self, path: &'static str, level: Level, class: Class) -> usize {
        self.fields.iter().position(|field| field.path == path).unwrap_or_else(|| {
            self.fields.push(Field { path, level, class, uses: Uses::default(), read: None, write: None });
            self.fields.len() - 1
        })
    }

    /// The number of a map, which is added where it is new.
    pub(crate) fn map(&mut self, path: &'static str, level: Level) -> usize {
        self.maps.iter().position(|map| map.path == path).unwrap_or_else(|| {
            let (uses, reads) = (Uses::default(), Reads::Keys(Vec::new()));
            self.maps.push(Map { path, level, uses, keys: Vec::new(), reads, write: None });
            self.maps.len() - 1
        })
    }

    /// The matcher and the number in it of a pattern on a path, which must not match where nothing is.
    pub(crate) fn matcher(&mut self, path: String, level: Level, is_any: bool, pattern: Pattern) -> (usize, usize) {
        let same = |matcher: &Matcher| matcher.path == path && matcher.patterns.len() < PATTERNS;
        let at = self.matchers.iter().position(same).unwrap_or_else(|| {
            let (patterns, scalars, composites) = (Vec::new(), None, None);
            self.matchers.push(Matcher { path, level, is_any, patterns, scalars, composites });
            self.matchers.len() - 1
        });
        let patterns = &mut self.matchers[at].patterns;
        patterns.push(pattern);
        (at, patterns.len() - 1)
    }

    /// Asks the host for all of it.
    pub(crate) fn plan(&mut self, plan: &mut Plan) {
        self.fields.iter_mut().for_each(|field| field.plan(plan));
        self.maps.iter_mut().for_each(|map| map.plan(plan));
        self.matchers.iter_mut().for_each(|matcher| matcher.plan(plan));
    }

    /// The levels that it names.
    pub(crate) fn levels(&self) -> impl Iterator<Item = Level> {
        let fields = self.fields.iter().map(|field| field.level);
        let maps = self.maps.iter().map(|map| map.level);
        fields.chain(maps).chain(self.matchers.iter().map(|matcher| matcher.level))
    }

    /// Whether something at a level is read.
    pub(crate) fn reads_at(&self, level: Level) -> bool {
        self.fields.iter().any(|field| field.level == level && field.read.is_some())
            || self.maps.iter().any(|map| map.level == level && map.is_read())
            || self.matchers.iter().any(|matcher| matcher.level == level)
    }
}

impl Uses {
    /// Adds a use that is only of where a pattern matches; its number.
    pub(crate) fn add_pattern(&mut self, pattern: &Pattern) -> usize {
        self.patterns.push(pattern.clone());
        self.patterns.len() - 1
    }

    /// Whether the host looks for the patterns, so that only what matches one of them crosses over.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.is_read && (1..=PATTERNS).contains(&self.patterns.len())
    }

    fn for_host(&self) -> Vec<tidegate_sdk::Pattern> {
        self.patterns.iter().map(Pattern::for_host).collect()
    }
}

impl Field {
    fn plan(&mut self, plan: &mut Plan) {
        if self.uses.is_filtered() {
            self.read = Some(plan.read_matching(self.path, self.uses.for_host()));
        } else if self.uses.is_read || !self.uses.patterns.is_empty() {
            self.read = Some(match self.class {
                Class::Any => plan.read_whole(self.path, [] as [&str; 0]),
                _ => plan.read(self.path),
            });
        }
        if self.uses.is_written {
            self.write = Some(plan.write(self.path));
        }
    }

    /// What a row has that has not this field: OTLP leaves defaults out.
    fn absent<'a>(&self) -> Val<'a> {
        match self.class {
            Class::Text => Val::Text("".into()),
            Class::Int | Class::Int32 | Class::Uint32 => Val::Int(0),
            Class::Bool => Val::Bool(false),
            Class::Double => Val::Double(0.0),
            Class::TraceId => Val::Bytes((&[0; 16]).into()),
            Class::SpanId => Val::Bytes((&[0; 8]).into()),
            Class::Any | Class::Number => Val::Nil,
        }
    }

    pub(super) fn load<'a>(&self, batch: &Batch<'a>) -> Vec<Slot<'a>> {
        let mut slots = vec![Slot::absent(self.absent()); batch.count(self.level) as usize];
        for cell in self.read.into_iter().flat_map(|read| batch.cells(read)) {
            let Some(slot) = slots.get_mut(cell.row() as usize) else { continue };
            let empty_id = self.class.id().is_some() && matches!(cell.value(), Value::Bytes([]));
            let value = if empty_id { self.absent() } else { Val::of_cell(cell.value()) };
            *slot = Slot { cell: Some(cell.id()), value, has_changed: false, matches: cell.matches() };
        }
        slots
    }
}

impl Map {
    /// Notes that a key is named, and whether its value is looked at.
    pub(crate) fn use_key(&mut self, key: &str, is_read: bool) {
        match self.keys.iter_mut().find(|(known, _)| known == key) {
            Some((_, read)) => *read |= is_read,
            None => self.keys.push((key.to_owned(), is_read)),
        }
    }

    /// Whether all that a row has under this key is known.
    pub(crate) fn knows(&self, key: &str) -> bool {
        match self.reads {
            Reads::All(_) => true,
            Reads::Keys(_) => self.keys.iter().any(|(known, is_read)| *is_read && known == key),
        }
    }

    /// Whether the host looks for patterns in it, so that only what matches one of them crosses over.
    pub(crate) fn is_filtered(&self) -> bool {
        self.uses.is_filtered() && self.keys.is_empty()
    }

    fn is_read(&self) -> bool {
        !matches!(&self.reads, Reads::Keys(reads) if reads.is_empty())
    }

    fn plan(&mut self, plan: &mut Plan) {
        let all = || [self.path, "[*]"].concat();
        let read_keys = self.keys.iter().filter(|(_, is_read)| *is_read);
        self.reads = if self.is_filtered() {
            Reads::All(plan.read_matching(all(), self.uses.for_host()))
        } else if self.uses.is_read || !self.uses.patterns.is_empty() || read_keys.clone().count() > KEYS {
            // Whatever its keys: a filter would hide what is under them.
            self.uses.is_read = true;
            Reads::All(plan.read_whole(all(), [] as [&str; 0]))
        } else {
            let read = |(key, _): &(String, bool)| plan.read_whole(attribute(self.path, key), [] as [&str; 0]);
            Reads::Keys(read_keys.map(read).collect())
        };
        if self.uses.is_written {
            self.write = Some(plan.write(all()));
        }
    }

    pub(super) fn load<'a>(&'a self, batch: &Batch<'a>) -> Vec<Row<'a>> {
        let mut rows: Vec<Row<'a>> = vec![Row::default(); batch.count(self.level) as usize];
        let mut put = |cell: &tidegate_sdk::Cell<'a>, key: &'a str| {
            if let Some(row) = rows.get_mut(cell.row() as usize) {
                row.entries.push(Entry::of_cell(key, cell));
            }
        };
        match &self.reads {
            Reads::All(read) => batch.cells(*read).for_each(|cell| put(&cell, cell.key().unwrap_or_default())),
            Reads::Keys(reads) => {
                let keys = self.keys.iter().filter(|(_, is_read)| *is_read);
                for (read, (key, _)) in reads.iter().zip(keys) {
                    batch.cells(*read).for_each(|cell| put(&cell, key));
                }
            }
        }
        rows
    }
}

impl Matcher {
    fn plan(&mut self, plan: &mut Plan) {
        let patterns = self.patterns.iter().map(Pattern::for_host);
        if self.is_any {
            self.scalars = Some(plan.read_printed(self.path.as_str(), patterns));
            self.composites = Some(plan.read_composites(self.path.as_str()));
        } else {
            self.scalars = Some(plan.read_matching(self.path.as_str(), patterns));
        }
    }

    pub(super) fn load(&self, batch: &Batch<'_>) -> Vec<u64> {
        let matches = |text: &str| {
            let each = self.patterns.iter().enumerate();
            let found = each.filter(|(_, pattern)| pattern.regex().is_some_and(|regex| regex.is_match(text)));
            found.fold(0, |bits, (at, _)| bits | 1 << at)
        };
        let mut rows = vec![0; batch.count(self.level) as usize];
        for cell in self.scalars.into_iter().flat_map(|read| batch.cells(read)) {
            if let Some(row) = rows.get_mut(cell.row() as usize) {
                *row = cell.matches().iter().fold(0, |bits, found| bits | 1 << found.pattern);
            }
        }
        for cell in self.composites.into_iter().flat_map(|read| batch.cells(read)) {
            if let (Some(row), Some(text)) = (rows.get_mut(cell.row() as usize), Val::of_cell(cell.value()).printed()) {
                *row = matches(&text);
            }
        }
        rows
    }
}
