//! Upserts: fields written to each row of a range, wherever they stand in it, or behind its last field; and fields taken
//! out of each row of one.
//!
//! Ranges are cut where any of them starts or ends, so that between two cuts each row takes the same upserts: these are
//! encoded once, and a row costs one walk over its fields.

mod want;

use std::ops::Range;

use host_otlp::schema::{self, Kind as FieldKind, Message};
use host_otlp::wire;

use super::encode::{any_value, fixed};
use super::op::{Extent, Kind, Op, Ops, Place};
use super::{EDIT, EditError, EditFault};
use crate::batch::Level;
use crate::meter::Meter;
use crate::path::{Class, Path, Reach};
use crate::projection::{NONE, Projection};
use crate::script::{Edit, Mode, Value};
use want::{Want, Wants};

/// One upsert, checked.
#[derive(Debug)]
struct Upsert<'a> {
    edit: usize,
    path: &'a Path,
    rows: Range<u32>,
    /// Of an attribute.
    key: Option<&'a [u8]>,
    /// None where the field is taken out: an update that leaves nothing.
    value: Option<Value>,
    mode: Mode,
    /// The last field number that it was encoded for, and where.
    encoded: Option<(u32, (u32, u32))>,
}

/// What a row, or a cut, costs for each upsert, in checked bytes.
const STEP: usize = 1 << 8;

/// Turns the script's upserts into ops.
pub(super) fn upserts(ops: &mut Ops<'_>, meter: &mut dyn Meter) -> Result<(), EditError> {
    let mut upserts = Vec::new();
    for (index, edit) in ops.script.edits.iter().enumerate() {
        if matches!(edit, Edit::Upsert { .. } | Edit::Erase { .. }) {
            upserts.push(ops.upsert(index, edit).map_err(|fault| EditError::Edit { edit: index, fault })?);
            ops.pieces.charge(EDIT);
            ops.pieces.ask(meter)?;
        }
    }
    upserts.retain(|upsert| !upsert.rows.is_empty());
    upserts.sort_by_key(|upsert| (upsert.path.level(), upsert.rows.start));
    for same_level in upserts.chunk_by_mut(|a, b| a.path.level() == b.path.level()) {
        level(ops, same_level, meter)?;
    }
    Ok(())
}

