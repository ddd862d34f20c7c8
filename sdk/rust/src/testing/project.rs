//! From plain values to the packed batch, as the host does it: reads found, patterns run, cells numbered.

use std::collections::HashMap;

use regex::Regex;

use super::build::{Row, TestBatch};
use super::path::{Path, Reach};
use crate::bindings::tidegate::processor::types::{self, Cells};
use crate::{Any, Level, Part, PatternMatch};

/// A batch as the guest gets it, and where each of its cells lies.
pub(super) struct Projected {
    pub(super) packed: types::Batch,
    /// By cell number.
    pub(super) places: Vec<Place>,
    /// Not where each read has patterns and none matched.
    pub(super) needs_guest: bool,
}

/// Where a cell lies: a row's field, and steps into its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) level: usize,
    pub(super) row: usize,
    pub(super) field: usize,
    /// Positions in maps and lists, from the outside in.
    pub(super) steps: Vec<usize>,
    /// Whether this is the key of the map's entry at the last step.
    pub(super) key: bool,
}

struct Found {
    place: Place,
    key: Option<String>,
    value: Any,
    matches: Vec<(u32, u32, u32)>,
    /// One more than the position of the nearest key around it; 0 for none.
    within: u32,
}

pub(super) fn project(batch: &TestBatch, plan: &types::Plan) -> Projected {
    let mut projected = Projected {
        packed: types::Batch {
            signal: batch.signal,
            levels: Vec::new(),
            dictionary: types::Packed { bytes: Vec::new(), ends: Vec::new() },
            columns: Vec::new(),
        },
        places: Vec::new(),
        needs_guest: plan.reads.is_empty() || plan.reads.iter().any(|read| read.patterns.is_empty()),
    };
    let mut dictionary = Vec::new();
    let mut compiled = HashMap::new();
    for (number, read) in plan.reads.iter().enumerate() {
        let path = Path::parse(batch.signal, &read.path).expect("paths were checked when the plan came");
        let patterns: Vec<Regex> = read
            .patterns
            .iter()
            .map(|pattern| compiled.entry(pattern).or_insert_with(|| compile(pattern)).clone())
            .collect();
        let mut found = Vec::new();
        for (row, values) in batch.rows(path.level).iter().enumerate() {
            find(&path, read.cells, row, values, &mut found);
        }
        if !patterns.is_empty() {
            found.retain_mut(|cell| scan(cell, read.cells, &patterns));
            projected.needs_guest |= !found.is_empty();
        }
        nest(&mut found);
        let keyed = !path.keys.is_empty() || path.reach != Reach::Exact;
        projected.pack(number as u32, keyed, &found, &mut dictionary);
    }
    for key in &dictionary {
        push(&mut projected.packed.dictionary, key);
    }
    projected.packed.levels = levels(batch);
    projected
}

/// Classes are ASCII, as the host has them; patterns that take any character (`.`) need them to be Unicode's here.
fn compile(pattern: &str) -> Regex {
    let ascii = Regex::new(&format!("(?-u){pattern}"));
    ascii.or_else(|_| Regex::new(pattern)).unwrap_or_else(|error| panic!("the pattern {pattern:?} is wrong: {error}"))
}

/// Collects the cells of one row.
fn find(path: &Path, cells: Cells, row: usize, values: &Row, found: &mut Vec<Found>) {
    let Some(field) = values.fields.iter().position(|(name, _)| *name == path.field) else { return };
    let place = Place { level: super::build::index(path.level), row, field, steps: Vec::new(), key: false };
    under(&path.keys, (path.reach, cells), &values.fields[field].1, &place, None, found);
}

