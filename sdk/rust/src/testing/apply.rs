//! Applies a script to plain values, and refuses what the host refuses.

mod cells;

mod upsert;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::build::{Row, TestBatch, index};
use super::path::Path;
use super::project::{Place, Projected};
use crate::bindings::tidegate::processor::types;
use crate::{Any, Error, Level};
use cells::{CellEdits, edit_cell, names, whole};
use upsert::Upsert;

/// By the number that a place has for its level.
const LEVELS: [Level; 7] =
    [Level::Origin, Level::Scope, Level::Metric, Level::Item, Level::Event, Level::Link, Level::Exemplar];

/// The batch as it is after the script.
pub(super) fn apply(
    batch: &TestBatch,
    plan: &types::Plan,
    projected: &Projected,
    script: &types::Script,
) -> Result<TestBatch, Error> {
    let mut after = batch.clone();
    let mut cells: BTreeMap<Place, CellEdits> = BTreeMap::new();
    let mut upserts = Vec::new();
    for edit in &script.edits {
        match edit {
            types::Edit::Splice(splice) => {
                let text = slice(script, splice.with)?;
                let cell = cell(&mut cells, batch, plan, projected, splice.cell)?;
                cell.splices.push((splice.start, splice.end, text.to_owned()));
            }
            types::Edit::Replace(replace) => {
                let value = value(script, replace.value)?;
                whole(cell(&mut cells, batch, plan, projected, replace.cell)?, Some(value))?;
            }
            types::Edit::Remove(number) => whole(cell(&mut cells, batch, plan, projected, *number)?, None)?,
            types::Edit::Upsert(edit) => upserts.push(Upsert::from(edit)),
            types::Edit::Erase(edit) => upserts.push(Upsert::from(edit)),
            types::Edit::Drop(edit) => {
                granted(plan, "drop")?;
                for row in rows(&mut after, edit.level, edit.first_row, edit.end_row)? {
                    row.dropped = true;
                }
            }
            types::Edit::Route(edit) => {
                granted(plan, "route")?;
                let route = plan.routes.get(edit.route as usize).ok_or_else(|| Error::new("there is no such route"))?;
                route_under(&mut after, edit.level, edit.first_row..edit.end_row, route)?;
            }
        }
    }
    let mut written = BTreeSet::new();
    let mut erasures = Vec::new();
    for edit in upserts {
        let path = paths(batch, plan).find(|(at, _)| *at == edit.write as usize).map(|(_, path)| path);
        let path = path.ok_or_else(|| Error::new("an upsert is of a write that is no path"))?;
        let field = (index(path.level), path.field.clone(), upsert::key(&path, script, &edit)?.map(str::to_owned));
        if !edit.rows.clone().all(|row| written.insert((field.clone(), row))) {
            return Err(Error::new("two upserts of one field of a row"));
        }
        upsert::upsert(&mut after, batch, &path, script, &edit, &cells)?;
        if edit.is_erasure() {
            erasures.push((path, edit));
        }
    }
    // From the last place to the first, so that a removal moves nothing that is still to be edited.
    let places: Vec<Place> = cells.keys().cloned().collect();
    for (place, edits) in cells.into_iter().rev() {
        if edits.whole == Some(None) && places.iter().any(|other| other != &place && place.removes(other)) {
            return Err(Error::new("an edit lies under something that another edit removes"));
        }
        edit_cell(&mut after, &place, edits)?;
    }
    for (path, edit) in &erasures {
        upsert::erase(&mut after, path, script, edit)?;
    }
    drop_under(&mut after);
    Ok(after)
}

/// The edits of a cell, if the plan may write it.
fn cell<'c>(
    cells: &'c mut BTreeMap<Place, CellEdits>,
    batch: &TestBatch,
    plan: &types::Plan,
    projected: &Projected,
    number: u32,
) -> Result<&'c mut CellEdits, Error> {
    let place = projected.places.get(number as usize).ok_or_else(|| Error::new("there is no such cell"))?;
    let (field, keys) = names(batch, place);
    let level = LEVELS[place.level];
    if !paths(batch, plan).any(|(_, path)| path.covers(level, field, &keys)) {
        return Err(Error::at(field, "an edit is outside the plan's writes"));
    }
    Ok(cells.entry(place.clone()).or_default())
}

fn paths<'p>(batch: &TestBatch, plan: &'p types::Plan) -> impl Iterator<Item = (usize, Path)> + use<'p> {
    let signal = batch.signal;
    plan.writes.iter().enumerate().filter_map(move |(at, path)| Some((at, Path::parse(signal, path).ok()?)))
}

fn granted(plan: &types::Plan, word: &str) -> Result<(), Error> {
    let granted = plan.writes.iter().any(|write| write == word);
    granted.then_some(()).ok_or_else(|| Error::at(word, "an edit is outside the plan's writes"))
}

fn rows(batch: &mut TestBatch, level: Level, first: u32, end: u32) -> Result<&mut [Row], Error> {
    let rows = batch.rows_mut(level).get_mut(first as usize..end as usize);
    rows.ok_or_else(|| Error::new("an edit is of rows that do not exist"))
}

fn route_under(batch: &mut TestBatch, level: Level, range: Range<u32>, route: &str) -> Result<(), Error> {
    for row in rows(batch, level, range.start, range.end)? {
        row.route = Some(route.to_owned());
    }
    inherit(batch, |above, row| row.route = row.route.take().or_else(|| above.route.clone()));
    Ok(())
}

fn drop_under(batch: &mut TestBatch) {
    inherit(batch, |above, row| row.dropped |= above.dropped);
    // What is left without anything under it goes, too; a span without events stays.
    for level in [Level::Item, Level::Metric, Level::Scope] {
        let Some(above) = batch.above(level) else { continue };
        let mut left: Vec<Option<bool>> = vec![None; batch.rows(above).len()];
        for row in batch.rows(level) {
            if let Some(left) = left.get_mut(row.parent) {
                *left = Some(left.unwrap_or_default() || !row.dropped);
            }
        }
        for (row, left) in batch.rows_mut(above).iter_mut().zip(left) {
            row.dropped |= left == Some(false);
        }
    }
}

/// Hands something down from each row to those under it, outermost first.
fn inherit(batch: &mut TestBatch, hand_down: impl Fn(&Row, &mut Row)) {
    for level in LEVELS {
        let Some(above) = batch.above(level) else { continue };
        let parents = batch.rows[index(above)].clone();
        for row in batch.rows_mut(level) {
            if let Some(parent) = parents.get(row.parent) {
                hand_down(parent, row);
            }
        }
    }
}

fn slice(script: &types::Script, slice: types::Slice) -> Result<&str, Error> {
    let bytes = script.text.get(slice.start as usize..slice.end as usize);
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.ok_or_else(|| Error::new("a slice is outside the script's text or no UTF-8"))
}

fn value(script: &types::Script, value: types::Value) -> Result<Any, Error> {
    Ok(match value {
        types::Value::Text(at) => Any::Text(slice(script, at)?.to_owned()),
        types::Value::Bytes(at) => Any::Bytes(
            script
                .text
                .get(at.start as usize..at.end as usize)
                .ok_or_else(|| Error::new("a slice is outside the script's text"))?
                .to_vec(),
        ),
        types::Value::Signed(number) => Any::Int(number),
        types::Value::Double(number) => Any::Double(number),
        types::Value::Boolean(truth) => Any::Bool(truth),
        types::Value::Encoded(at) => Any::decode(
            script
                .text
                .get(at.start as usize..at.end as usize)
                .ok_or_else(|| Error::new("a slice is outside the script's text"))?,
        ),
    })
}
