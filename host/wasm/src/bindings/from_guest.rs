//! From the guest to the host: the plan and the script.

use host_projection::plan::{Cells, Plan, Read, State};
use host_projection::script::{Edit, Mode, Script, Slice, Value};

use super::back::level;
use super::types;

pub(crate) fn plan(plan: types::Plan) -> Plan {
    Plan {
        reads: plan.reads.into_iter().map(read).collect(),
        writes: plan.writes,
        routes: plan.routes,
        state: match plan.state {
            types::State::None => State::None,
            types::State::Rebuildable => State::Rebuildable,
        },
    }
}

fn read(read: types::Read) -> Read {
    let cells = match read.cells {
        types::Cells::Scalars => Cells::Scalars,
        types::Cells::Printed => Cells::Printed,
        types::Cells::Whole => Cells::Whole,
        types::Cells::Composites => Cells::Composites,
    };
    Read { path: read.path, patterns: read.patterns, names: read.names, cells }
}

pub(crate) fn script(script: types::Script) -> Script {
    Script { edits: script.edits.into_iter().map(edit).collect(), text: script.text }
}

fn edit(edit: types::Edit) -> Edit {
    match edit {
        types::Edit::Splice(splice) => {
            Edit::Splice { cell: splice.cell, start: splice.start, end: splice.end, with: slice(splice.with) }
        }
        types::Edit::Replace(replace) => Edit::Replace { cell: replace.cell, value: value(replace.value) },
        types::Edit::Remove(cell) => Edit::Remove { cell },
        types::Edit::Upsert(upsert) => Edit::Upsert {
            write: upsert.write,
            first_row: upsert.first_row,
            end_row: upsert.end_row,
            key: slice(upsert.key),
            value: value(upsert.value),
            mode: match upsert.mode {
                types::Mode::Upsert => Mode::Upsert,
                types::Mode::Insert => Mode::Insert,
                types::Mode::Update => Mode::Update,
            },
        },
        types::Edit::Drop(drop) => {
            Edit::Drop { level: level(drop.level), first_row: drop.first_row, end_row: drop.end_row }
        }
        types::Edit::Route(route) => Edit::Route {
            level: level(route.level),
            first_row: route.first_row,
            end_row: route.end_row,
            route: route.route,
        },
        types::Edit::Erase(erase) => Edit::Erase {
            write: erase.write,
            first_row: erase.first_row,
            end_row: erase.end_row,
            key: slice(erase.key),
        },
    }
}

fn value(value: types::Value) -> Value {
    match value {
        types::Value::Text(text) => Value::Text(slice(text)),
        types::Value::Bytes(bytes) => Value::Bytes(slice(bytes)),
        types::Value::Signed(number) => Value::Signed(number),
        types::Value::Double(number) => Value::Double(number),
        types::Value::Boolean(truth) => Value::Boolean(truth),
        types::Value::Encoded(encoded) => Value::Encoded(slice(encoded)),
    }
}

fn slice(slice: types::Slice) -> Slice {
    Slice { start: slice.start, end: slice.end }
}
