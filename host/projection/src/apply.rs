//! Applying a script: each edit is checked against the plan and the batch, then all are spliced in, in one pass.
//!
//! Edits become [`op::Op`]s: a range of a segment and what takes its place. Sorted by place, two that touch the same
//! bytes stand side by side, which is how overlaps are found. A batch with routes is spliced once per route, without the
//! rows of the others.

mod cell;
mod encode;
mod fate;
mod op;
mod pass;
mod pieces;
mod upsert;

use host_otlp::Payload;

use crate::batch::Level;
use crate::meter::Meter;
use crate::projection::Projection;
use crate::script::{Edit, Script};
use fate::Fates;
use op::{Op, Ops};

/// One of the payloads that a batch became.
#[derive(Clone, Debug)]
pub struct Routed {
    /// An index into the plan's routes; `None` for what no edit routed.
    pub route: Option<u32>,
    pub payload: Payload,
}

/// Why a script was refused. Nothing of it was applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The guest's fault: one edit is wrong.
    #[error("edit {edit}: {fault}")]
    Edit { edit: usize, fault: EditFault },
    /// The host's own tables contradict the payload.
    #[error("the edits could not be spliced in: {0}")]
    Splice(#[from] host_otlp::edit::EditError),
    /// The meter ran out.
    #[error("the time budget for the batch was spent before its edits were applied")]
    Overrun,
}

/// What is wrong with an edit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditFault {
    #[error("there is no cell {cell}; the batch has {cells}")]
    Cell { cell: u32, cells: u32 },
    #[error("no write of the plan covers `{path}`")]
    NotWritable { path: String },
    #[error("`{path}` is no text and no byte string, so nothing can be spliced into it")]
    NoText { path: String },
    #[error("`{path}` is read as printed and this cell is no text, so it can be replaced but nothing spliced into it")]
    Printed { path: String },
    #[error("{start}..{end} is no range of a cell of {len} bytes")]
    Range { start: u32, end: u32, len: u32 },
    #[error("byte {at} of the cell lies within a character")]
    Boundary { at: u32 },
    #[error("{start}..{end} is no range of the script's text of {len} bytes")]
    Slice { start: u32, end: u32, len: usize },
    #[error("the script's text is not UTF-8 at {start}..{end}")]
    Utf8 { start: u32, end: u32 },
    #[error("`{path}` does not take {given}")]
    Type { path: String, given: &'static str },
    #[error("the encoded value is none: {0}")]
    Encoded(host_otlp::CheckError),
    #[error("`{path}` is an id of {len} bytes, or empty")]
    Id { path: String, len: usize },
    #[error("{value} is out of the range of `{path}`")]
    Number { path: String, value: i64 },
    #[error("write {write} is none of the plan's paths")]
    Write { write: u32 },
    #[error("`{path}` cannot be upserted or erased; a top-level attribute, a field or a body can")]
    NotUpsertable { path: String },
    #[error("an upsert or erasure of `{path}` names a key just where the path ends in `[*]` or `[**]`")]
    Key { path: String },
    #[error("the batch has no rows of this level")]
    Level,
    #[error("{first}..{end} is no range of the {count} rows of this level")]
    Rows { first: u32, end: u32, count: u32 },
    #[error("the plan does not ask to `{word}`")]
    Word { word: &'static str },
    #[error("there is no route {route}; the plan has {routes}")]
    Route { route: u32, routes: usize },
    #[error("rows of this level cannot be routed")]
    RouteLevel,
    #[error("row {row} is dropped or routed by another edit, too")]
    Fate { row: u32 },
    #[error("with this edit the script adds more than {limit} bytes to the payload")]
    Growth { limit: usize },
    #[error("edit {other} changes or removes the same part of the payload")]
    Overlap { other: usize },
}

impl EditError {
    /// What is wrong with an edit that has a number.
    fn of(edit: u32, fault: EditFault) -> EditError {
        EditError::Edit { edit: edit as usize, fault }
    }
}

/// What an edit costs, in checked bytes.
const EDIT: usize = 1 << 10;

impl Projection {
    /// Applies what the guest gave back. Nothing comes back where every item was dropped.
    ///
    /// # Errors
    /// Names an edit that is wrong; nothing is applied then.
    pub fn apply(self, script: &Script, meter: &mut dyn Meter) -> Result<Vec<Routed>, EditError> {
        if script.edits.is_empty() {
            return Ok(vec![Routed { route: None, payload: self.payload }]);
        }
        let mut ops = Ops::new(&self, script);
        let mut fates = Fates::new(&self);
        for (index, edit) in script.edits.iter().enumerate() {
            let done = match *edit {
                Edit::Splice { .. } | Edit::Replace { .. } | Edit::Remove { .. } => ops.cell(index, edit),
                Edit::Upsert { .. } | Edit::Erase { .. } => Ok(()),
                Edit::Drop { level, first_row, end_row } => {
                    drop(&mut ops, &mut fates, index, level, first_row..end_row)
                }
                Edit::Route { level, first_row, end_row, route } => {
                    self.route(&mut fates, level, first_row..end_row, route)
                }
            };
            done.map_err(|fault| EditError::Edit { edit: index, fault })?;
            ops.pieces.charge(EDIT);
            ops.pieces.ask(meter)?;
        }
        upsert::upserts(&mut ops, meter)?;
        ops.settle()?;
        pass::run(&self, ops, &fates, meter)
    }

    /// The rows of a level that edits may name.
    fn rows_of(&self, level: Level, rows: &std::ops::Range<u32>) -> Result<(), EditFault> {
        if !self.compiled.table.levels.contains(&level) {
            return Err(EditFault::Level);
        }
        let count = self.rows[level as usize].len() as u32;
        if rows.start > rows.end || rows.end > count {
            return Err(EditFault::Rows { first: rows.start, end: rows.end, count });
        }
        Ok(())
    }

    fn route(&self, fates: &mut Fates, level: Level, rows: std::ops::Range<u32>, route: u32) -> Result<(), EditFault> {
        if !self.compiled.may_route {
            return Err(EditFault::Word { word: "route" });
        }
        let routes = self.compiled.plan.routes.len();
        if route as usize >= routes {
            return Err(EditFault::Route { route, routes });
        }
        if level > Level::Item {
            return Err(EditFault::RouteLevel);
        }
        self.rows_of(level, &rows)?;
        fates.set(self, level, rows, route)
    }
}

fn drop(
    ops: &mut Ops<'_>,
    fates: &mut Fates,
    index: usize,
    level: Level,
    rows: std::ops::Range<u32>,
) -> Result<(), EditFault> {
    let projection = ops.projection;
    if !projection.compiled.may_drop {
        return Err(EditFault::Word { word: "drop" });
    }
    projection.rows_of(level, &rows)?;
    fates.drop(projection, level, rows.clone())?;
    let mut open: Option<Op> = None;
    for row in rows {
        let op = Op::of_row(projection, level, row, index);
        if !open.as_mut().is_some_and(|open| open.takes_in(&op))
            && let Some(whole) = open.replace(op)
        {
            ops.push(whole)?;
        }
    }
    open.map_or(Ok(()), |whole| ops.push(whole))
}

#[cfg(test)]
mod tests;
