//! An upsert: one field or attribute of a range of rows.

use std::collections::BTreeMap;
use std::ops::Range;

use super::cells::{CellEdits, names};
use super::{LEVELS, rows, slice, value};
use crate::bindings::tidegate::processor::types;
use crate::testing::build::{Row, TestBatch};
use crate::testing::path::{Path, Reach};
use crate::testing::project::Place;
use crate::{Any, Error, Mode};

/// An upsert, or an erasure.
pub(super) struct Upsert {
    pub(super) write: u32,
    pub(super) rows: Range<u32>,
    key: types::Slice,
    /// None where the field is taken out.
    value: Option<types::Value>,
    mode: Mode,
}

impl From<&types::Upsert> for Upsert {
    fn from(edit: &types::Upsert) -> Upsert {
        let rows = edit.first_row..edit.end_row;
        Upsert { write: edit.write, rows, key: edit.key, value: Some(edit.value), mode: edit.mode }
    }
}

impl From<&types::Erase> for Upsert {
    fn from(edit: &types::Erase) -> Upsert {
        let rows = edit.first_row..edit.end_row;
        Upsert { write: edit.write, rows, key: edit.key, value: None, mode: Mode::Update }
    }
}

/// The attribute that is written; none where it is a field.
pub(super) fn key<'s>(path: &'s Path, script: &'s types::Script, edit: &Upsert) -> Result<Option<&'s str>, Error> {
    Ok(match path.reach {
        Reach::Exact => path.keys.first().map(String::as_str),
        Reach::Values | Reach::Deep => Some(slice(script, edit.key)?),
    })
}

impl Upsert {
    pub(super) fn is_erasure(&self) -> bool {
        self.value.is_none()
    }
}

/// Writes a value to each row of the edit's range; of an erasure it only looks whether it is in another edit's way.
pub(super) fn upsert(
    after: &mut TestBatch,
    batch: &TestBatch,
    path: &Path,
    script: &types::Script,
    edit: &Upsert,
    cells: &BTreeMap<Place, CellEdits>,
) -> Result<(), Error> {
    let key = key(path, script, edit)?;
    let new = edit.value.map(|given| value(script, given)).transpose()?;
    let first = edit.rows.start as usize;
    for (at, row) in rows(after, path.level, edit.rows.start, edit.rows.end)?.iter_mut().enumerate() {
        let present = slot(row, &path.field, key).is_some();
        let edited = cells.keys().any(|place| {
            let (field, keys) = names(batch, place);
            (LEVELS[place.level], place.row, field) == (path.level, first + at, path.field.as_str())
                && keys.first().copied() == key
        });
        match (edit.mode, &new) {
            (Mode::Insert, _) if present => {}
            (Mode::Update, _) if !present => {}
            _ if present && edited => return Err(Error::new("two edits of one cell")),
            (_, Some(new)) => write(row, &path.field, key, new.clone()),
            (_, None) => {}
        }
    }
    Ok(())
}

/// Takes the field of an erasure out of its rows.
pub(super) fn erase(after: &mut TestBatch, path: &Path, script: &types::Script, edit: &Upsert) -> Result<(), Error> {
    let key = key(path, script, edit)?;
    for row in rows(after, path.level, edit.rows.start, edit.rows.end)? {
        match (key, row.fields.iter_mut().find(|(name, _)| *name == path.field)) {
            (None, _) => row.fields.retain(|(name, _)| *name != path.field),
            (Some(key), Some((_, Any::Map(entries)))) => entries.retain(|(name, _)| name != key),
            (Some(_), _) => {}
        }
    }
    Ok(())
}

/// Where the field or attribute is, if it is there.
fn slot<'r>(row: &'r mut Row, field: &str, key: Option<&str>) -> Option<&'r mut Any> {
    let (_, value) = row.fields.iter_mut().find(|(name, _)| name == field)?;
    match (key, value) {
        (None, value) => Some(value),
        (Some(key), Any::Map(entries)) => entries.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value),
        (Some(_), _) => None,
    }
}

fn write(row: &mut Row, field: &str, key: Option<&str>, value: Any) {
    if let Some(slot) = slot(row, field, key) {
        *slot = value;
        return;
    }
    let Some(key) = key else { return row.fields.push((field.to_owned(), value)) };
    let entry = (key.to_owned(), value);
    match row.fields.iter_mut().find(|(name, _)| name == field) {
        Some((_, Any::Map(entries))) => entries.push(entry),
        Some((_, other)) => *other = Any::Map(vec![entry]),
        None => row.fields.push((field.to_owned(), Any::Map(vec![entry]))),
    }
}
