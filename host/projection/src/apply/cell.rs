//! Edits of cells: splice, replace, remove.

use host_otlp::wire::{self, Fields};

use super::EditFault;
use super::encode::{any_value, fixed};
use super::op::{Extent, Kind, Op, Ops, Place};
use crate::pair::{Pair, member};
use crate::path::Class;
use crate::plan::Cells;
use crate::projection::{Form, NONE};
use crate::projector::Read;
use crate::script::{Edit, Slice, Value};

/// A cell, found again.
struct Found<'a> {
    read: &'a Read,
    form: Form,
    segment: u32,
    /// Around what lies at the site's tag; then the messages from there to the cell, of which there are `depth`, and last
    /// the cell.
    place: Place,
    depth: usize,
}

impl Found<'_> {
    /// What lies at the site's tag: attribute, value or field.
    fn outer(&self) -> Extent {
        self.place.tail[0]
    }

    /// The field that is the cell itself.
    fn member(&self) -> Extent {
        self.place.tail[self.depth]
    }
}

impl<'a> Ops<'a> {
    pub(super) fn cell(&mut self, index: usize, edit: &Edit) -> Result<(), EditFault> {
        match *edit {
            Edit::Splice { cell, start, end, with } => {
                let found = self.find(cell)?;
                self.splice(index, &found, start, end, with)
            }
            Edit::Replace { cell, value } => {
                let found = self.find(cell)?;
                self.replace(index, &found, value)
            }
            Edit::Remove { cell } => {
                let found = self.find(cell)?;
                let outer = found.outer();
                self.change(index, &found, 0, (outer.tag, outer.end), (0, 0))
            }
            Edit::Upsert { .. } | Edit::Erase { .. } | Edit::Drop { .. } | Edit::Route { .. } => Ok(()),
        }
    }

