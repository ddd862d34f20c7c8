//! An upsert: one field or attribute of a range of rows.

use std::collections::BTreeMap;

use super::cells::{CellEdits, names};
use super::{LEVELS, rows, slice, value};
use crate::bindings::tidegate::processor::types;
use crate::testing::any::Any;
use crate::testing::build::{Row, TestBatch};
use crate::testing::path::{Path, Reach};
use crate::testing::project::Place;
use crate::{Error, Mode};

/// Writes a value to each row of the edit's range.
pub(super) fn upsert(
    after: &mut TestBatch,
    batch: &TestBatch,
    path: &Path,
    script: &types::Script,
    edit: &types::Upsert,
    cells: &BTreeMap<Place, CellEdits>,
) -> Result<(), Error> {
    let key = match path.reach {
        Reach::Exact => path.keys.first().map(String::as_str),
        Reach::Values | Reach::Deep => Some(slice(script, edit.key)?),
    };
    let new = value(script, edit.value)?;
    let first = edit.first_row as usize;
    for (at, row) in rows(after, path.level, edit.first_row, edit.end_row)?.iter_mut().enumerate() {
        let present = slot(row, &path.field, key).is_some();
        let edited = cells.keys().any(|place| {
            let (field, keys) = names(batch, place);
            (LEVELS[place.level], place.row, field) == (path.level, first + at, path.field.as_str())
                && keys.first().copied() == key
        });
        match edit.mode {
            Mode::Insert if present => {}
            Mode::Update if !present => {}
            _ if present && edited => return Err(Error::new("two edits of one cell")),
            _ => write(row, &path.field, key, new.clone()),
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