/// Goes along the path's keys, then collects what its reach says.
fn under(
    keys: &[String],
    reach: (Reach, Cells),
    value: &Any,
    place: &Place,
    key: Option<&str>,
    found: &mut Vec<Found>,
) {
    if let [first, rest @ ..] = keys {
        let Any::Map(entries) = value else { return };
        for (at, (name, value)) in entries.iter().enumerate().filter(|(_, (name, _))| name == first) {
            under(rest, reach, value, &place.step(at), Some(name), found);
        }
        return;
    }
    let (reach, cells) = reach;
    match (reach, value) {
        (Reach::Exact, value) => collect(value, cells, place, key, found),
        (Reach::Values, Any::Map(entries)) => {
            for (at, (name, value)) in entries.iter().enumerate() {
                collect(value, cells, &place.step(at), Some(name), found);
            }
        }
        (Reach::Values, _) => {}
        (Reach::Deep, value) => deep(value, cells, place, key, found),
    }
}

fn deep(value: &Any, cells: Cells, place: &Place, key: Option<&str>, found: &mut Vec<Found>) {
    match value {
        Any::Text(_) | Any::Bytes(_) => collect(value, cells, place, key, found),
        Any::Int(_) | Any::Double(_) | Any::Bool(_) if cells == Cells::Printed => {
            collect(value, cells, place, key, found);
        }
        Any::List(items) => {
            for (at, item) in items.iter().enumerate() {
                deep(item, cells, &place.step(at), key, found);
            }
        }
        Any::Map(entries) => {
            for (at, (name, value)) in entries.iter().enumerate() {
                let place = place.step(at);
                let key_place = Place { key: true, ..place.clone() };
                collect(&Any::Text(name.clone()), cells, &key_place, Some(name), found);
                deep(value, cells, &place, Some(name), found);
            }
        }
        _ => {}
    }
}

fn collect(value: &Any, cells: Cells, place: &Place, key: Option<&str>, found: &mut Vec<Found>) {
    let is_composite = matches!(value, Any::List(_) | Any::Map(_) | Any::Empty);
    let value = match cells {
        Cells::Scalars | Cells::Printed if is_composite => return,
        Cells::Composites if !is_composite => return,
        Cells::Printed => Any::Text(value.printed()),
        Cells::Scalars | Cells::Composites | Cells::Whole => value.clone(),
    };
    let key = key.map(str::to_owned);
    found.push(Found { place: place.clone(), key, value, matches: Vec::new(), within: 0 });
}

/// Finds for each cell the nearest key around it.
fn nest(found: &mut [Found]) {
    let keys: Vec<Place> = found.iter().map(|cell| &cell.place).filter(|place| place.key).cloned().collect();
    for cell in found {
        let place = &cell.place;
        let around = keys.iter().enumerate().filter(|(_, key)| key.is_around(place));
        cell.within = around.max_by_key(|(_, key)| key.steps.len()).map_or(0, |(at, _)| at as u32 + 1);
    }
}

/// Runs the patterns over a text or a key; whether any matched.
fn scan(cell: &mut Found, cells: Cells, patterns: &[Regex]) -> bool {
    let text = match (&cell.value, cells) {
        (_, Cells::Whole) => cell.key.clone().unwrap_or_default(),
        (Any::Text(text), _) => text.clone(),
        _ => return false,
    };
    for (number, pattern) in patterns.iter().enumerate() {
        let ranges = pattern.find_iter(&text).map(|found| (found.start() as u32, number as u32, found.end() as u32));
        cell.matches.extend(ranges);
    }
    cell.matches.sort_unstable();
    !cell.matches.is_empty()
}

impl Place {
    /// Whether this key's attribute has the other cell in it, be it as its value.
    fn is_around(&self, other: &Place) -> bool {
        (self.level, self.row, self.field) == (other.level, other.row, other.field)
            && other.steps.starts_with(&self.steps)
            && !(other.key && other.steps == self.steps)
    }

    fn step(&self, at: usize) -> Place {
        let mut place = self.clone();
        place.steps.push(at);
        place
    }
}