/// The upserts of one level, which are sorted by their first row.
fn level<'a>(ops: &mut Ops<'a>, upserts: &mut [Upsert<'a>], meter: &mut dyn Meter) -> Result<(), EditError> {
    let mut cuts: Vec<u32> = upserts.iter().flat_map(|upsert| [upsert.rows.start, upsert.rows.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut active: Vec<usize> = Vec::new();
    let mut next = 0;
    for cut in cuts.windows(2) {
        let rows = cut[0]..cut[1];
        active.retain(|&index| upserts[index].rows.end > rows.start);
        while next < upserts.len() && upserts[next].rows.start == rows.start {
            active.push(next);
            next += 1;
        }
        ops.pieces.charge(active.len() * STEP);
        ops.pieces.ask(meter)?;
        if !active.is_empty() {
            between(ops, upserts, &active, rows, meter)?;
        }
    }
    Ok(())
}

/// Rows that all take the `active` upserts.
fn between<'a>(
    ops: &mut Ops<'a>,
    upserts: &mut [Upsert<'a>],
    active: &[usize],
    rows: Range<u32>,
    meter: &mut dyn Meter,
) -> Result<(), EditError> {
    let projection = ops.projection;
    let level = upserts[active[0]].path.level();
    let mut prepared: Vec<(u32, Prepared<'_>)> = Vec::new();
    for row in rows {
        let segment = projection.segment_of(level, row);
        let variant = projection.variant(level, row, segment);
        let at = prepared.iter().position(|(known, _)| *known == variant);
        let at = match at {
            Some(at) => at,
            None => {
                prepared.push((variant, Prepared::new(ops, upserts, active, level, variant)?));
                prepared.len() - 1
            }
        };
        prepared[at].1.apply(ops, segment, level, row)?;
        ops.pieces.charge(active.len() * STEP);
        ops.pieces.ask(meter)?;
    }
    Ok(())
}

/// Some upserts, encoded for rows of one message type.
struct Prepared<'a> {
    own: Wants<'a>,
    held: Wants<'a>,
    /// The whole message that a row is given when it holds none: range of the side buffer.
    created: (u32, u32),
    /// The edit that is named where the message as such is at fault.
    creator: u32,
}

impl<'a> Prepared<'a> {
    fn new(
        ops: &mut Ops<'a>,
        upserts: &mut [Upsert<'a>],
        active: &[usize],
        level: Level,
        variant: u32,
    ) -> Result<Prepared<'a>, EditError> {
        let (own_message, held_field) = messages(ops.projection, level, variant);
        let (mut own, mut held) = (Vec::new(), Vec::new());
        for &index in active {
            let upsert = &mut upserts[index];
            let is_held = upsert.path.field().held;
            let message = if is_held { held_field.map(|(_, message)| message) } else { own_message };
            // A row of a kind that has no such field stays as it is.
            let Some(number) = message.and_then(|message| number(message, upsert)) else { continue };
            let also = match upsert.path.field().class {
                Class::Number => message.map_or(0, |message| message.oneof),
                _ => 0,
            };
            let edit = upsert.edit;
            let bytes = ops.encoded(upsert, number).map_err(|fault| EditError::Edit { edit, fault })?;
            let class = upsert.path.field().class;
            let numbers = also | 1 << number;
            let want = Want { numbers, key: upsert.key, bytes, mode: upsert.mode, class, edit: edit as u32 };
            if is_held { held.push(want) } else { own.push(want) }
        }
        let own = Wants::new(ops, own)?;
        let held = Wants::new(ops, held)?;
        let creator = held.first_edit();
        let created = match held_field {
            Some((number, _)) if held.appended.0 < held.appended.1 => {
                let content = held.appended;
                let bytes = ops.side[content.0 as usize..content.1 as usize].to_vec();
                ops.encode(|side| wire::put_len(side, number, &bytes)).map_err(|fault| EditError::of(creator, fault))?
            }
            _ => (0, 0),
        };
        Ok(Prepared { own, held, created, creator })
    }

    fn apply(&self, ops: &mut Ops<'_>, segment: u32, level: Level, row: u32) -> Result<(), EditError> {
        let projection = ops.projection;
        let site = projection.rows[level as usize][row as usize];
        let extent = Extent { tag: site.tag, content: site.content, end: site.end };
        if !self.own.is_empty() {
            self.own.apply(ops, segment, Place::row(level, row, false), extent)?;
        }
        if self.held.is_empty() {
            return Ok(());
        }
        if site.held != NONE {
            let held = Extent::at(projection.segment(segment), site.held);
            self.held.apply(ops, segment, Place::row(level, row, true), held)
        } else if self.created.0 < self.created.1 {
            let place = Place::row(level, row, false);
            let inner = projection.innermost(&place);
            let (start, with, edit) = (site.end, self.created, self.creator);
            let op = Op { segment, start, end: start, with, place, inner, edit, kind: Kind::Append };
            ops.push(op).map_err(|fault| EditError::of(edit, fault))
        } else {
            Ok(())
        }
    }
}

/// The number of the field that an upsert writes, in a message that has it.
fn number(message: &'static Message, upsert: &Upsert<'_>) -> Option<u32> {
    let names = upsert.path.field().proto;
    let name = match (upsert.path.field().class, upsert.value) {
        (Class::Number, Some(Value::Double(_))) => "as_double",
        (Class::Number, _) => "as_int",
        _ => names.first()?,
    };
    message.number(name)
}

/// The type of a level's rows, and the field and type of what they hold.
fn messages(
    projection: &Projection,
    level: Level,
    variant: u32,
) -> (Option<&'static Message>, Option<(u32, &'static Message)>) {
    let inner = |message: &'static Message, number: u32| match message.field(number).map(|field| field.kind) {
        Some(FieldKind::Message(inner)) => Some(inner),
        _ => None,
    };
    let request = Message::request(projection.compiled.signal);
    let origin = inner(request, 1);
    let scope = origin.and_then(|origin| inner(origin, 2));
    let own = match level {
        Level::Origin => origin,
        Level::Scope => scope,
        Level::Metric => Some(&schema::METRIC),
        Level::Item if projection.lies_held(level) => inner(&schema::METRIC, variant).and_then(|data| inner(data, 1)),
        Level::Item => scope.and_then(|scope| inner(scope, 2)),
        Level::Event => Some(&schema::SPAN_EVENT),
        Level::Link => Some(&schema::SPAN_LINK),
        Level::Exemplar => Some(&schema::EXEMPLAR),
    };
    let held_number = match level {
        Level::Origin | Level::Scope => 1,
        Level::Metric => variant,
        Level::Item if projection.compiled.signal == host_otlp::Signal::Traces => SPAN_STATUS,
        _ => 0,
    };
    let held = own.and_then(|own| inner(own, held_number)).map(|message| (held_number, message));
    (own, held)
}

