//! The walk: one pass over a payload by the table, which finds rows and cells and skips the rest by length.

mod more;
mod value;

use host_otlp::Payload;
use host_otlp::schema::ENTITY_REF;
use host_otlp::wire::{self, Field, Fields};
use smallvec::SmallVec;

use super::dictionary::Dictionary;
use super::pack::{Cell, Growing, SLOTS, Slot};
use super::table::{Action, LEVELS};
use super::{Compiled, within};
use crate::allowance::Allowance;
use crate::batch::Level;
use crate::meter::Overrun;
use crate::path::Class;
use crate::pattern::{self, Patterns, Scratch};
use crate::projection::{Form, NONE, Nest, RowSite, Site, Walked};

/// What a row and a cell cost, in scanned bytes.
const ROW: usize = 1 << 8;
const CELL: usize = 1 << 10;

/// Room that a cell takes besides its text: its place, its row, its key and what the dictionary needs for that.
const ROOM: usize = 64;

/// No key lies here.
const NOWHERE: (usize, usize) = (usize::MAX, usize::MAX);

/// A walk under way, in one segment.
struct Walk<'a, 'm> {
    compiled: &'a Compiled,
    buf: &'a [u8],
    /// By set of patterns.
    scratches: Vec<Scratch<'a>>,
    /// The walk ends when it is spent.
    allowance: Allowance<'m>,
    rows: [Vec<RowSite>; LEVELS],
    /// The row whose fields are being walked, the last one of its level.
    level: Level,
    row: u32,
    columns: Vec<Growing>,
    dictionary: Dictionary,
    /// Where the last key lay, and its number: the cells of one attribute have one key.
    last_key: ((usize, usize), u32),
    nests: Vec<Nest>,
    /// The messages between the row (or what it holds) and the value in hand: tag, and number where it has one already.
    open: SmallVec<[(u32, u32); 16]>,
    /// What is printed, a scalar at a time.
    print: Vec<u8>,
}

pub(super) fn walk(compiled: &Compiled, payload: &Payload, allowance: Allowance<'_>) -> Result<Walked, Overrun> {
    let mut walk = Walk {
        compiled,
        buf: &[],
        scratches: compiled.sets.iter().map(|patterns| patterns.scratch()).collect(),
        allowance,
        rows: Default::default(),
        level: Level::Origin,
        row: NONE,
        columns: Growing::columns(compiled.reads.len()),
        dictionary: Dictionary::new(),
        last_key: (NOWHERE, 0),
        nests: Vec::new(),
        open: SmallVec::new(),
        print: Vec::new(),
    };
    if let Some(deepest) = compiled.table.levels.iter().find(|level| **level == Level::Item) {
        walk.rows[*deepest as usize].reserve(payload.items().min(1 << 20) as usize);
    }
    let mut segments = Vec::with_capacity(payload.segments().len());
    for segment in payload.segments() {
        segments.push(walk.rows.each_ref().map(|rows| rows.len() as u32));
        walk.buf = segment.bytes();
        walk.last_key.0 = NOWHERE;
        if !compiled.table.levels.is_empty() {
            walk.message(compiled.table.root, 0, walk.buf.len());
        }
    }
    pattern::put_back(walk.scratches);
    if walk.allowance.is_spent() {
        return Err(Overrun);
    }
    let (mut columns, mut sites) = (Vec::new(), Vec::new());
    let mut first_cell = 0;
    for growing in walk.columns.into_iter().filter(|growing| growing.cells() > 0) {
        let cells = growing.cells();
        let mut column = growing.column;
        column.first_cell = first_cell;
        first_cell += cells;
        columns.push(column);
        sites.push(growing.sites);
    }
    within::fill(&mut columns, &sites, &walk.nests, &mut walk.allowance)?;
    let dictionary = walk.dictionary.into_packed();
    Ok(Walked { columns, sites, dictionary, rows: walk.rows, nests: walk.nests, segments })
}

