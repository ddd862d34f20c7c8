//! The naive reading of log records: decoded structs, walked with no thought of speed.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::Logs;
use crate::{Batch, Part, Values};

/// What the naive reading reads, in the order of the plan.
pub(crate) const READS: [&str; 6] = [
    "resource.attributes[**]",
    "scope.name",
    "log.severity_text",
    "log.body[**]",
    "log.attributes[**]",
    "scope.attributes[*]",
];

/// A cell as the naive reading sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) read: usize,
    pub(crate) row: u32,
    pub(crate) part: Part,
    pub(crate) key: Option<String>,
    pub(crate) value: Value,
}

/// What becomes of a cell.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Keep,
    Set(Value),
    Remove,
}

/// Shows each cell to `change`, in the order of the payload, and does what it says.
pub(crate) fn visit(request: &mut Logs, change: &mut dyn FnMut(Cell) -> Change) {
    let (mut origin, mut scope, mut item) = (0, 0, 0);
    for resource_logs in &mut request.resource_logs {
        if let Some(resource) = &mut resource_logs.resource {
            pairs(&mut resource.attributes, 0, origin, change);
        }
        for scope_logs in &mut resource_logs.scope_logs {
            if let Some(inner) = &mut scope_logs.scope {
                field(&mut inner.name, 1, scope, change);
                shallow(&mut inner.attributes, 5, scope, change);
            }
            for record in &mut scope_logs.log_records {
                field(&mut record.severity_text, 2, item, change);
                if let Some(mut body) = record.body.take() {
                    record.body = deep(&mut body, 3, item, &None, change).then_some(body);
                }
                pairs(&mut record.attributes, 4, item, change);
                item += 1;
            }
            scope += 1;
        }
        origin += 1;
    }
}

fn field(text: &mut String, read: usize, row: u32, change: &mut dyn FnMut(Cell) -> Change) {
    if text.is_empty() {
        return;
    }
    let value = Value::StringValue(text.clone());
    match change(Cell { read, row, part: Part::Value, key: None, value }) {
        Change::Keep => {}
        Change::Set(Value::StringValue(new)) => *text = new,
        Change::Set(other) => panic!("{other:?} is no text"),
        Change::Remove => text.clear(),
    }
}

/// The scalar values of a map.
fn shallow(list: &mut Vec<KeyValue>, read: usize, row: u32, change: &mut dyn FnMut(Cell) -> Change) {
    list.retain_mut(|pair| {
        let scalar = pair.value.as_mut().and_then(|value| value.value.as_mut());
        let Some(value) = scalar.filter(|value| !matches!(value, Value::ArrayValue(_) | Value::KvlistValue(_))) else {
            return true;
        };
        let key = Some(pair.key.clone());
        match change(Cell { read, row, part: Part::Value, key, value: value.clone() }) {
            Change::Keep => true,
            Change::Set(new) => {
                *value = new;
                true
            }
            Change::Remove => false,
        }
    });
}

/// Every text, byte string and key of a map.
fn pairs(list: &mut Vec<KeyValue>, read: usize, row: u32, change: &mut dyn FnMut(Cell) -> Change) {
    list.retain_mut(|pair| {
        let mut keep = true;
        let key = Some(pair.key.clone());
        if !pair.key.is_empty() {
            let value = Value::StringValue(pair.key.clone());
            match change(Cell { read, row, part: Part::Key, key: key.clone(), value }) {
                Change::Keep => {}
                Change::Set(Value::StringValue(new)) => pair.key = new,
                Change::Set(other) => panic!("{other:?} is no text"),
                Change::Remove => keep = false,
            }
        }
        if let Some(value) = &mut pair.value {
            keep &= deep(value, read, row, &key, change);
        }
        keep
    });
}

/// Every text and byte string in a value; says whether the value stays.
fn deep(
    value: &mut AnyValue,
    read: usize,
    row: u32,
    key: &Option<String>,
    change: &mut dyn FnMut(Cell) -> Change,
) -> bool {
    match &mut value.value {
        Some(leaf @ (Value::StringValue(_) | Value::BytesValue(_))) => {
            // A value of its own has the empty key.
            let key = Some(key.clone().unwrap_or_default());
            match change(Cell { read, row, part: Part::Value, key, value: leaf.clone() }) {
                Change::Keep => true,
                Change::Set(new) => {
                    *leaf = new;
                    true
                }
                Change::Remove => false,
            }
        }
        Some(Value::ArrayValue(array)) => {
            array.values.retain_mut(|item| deep(item, read, row, key, change));
            true
        }
        Some(Value::KvlistValue(map)) => {
            pairs(&mut map.values, read, row, change);
            true
        }
        _ => true,
    }
}

/// The cells of a batch, in the same form: by column and position, with their numbers.
pub(crate) fn cells(batch: &Batch) -> Vec<(u32, Cell)> {
    let mut cells = Vec::new();
    for column in &batch.columns {
        for at in 0..column.rows.len() {
            let key = column.keys.get(at).map(|&key| utf8(piece(&batch.dictionary, key as usize)));
            let value = match &column.values {
                Values::Text(packed) => Value::StringValue(utf8(piece(packed, at))),
                Values::Bytes(packed) | Values::Encoded(packed) => Value::BytesValue(piece(packed, at).to_vec()),
                Values::Signed(list) => Value::IntValue(list[at]),
                Values::Unsigned(list) => Value::IntValue(list[at] as i64),
                Values::Double(list) => Value::DoubleValue(list[at]),
                Values::Boolean(list) => Value::BoolValue(list[at]),
            };
            let cell = Cell { read: column.read as usize, row: column.rows[at], part: column.part, key, value };
            cells.push((column.first_cell + at as u32, cell));
        }
    }
    cells
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn piece(packed: &crate::Packed, at: usize) -> &[u8] {
    let start = if at == 0 { 0 } else { packed.ends[at - 1] as usize };
    &packed.bytes[start..packed.ends[at] as usize]
}

/// Where a cell's column stands among those of its read.
pub(crate) fn slot(cell: &Cell) -> usize {
    match (&cell.value, cell.part) {
        (_, Part::Key) => 7,
        (Value::StringValue(_), _) => 0,
        (Value::BytesValue(_), _) => 1,
        (Value::IntValue(_), _) => 2,
        (Value::DoubleValue(_), _) => 4,
        _ => 5,
    }
}