/// `Span.status`.
const SPAN_STATUS: u32 = 15;

impl Projection {
    /// Which of a metric's five kinds of data a row holds or is of; 0 elsewhere.
    fn variant(&self, level: Level, row: u32, segment: u32) -> u32 {
        let metric = match level {
            Level::Metric => row,
            Level::Item if self.lies_held(level) => self.rows[level as usize][row as usize].parent,
            _ => return 0,
        };
        let held = self.rows[Level::Metric as usize][metric as usize].held;
        let tag = wire::varint(self.segment(segment), held as usize);
        tag.map_or(0, |(key, _)| (key >> 3) as u32)
    }
}

impl<'a> Ops<'a> {
    /// Checks all of an upsert but its rows' types.
    fn upsert(&mut self, index: usize, edit: &Edit) -> Result<Upsert<'a>, EditFault> {
        let (write, first_row, end_row, key, value, mode) = match *edit {
            Edit::Upsert { write, first_row, end_row, key, value, mode } => {
                (write, first_row, end_row, key, Some(value), mode)
            }
            Edit::Erase { write, first_row, end_row, key } => (write, first_row, end_row, key, None, Mode::Update),
            _ => return Err(EditFault::Write { write: 0 }),
        };
        let (projection, script) = (self.projection, self.script);
        let path = projection.compiled.writes.get(write as usize).and_then(Option::as_ref);
        let path = path.ok_or(EditFault::Write { write })?;
        let rows = first_row..end_row;
        projection.rows_of(path.level(), &rows)?;
        let given = self.pieces.text(key)?;
        let key_fault = || EditFault::Key { path: path.to_string() };
        let key = match (path.field().class, path.keys(), path.reach()) {
            (Class::Map, [key], Reach::Exact) if given.is_empty() => Some(key.as_bytes()),
            (Class::Map, [], Reach::Values | Reach::Deep) if !given.is_empty() => Some(given),
            (Class::Map, [_], Reach::Exact) | (Class::Map, [], Reach::Values | Reach::Deep) => {
                return Err(key_fault());
            }
            (Class::Map | Class::Texts, ..) => return Err(EditFault::NotUpsertable { path: path.to_string() }),
            (_, [], Reach::Exact) if given.is_empty() => None,
            (_, [], Reach::Exact) => return Err(key_fault()),
            _ => return Err(EditFault::NotUpsertable { path: path.to_string() }),
        };
        match (path.field().class, value) {
            (_, None) => {}
            (class @ (Class::Map | Class::Any), Some(value)) => {
                let mut place = Place::row(path.level(), 0, path.field().held);
                place.tails = u8::from(class == Class::Map);
                self.pieces.value(value, projection.room_for_value(&place))?;
            }
            (Class::Text | Class::Texts, Some(Value::Text(piece))) => self.pieces.text(piece).map(|_| ())?,
            (class, Some(value)) => {
                self.field(value)?;
                // `as_int` or `as_double`, as the value says.
                let number = if class == Class::Number && !matches!(value, Value::Signed(_)) { 0 } else { 6 };
                fixed(script, path, number, value, &mut Vec::new())?;
            }
        }
        Ok(Upsert { edit: index, path, rows, key, value, mode, encoded: None })
    }

    /// The upsert's field with its tag, in the side buffer.
    fn encoded(&mut self, upsert: &mut Upsert<'_>, number: u32) -> Result<(u32, u32), EditFault> {
        if let Some((known, range)) = upsert.encoded
            && known == number
        {
            return Ok(range);
        }
        let script = self.script;
        let Some(value) = upsert.value else { return Ok((0, 0)) };
        let mut field = Vec::with_capacity(64);
        match upsert.path.field().class {
            Class::Map => {
                let mut content = Vec::with_capacity(32);
                any_value(script, value, &mut content);
                wire::put_len(&mut field, 1, upsert.key.unwrap_or_default());
                wire::put_len(&mut field, 2, &content);
            }
            Class::Any => any_value(script, value, &mut field),
            _ => {
                let range = self.encode_checked(|side| fixed(script, upsert.path, number, value, side))?;
                upsert.encoded = Some((number, range));
                return Ok(range);
            }
        }
        let range = self.encode(|side| wire::put_len(side, number, &field))?;
        upsert.encoded = Some((number, range));
        Ok(range)
    }
}