impl<'a> Walk<'a, '_> {
    /// Walks the fields of the message of `node` that lies at `start..end`.
    fn message(&mut self, node: u16, start: usize, end: usize) {
        let compiled = self.compiled;
        let table = &compiled.table;
        let node = &table.nodes[node as usize];
        let mut pos = start;
        while pos < end {
            if let Some(next) = node.skip(self.buf, pos) {
                pos = next;
                continue;
            }
            let Some(field) = Fields::new(self.buf, pos, end).next() else { return };
            pos = field.end;
            let action = node.actions.get(field.number as usize).copied().unwrap_or(Action::Skip);
            match action {
                Action::Skip => {}
                Action::Pair(spec) => {
                    self.pair(&table.specs[spec as usize], field.tag, field.start, field.end);
                }
                Action::Value(spec) => {
                    self.any(&table.specs[spec as usize], field.tag, (field.start, field.end));
                }
                Action::Scalar(scalar) => {
                    let scalar = &table.scalars[scalar as usize];
                    self.scalar(scalar.class, &scalar.reads, &field);
                }
                Action::Texts(scalar) => self.texts(&table.scalars[scalar as usize].reads, &field),
                Action::Hold(node, told) => {
                    self.hold(field.tag);
                    if let Some(scalar) = told {
                        self.scalar(Class::Member, &table.scalars[scalar as usize].reads, &field);
                    }
                    if let Some(node) = node {
                        self.allowance.charge((field.end - field.start) / 4);
                        self.message(node, field.start, field.end);
                    }
                }
                Action::Row(level, node) => {
                    if self.allowance.is_spent() {
                        return;
                    }
                    // The gates of the patterns are paid by the row, or by what it holds.
                    let own = if level < Level::Metric { 0 } else { (field.end - field.start) / 4 };
                    self.allowance.charge(ROW + own);
                    let outer = (self.level, self.row);
                    self.open_row(level, &field);
                    self.message(node, field.start, field.end);
                    (self.level, self.row) = outer;
                }
            }
        }
    }

    fn open_row(&mut self, level: Level, field: &Field) {
        let parent = self.row;
        let rows = &mut self.rows[level as usize];
        (self.level, self.row) = (level, rows.len() as u32);
        let [tag, content, end] = [field.tag, field.start, field.end].map(|at| at as u32);
        rows.push(RowSite { tag, content, end, held: NONE, parent });
    }

    /// Notes the message that the current row holds.
    fn hold(&mut self, tag: usize) {
        if let Some(row) = self.rows[self.level as usize].last_mut() {
            row.held = tag as u32;
        }
    }

    /// A cell of a field that is of one type by the schema. A default value is as good as absent there.
    fn scalar(&mut self, class: Class, reads: &'a [u32], field: &Field) {
        let site = (Form::Field, field.tag);
        let varint = || wire::varint(self.buf, field.start).map_or(0, |(value, _)| value);
        let eight = || {
            let bytes = self.buf.get(field.start..).and_then(<[u8]>::first_chunk::<8>);
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let cell = match class {
            Class::Text | Class::TraceId | Class::SpanId => {
                if field.start < field.end {
                    let slot = if class == Class::Text { Slot::Text } else { Slot::Bytes };
                    self.text(reads, slot, (field.start, field.end), site, None);
                }
                return;
            }
            Class::Signed32 => Cell::Signed(i64::from(varint() as i32)),
            Class::Unsigned32 => Cell::Unsigned(u64::from(varint() as u32)),
            Class::Boolean => Cell::Boolean(varint() != 0),
            Class::Zigzag => {
                let value = varint() as u32;
                Cell::Signed(i64::from((value >> 1) as i32 ^ -((value & 1) as i32)))
            }
            Class::Fixed64 => Cell::Unsigned(eight()),
            Class::Fixed32 => {
                let bytes = self.buf.get(field.start..).and_then(<[u8]>::first_chunk::<4>);
                Cell::Unsigned(u64::from(bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))))
            }
            Class::Double => Cell::Double(f64::from_bits(eight())),
            // `as_int` is field 6 and `as_double` 4 or 3; as members of a oneof they are there even when 0.
            Class::Number if field.number == 6 => {
                return self.number(reads, Cell::Signed(eight() as i64), site, None);
            }
            Class::Number => return self.number(reads, Cell::Double(f64::from_bits(eight())), site, None),
            // The fields of a metric's data go 5, 7, 9, 10, 11; the Collector numbers their types from 1.
            Class::Member => Cell::Signed(match field.number {
                5 => 1,
                7 => 2,
                9 => 3,
                10 => 4,
                11 => 5,
                _ => 0,
            }),
            Class::Map | Class::Any | Class::Texts => return,
        };
        let default = match cell {
            Cell::Signed(value) => value == 0,
            Cell::Unsigned(value) => value == 0,
            // `sum`, `min` and `max` are optional: there even when 0.
            Cell::Double(_) => false,
            Cell::Boolean(value) => !value,
        };
        if !default {
            self.number(reads, cell, site, None);
        }
    }

    /// The texts of an entity reference.
    fn texts(&mut self, reads: &'a [u32], message: &Field) {
        self.open.push((message.tag as u32, NONE));
        for field in Fields::new(self.buf, message.start, message.end) {
            if ENTITY_REF.field(field.number).is_some() && field.start < field.end {
                self.text(reads, Slot::Text, (field.start, field.end), (Form::Field, field.tag), None);
            }
        }
        self.open.pop();
    }

    /// Keeps the text or byte string at `cell` for those reads whose patterns match, or that have none.
    #[inline(always)]
    fn text(
        &mut self,
        reads: &'a [u32],
        slot: Slot,
        cell: (usize, usize),
        site: (Form, usize),
        key: Option<(usize, usize)>,
    ) {
        for &read in reads {
            match &self.compiled.reads[read as usize].patterns {
                Some(patterns) if !patterns.may_match(self.buf, cell.0, cell.1) => {}
                patterns => self.text_of(read, patterns.as_deref(), slot, cell, site, key),
            }
        }
    }

    /// The same for one read, after the gate.
    #[inline(never)]
    fn text_of(
        &mut self,
        read: u32,
        patterns: Option<&Patterns>,
        slot: Slot,
        cell: (usize, usize),
        (form, tag): (Form, usize),
        key: Option<(usize, usize)>,
    ) {
        self.allowance.charge(CELL + (cell.1 - cell.0));
        if self.allowance.is_spent() {
            return;
        }
        let at = read as usize * SLOTS + slot as usize;
        if let Some(patterns) = patterns {
            let column = &mut self.columns[at];
            let scratch = &mut self.scratches[self.compiled.reads[read as usize].set];
            let index = column.cells();
            if !patterns.find(scratch, self.buf, cell, index, column.matches(), &mut self.allowance) {
                return;
            }
        }
        self.allowance.take(ROOM + (cell.1 - cell.0));
        let site = Site { form, tag: tag as u32, nest: self.nest() };
        let key = self.key(read, key);
        let column = &mut self.columns[at];
        column.push(site, self.row, key);
        column.push_text(&self.buf[cell.0..cell.1]);
    }

    /// Keeps a number or truth value for those reads that have no patterns.
    #[inline]
    fn number(&mut self, reads: &'a [u32], cell: Cell, (form, tag): (Form, usize), key: Option<(usize, usize)>) {
        for &read in reads {
            if self.compiled.reads[read as usize].patterns.is_none() && !self.allowance.is_spent() {
                self.allowance.charge(CELL);
                self.allowance.take(ROOM);
                let site = Site { form, tag: tag as u32, nest: self.nest() };
                let key = self.key(read, key);
                let column = &mut self.columns[read as usize * SLOTS + cell.slot() as usize];
                column.push(site, self.row, key);
                column.push_cell(cell);
            }
        }
    }

    /// The number of a key in the dictionary, where the cells of the read have keys.
    #[inline(always)]
    fn key(&mut self, read: u32, key: Option<(usize, usize)>) -> Option<u32> {
        if !self.compiled.reads[read as usize].keyed {
            return None;
        }
        let key = key.unwrap_or_default();
        if self.last_key.0 != key {
            self.last_key = (key, self.dictionary.number(&self.buf[key.0..key.1]));
        }
        Some(self.last_key.1)
    }

    /// The number of the innermost open message; those that have none yet get one.
    #[inline]
    fn nest(&mut self) -> u32 {
        let mut parent = NONE;
        for (tag, number) in &mut self.open {
            if *number == NONE {
                *number = self.nests.len() as u32;
                self.nests.push(Nest { tag: *tag, parent });
            }
            parent = *number;
        }
        parent
    }
}