    fn find(&self, cell: u32) -> Result<Found<'a>, EditFault> {
        let projection = self.projection;
        let columns = &projection.batch.columns;
        let index = columns.partition_point(|column| column.first_cell <= cell).checked_sub(1);
        let at = index.and_then(|index| {
            let within = cell.checked_sub(columns[index].first_cell)? as usize;
            Some((index, within, *projection.sites[index].get(within)?))
        });
        let Some((index, within, site)) = at else {
            let cells = projection.sites.iter().map(|sites| sites.len() as u32).sum();
            return Err(EditFault::Cell { cell, cells });
        };
        let read = &projection.compiled.reads[columns[index].read as usize];
        if !read.writable {
            return Err(EditFault::NotWritable { path: read.path.to_string() });
        }
        let (level, row) = (read.path.level(), columns[index].rows[within]);
        let segment = projection.segment_of(level, row);
        let buf = projection.segment(segment);
        let outer = match site.form {
            Form::Field => field(buf, site.tag),
            _ => Extent::at(buf, site.tag),
        };
        let nothing = Extent::default();
        let (tail, depth) = match site.form {
            Form::Field => ([outer, nothing, nothing], 0),
            Form::Any => ([outer, within_value(buf, outer), nothing], 1),
            Form::Key => ([outer, key_of(buf, outer), nothing], 1),
            Form::Pair => {
                let value = value_of(buf, outer);
                ([outer, value, within_value(buf, value)], 2)
            }
        };
        let place = Place { nest: site.nest, tail, ..Place::row(level, row, read.path.field().held) };
        Ok(Found { read, form: site.form, segment, place, depth })
    }

    fn splice(&mut self, index: usize, found: &Found<'_>, start: u32, end: u32, with: Slice) -> Result<(), EditFault> {
        let buf = self.projection.segment(found.segment);
        let member = found.member();
        let path = || found.read.path.to_string();
        let is_text = match found.kind(buf) {
            Some(Packed::Text) => true,
            // The guest has seen other bytes than lie there.
            _ if found.read.cells == Cells::Printed => return Err(EditFault::Printed { path: path() }),
            Some(Packed::Bytes) => false,
            None => return Err(EditFault::NoText { path: path() }),
        };
        let len = member.end - member.content;
        if start > end || end > len {
            return Err(EditFault::Range { start, end, len });
        }
        if is_text {
            for at in [start, end] {
                let inside = at < len && buf[(member.content + at) as usize] & 0xc0 == 0x80;
                if inside {
                    return Err(EditFault::Boundary { at });
                }
            }
            self.pieces.text(with)?;
        } else {
            let given = self.pieces.slice(with)?.len();
            if let Some(id) = found.read.path.field().class.id()
                && given != (end - start) as usize
            {
                return Err(EditFault::Id { path: path(), len: id.width() });
            }
        }
        let range = (member.content + start, member.content + end);
        self.change(index, found, found.depth + 1, range, (with.start, with.end))
    }

    fn replace(&mut self, index: usize, found: &Found<'_>, value: Value) -> Result<(), EditFault> {
        let script = self.script;
        let member = found.member();
        let with = match found.form {
            Form::Any | Form::Pair => {
                let around = found.place.within(found.depth.saturating_sub(1));
                self.pieces.value(value, self.projection.room_for_value(&around))?;
                if member.tag == NONE {
                    return self.fill(index, found, value);
                }
                self.encode(|side| any_value(script, value, side))?
            }
            Form::Key => {
                let Value::Text(piece) = value else {
                    return Err(EditFault::Type { path: found.read.path.to_string(), given: given(value) });
                };
                let key = self.pieces.text(piece)?;
                self.encode(|side| wire::put_len(side, 1, key))?
            }
            Form::Field => {
                let buf = self.projection.segment(found.segment);
                let number = wire::varint(buf, member.tag as usize).map_or(0, |(key, _)| key >> 3) as u32;
                let path = &found.read.path;
                self.field(value)?;
                self.encode_checked(|side| fixed(script, path, number, value, side))?
            }
        };
        self.change(index, found, found.depth, (member.tag, member.end), with)
    }

    /// Checks what the value of a field of one type has of the script's text; its type is checked where it is encoded.
    pub(super) fn field(&mut self, value: Value) -> Result<(), EditFault> {
        match value {
            Value::Encoded(_) => Ok(()),
            value => self.pieces.value(value, 0),
        }
    }

    /// Gives a value to an attribute or a body that has none.
    fn fill(&mut self, index: usize, found: &Found<'_>, value: Value) -> Result<(), EditFault> {
        let script = self.script;
        let around = found.place.tail[found.depth - 1];
        if around.tag != NONE {
            let with = self.encode(|side| any_value(script, value, side))?;
            return self.change(index, found, found.depth, (around.end, around.end), with);
        }
        let mut member = Vec::new();
        any_value(script, value, &mut member);
        let with = self.encode(|side| wire::put_len(side, 2, &member))?;
        let end = found.outer().end;
        self.change(index, found, 1, (end, end), with)
    }

    pub(super) fn encode_checked(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), EditFault>,
    ) -> Result<(u32, u32), EditFault> {
        let mut written = Ok(());
        let range = self.encode(|side| written = write(side));
        written.and(range)
    }

    fn change(
        &mut self,
        index: usize,
        found: &Found<'_>,
        tails: usize,
        range: (u32, u32),
        with: (u32, u32),
    ) -> Result<(), EditFault> {
        let place = found.place.within(tails);
        let inner = self.projection.innermost(&place);
        let (start, end) = range;
        let op = Op { segment: found.segment, start, end, with, place, inner, edit: index as u32, kind: Kind::Change };
        self.push(op)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packed {
    Text,
    Bytes,
}

impl Found<'_> {
    /// Whether the cell is text or bytes, if either.
    fn kind(&self, buf: &[u8]) -> Option<Packed> {
        match self.form {
            Form::Key => Some(Packed::Text),
            Form::Field => match self.read.path.field().class {
                Class::Text | Class::Texts => Some(Packed::Text),
                class => class.id().map(|_| Packed::Bytes),
            },
            Form::Pair | Form::Any => match wire::varint(buf, self.member().tag as usize)?.0 >> 3 {
                1 => Some(Packed::Text),
                7 => Some(Packed::Bytes),
                _ => None,
            },
        }
    }
}

/// What kind of value an edit gives, for its message.
pub(super) fn given(value: Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Bytes(_) => "a byte string",
        Value::Signed(_) => "an integer",
        Value::Double(_) => "a floating-point number",
        Value::Boolean(_) => "a truth value",
        Value::Encoded(_) => "an encoded value",
    }
}

/// What is not there; but what the walk saw is.
const NOTHING: Extent = Extent { tag: NONE, content: NONE, end: NONE };

/// The field of any type whose tag is at `tag`.
fn field(buf: &[u8], tag: u32) -> Extent {
    Fields::new(buf, tag as usize, buf.len()).next().map_or(NOTHING, extent)
}

/// The key of a `KeyValue`.
fn key_of(buf: &[u8], pair: Extent) -> Extent {
    let mut fields = Fields::new(buf, pair.content as usize, pair.end as usize);
    fields.find(|field| field.number == 1).map_or(NOTHING, extent)
}

/// The value of a `KeyValue`.
fn value_of(buf: &[u8], pair: Extent) -> Extent {
    let value = Pair::read(buf, pair.content as usize, pair.end as usize).value;
    value.map_or(NOTHING, |(tag, (content, end))| Extent { tag: tag as u32, content: content as u32, end: end as u32 })
}

/// The member of an `AnyValue` that is set.
fn within_value(buf: &[u8], value: Extent) -> Extent {
    member(buf, (value.content as usize, value.end as usize)).map_or(NOTHING, extent)
}

fn extent(field: wire::Field) -> Extent {
    Extent { tag: field.tag as u32, content: field.start as u32, end: field.end as u32 }
}