impl Projected {
    /// Adds the columns of one read: keys and each type of value apart.
    fn pack(&mut self, read: u32, keyed: bool, found: &[Found], dictionary: &mut Vec<String>) {
        let has_keys = found.iter().any(|cell| cell.place.key);
        for key_part in [false, true] {
            for kind in 0..6 {
                let cells: Vec<&Found> =
                    found.iter().filter(|cell| cell.place.key == key_part && type_of(&cell.value) == kind).collect();
                if cells.is_empty() {
                    continue;
                }
                let mut column = types::Column {
                    read,
                    part: if key_part { Part::Key } else { Part::Value },
                    first_cell: self.places.len() as u32,
                    rows: cells.iter().map(|cell| cell.place.row as u32).collect(),
                    keys: Vec::new(),
                    within: cells.iter().filter(|_| has_keys).map(|cell| cell.within).collect(),
                    values: values(kind, &cells),
                    matches: Vec::new(),
                };
                for (index, cell) in cells.iter().enumerate() {
                    // A cell of such a read that lies under no key, as a body does, has the empty one.
                    if keyed {
                        column.keys.push(intern(dictionary, cell.key.as_deref().unwrap_or_default()));
                    }
                    let index = index as u32;
                    let found = cell.matches.iter();
                    column.matches.extend(found.map(|&(start, pattern, end)| PatternMatch {
                        index,
                        pattern,
                        start,
                        end,
                    }));
                    self.places.push(cell.place.clone());
                }
                self.packed.columns.push(column);
            }
        }
    }
}

fn type_of(value: &Any) -> u8 {
    match value {
        Any::Text(_) => 0,
        Any::Bytes(_) => 1,
        Any::Int(_) => 2,
        Any::Double(_) => 3,
        Any::Bool(_) => 4,
        Any::List(_) | Any::Map(_) | Any::Empty => 5,
    }
}

fn values(kind: u8, cells: &[&Found]) -> types::Values {
    let mut packed = types::Packed { bytes: Vec::new(), ends: Vec::new() };
    let (mut signed, mut double, mut boolean) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        match &cell.value {
            Any::Text(text) => push(&mut packed, text),
            Any::Bytes(bytes) => push(&mut packed, bytes),
            Any::Int(int) => signed.push(*int),
            Any::Double(number) => double.push(*number),
            Any::Bool(truth) => boolean.push(*truth),
            Any::List(_) | Any::Map(_) | Any::Empty => push(&mut packed, cell.value.encode()),
        }
    }
    match kind {
        0 => types::Values::Text(packed),
        1 => types::Values::Bytes(packed),
        2 => types::Values::Signed(signed),
        3 => types::Values::Double(double),
        4 => types::Values::Boolean(boolean),
        _ => types::Values::Encoded(packed),
    }
}

fn intern(dictionary: &mut Vec<String>, key: &str) -> u32 {
    let at = dictionary.iter().position(|known| known == key).unwrap_or_else(|| {
        dictionary.push(key.to_owned());
        dictionary.len() - 1
    });
    at as u32
}

fn push(packed: &mut types::Packed, part: impl AsRef<[u8]>) {
    packed.bytes.extend_from_slice(part.as_ref());
    packed.ends.push(packed.bytes.len() as u32);
}

fn levels(batch: &TestBatch) -> Vec<types::Rows> {
    let all = [Level::Origin, Level::Scope, Level::Metric, Level::Item, Level::Event, Level::Link, Level::Exemplar];
    all.into_iter()
        .filter(|level| match level {
            Level::Metric | Level::Exemplar => batch.signal == crate::Signal::Metrics,
            Level::Event | Level::Link => batch.signal == crate::Signal::Traces,
            _ => true,
        })
        .map(|level| {
            let rows = batch.rows(level);
            let parents = match level {
                Level::Origin => Vec::new(),
                _ => rows.iter().map(|row| row.parent as u32).collect(),
            };
            types::Rows { level, count: rows.len() as u32, parents }
        })
        .collect()
}
