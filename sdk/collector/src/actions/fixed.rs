//! Fixed actions do the same to every row: for each key they come down to one edit of a range of rows.

use std::ops::Range;

use tidegate_sdk::{Context, Edits, Mode, NewValue, Plan, WriteId};

use super::Skip;
use super::config::{Action, Does, Source};
use crate::path::attribute;

/// The keys of the fixed actions, in the order in which they are first named.
pub(super) struct Fixed {
    keys: Vec<(WriteId, Vec<usize>)>,
}

/// What becomes of a key in a row that has it, and in one that has it not.
#[derive(Clone, Copy)]
struct End<'a> {
    present: After<'a>,
    absent: After<'a>,
}

#[derive(Clone, Copy)]
enum After<'a> {
    Kept,
    Gone,
    Set(&'a Value<'a>),
}

/// What an action writes into this batch.
enum Value<'a> {
    Of(NewValue<'a>),
    Metadata(String),
}

impl Fixed {
    pub(super) fn new(list: &[Action], dynamic: &[bool], map: &str, plan: &mut Plan) -> Fixed {
        let mut keys: Vec<(&str, Vec<usize>)> = Vec::new();
        for (at, action) in list.iter().enumerate().filter(|(at, _)| !dynamic[*at]) {
            match keys.iter_mut().find(|(key, _)| *key == action.key) {
                Some((_, actions)) => actions.push(at),
                None => keys.push((&action.key, vec![at])),
            }
        }
        let keys = keys.into_iter().map(|(key, actions)| (plan.write(attribute(map, key)), actions)).collect();
        Fixed { keys }
    }

    pub(super) fn apply(&self, list: &[Action], context: &Context, count: u32, skip: &impl Skip, edits: &mut Edits) {
        if self.keys.is_empty() {
            return;
        }
        let values: Vec<Option<Value<'_>>> = list.iter().map(|action| value(action, context)).collect();
        let ends: Vec<(WriteId, End<'_>)> =
            self.keys.iter().map(|(write, actions)| (*write, end(list, actions, &values))).collect();
        each_run(count, skip, |rows| {
            for (write, end) in &ends {
                end.write(*write, rows.clone(), edits);
            }
        });
    }
}

/// Calls back for each run of rows that are not skipped.
fn each_run(count: u32, skip: &impl Skip, mut run: impl FnMut(Range<u32>)) {
    let mut start = 0;
    for row in 0..count {
        if skip.skips(row) {
            if start < row {
                run(start..row);
            }
            start = row + 1;
        }
    }
    if start < count {
        run(start..count);
    }
}

fn value<'a>(action: &'a Action, context: &Context) -> Option<Value<'a>> {
    let Does::Write(_, source) = &action.does else { return None };
    let Source { value, default, .. } = source;
    if let Some(value) = value {
        return Some(Value::Of(value.write()));
    }
    let metadata = source.metadata(context).map(Value::Metadata);
    metadata.or_else(|| default.as_ref().map(|default| Value::Of(default.write())))
}

fn end<'a>(list: &[Action], actions: &[usize], values: &'a [Option<Value<'a>>]) -> End<'a> {
    let mut end = End { present: After::Kept, absent: After::Gone };
    for &at in actions {
        let set = values[at].as_ref().map(After::Set);
        match (&list[at].does, set) {
            (Does::Write(mode, _), Some(set)) => {
                for after in [&mut end.present, &mut end.absent] {
                    let is_there = !matches!(after, After::Gone);
                    if *mode == Mode::Upsert || is_there == (*mode == Mode::Update) {
                        *after = set;
                    }
                }
            }
            (Does::Delete(_), _) => end = End { present: After::Gone, absent: After::Gone },
            _ => {}
        }
    }
    end
}

impl End<'_> {
    fn write(self, write: WriteId, rows: Range<u32>, edits: &mut Edits) {
        let (mode, value) = match (self.present, self.absent) {
            (After::Kept, After::Set(value)) => (Mode::Insert, value),
            (After::Set(value), After::Set(_)) => (Mode::Upsert, value),
            (After::Set(value), _) => (Mode::Update, value),
            (After::Gone, _) => return edits.erase(write, rows),
            (After::Kept, _) => return,
        };
        match value {
            Value::Of(value) => edits.upsert(write, rows, mode, *value),
            Value::Metadata(text) => edits.upsert(write, rows, mode, text.as_str()),
        }
    }
}
