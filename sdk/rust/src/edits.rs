//! Edits are what a processor answers: collected here, checked and applied by the host.

use std::ops::Range;

use crate::bindings::tidegate::processor::types;
use crate::{CellId, Level, Mode, RouteId, WriteId};

#[cfg(test)]
mod tests;

/// The edits of one batch.
#[derive(Debug, Default)]
pub struct Edits {
    edits: Vec<types::Edit>,
    text: Vec<u8>,
}

/// Text that was handed to [`Edits::text`] once and may be used in any number of edits of that batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    start: u32,
    end: u32,
}

/// What a splice puts in: a `&str`, or a [`Text`] that is there already.
pub trait Content {
    #[doc(hidden)]
    fn store(self, edits: &mut Edits) -> Text;
}

/// A value to write. Numbers, truth values, `&str`, `&[u8]` and [`Text`] convert into it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NewValue<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// UTF-8 text that is there already.
    Stored(Text),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A signed integer.
    Signed(i64),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// A value of any type in its encoding: an encoded cell's, or what [`Any::encode`] gives.
    Encoded(&'a [u8]),
}

impl Edits {
    /// Puts text by, for edits that share it.
    pub fn text(&mut self, text: &str) -> Text {
        self.bytes(text.as_bytes())
    }

    /// Replaces a part of a text or bytes cell: from and to a character's boundary. Parts must not overlap.
    #[inline]
    pub fn splice(&mut self, cell: CellId, part: Range<u32>, with: impl Content) {
        let with = with.store(self).slice();
        self.edits.push(types::Edit::Splice(types::Splice { cell: cell.0, start: part.start, end: part.end, with }));
    }

    /// Replaces a cell. An attribute or a body may change its type.
    pub fn replace<'a>(&mut self, cell: CellId, value: impl Into<NewValue<'a>>) {
        let value = self.value(value.into());
        self.edits.push(types::Edit::Replace(types::Replace { cell: cell.0, value }));
    }

    /// Removes a cell: the attribute with its key, the list's item, or the field.
    pub fn remove(&mut self, cell: CellId) {
        self.edits.push(types::Edit::Remove(cell.0));
    }

    /// Writes a field, or the attribute of a path with a key, in each row of a range.
    pub fn upsert<'a>(&mut self, write: WriteId, rows: Range<u32>, mode: Mode, value: impl Into<NewValue<'a>>) {
        self.upsert_key(write, rows, "", mode, value);
    }

    /// Writes the attribute `key` of a path that ends in `[*]` or `[**]`, in each row of a range.
    pub fn upsert_key<'a>(
        &mut self,
        write: WriteId,
        rows: Range<u32>,
        key: impl Content,
        mode: Mode,
        value: impl Into<NewValue<'a>>,
    ) {
        let key = key.store(self).slice();
        let value = self.value(value.into());
        let Range { start: first_row, end: end_row } = rows;
        self.edits.push(types::Edit::Upsert(types::Upsert { write: write.0, first_row, end_row, key, value, mode }));
    }

    /// Takes a field, or the attribute of a path with a key, out of each row in a range, whatever it holds.
    pub fn erase(&mut self, write: WriteId, rows: Range<u32>) {
        self.erase_key(write, rows, "");
    }

    /// Takes the attribute `key` of a path that ends in `[*]` or `[**]` out of each row in a range.
    pub fn erase_key(&mut self, write: WriteId, rows: Range<u32>, key: impl Content) {
        let key = key.store(self).slice();
        let Range { start: first_row, end: end_row } = rows;
        self.edits.push(types::Edit::Erase(types::Erase { write: write.0, first_row, end_row, key }));
    }

    /// Drops rows with all that is under them. Ranges that touch become one.
    pub fn drop_rows(&mut self, level: Level, rows: Range<u32>) {
        match self.edits.last_mut() {
            Some(types::Edit::Drop(last)) if last.level == level && last.end_row == rows.start => {
                last.end_row = rows.end;
            }
            _ => {
                self.edits.push(types::Edit::Drop(types::DropRows { level, first_row: rows.start, end_row: rows.end }));
            }
        }
    }

    /// Sends rows with all that is under them to a route. Ranges that touch become one.
    pub fn route_rows(&mut self, level: Level, rows: Range<u32>, route: RouteId) {
        match self.edits.last_mut() {
            Some(types::Edit::Route(last))
                if last.level == level && last.route == route.0 && last.end_row == rows.start =>
            {
                last.end_row = rows.end;
            }
            _ => self.edits.push(types::Edit::Route(types::RouteRows {
                level,
                first_row: rows.start,
                end_row: rows.end,
                route: route.0,
            })),
        }
    }

    /// How many edits there are so far.
    pub fn len(&self) -> usize {
        self.edits.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    pub(crate) fn into_script(self) -> types::Script {
        types::Script { edits: self.edits, text: self.text }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Text {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        Text { start, end: self.text.len() as u32 }
    }

    fn value(&mut self, value: NewValue<'_>) -> types::Value {
        match value {
            NewValue::Text(text) => types::Value::Text(self.text(text).slice()),
            NewValue::Stored(text) => types::Value::Text(text.slice()),
            NewValue::Bytes(bytes) => types::Value::Bytes(self.bytes(bytes).slice()),
            NewValue::Signed(number) => types::Value::Signed(number),
            NewValue::Double(number) => types::Value::Double(number),
            NewValue::Boolean(truth) => types::Value::Boolean(truth),
            NewValue::Encoded(encoded) => types::Value::Encoded(self.bytes(encoded).slice()),
        }
    }
}

impl Text {
    fn slice(self) -> types::Slice {
        types::Slice { start: self.start, end: self.end }
    }
}

impl Content for Text {
    fn store(self, _: &mut Edits) -> Text {
        self
    }
}

impl Content for &str {
    fn store(self, edits: &mut Edits) -> Text {
        edits.text(self)
    }
}

impl<'a> From<&'a str> for NewValue<'a> {
    fn from(text: &'a str) -> Self {
        NewValue::Text(text)
    }
}

impl From<Text> for NewValue<'_> {
    fn from(text: Text) -> Self {
        NewValue::Stored(text)
    }
}

impl<'a> From<&'a [u8]> for NewValue<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        NewValue::Bytes(bytes)
    }
}

impl From<i64> for NewValue<'_> {
    fn from(number: i64) -> Self {
        NewValue::Signed(number)
    }
}

impl From<f64> for NewValue<'_> {
    fn from(number: f64) -> Self {
        NewValue::Double(number)
    }
}

impl From<bool> for NewValue<'_> {
    fn from(truth: bool) -> Self {
        NewValue::Boolean(truth)
    }
}
