//! The data points of a batch: which series each is of, and what it says.

use tidegate_sdk::{Batch, Cell, CellId, Level, NewValue, Plan, ReadId, Value, WriteId};

use crate::OVERFLOW;
use crate::budget::hash;

/// `metric.type` of a sum.
const SUM: i64 = 2;

/// What is read and written.
pub(crate) struct Fields {
    name: ReadId,
    kind: ReadId,
    resource: ReadId,
    attributes: ReadId,
    time: ReadId,
    value: ReadId,
    pub(crate) write_attributes: WriteId,
}

/// A number of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

/// One data point.
pub(crate) struct Point<'b> {
    pub(crate) row: u32,
    /// The row of its metric.
    pub(crate) metric: u32,
    pub(crate) metric_name: &'b str,
    /// The name's hash, by which the metric is known.
    pub(crate) metric_hash: u64,
    pub(crate) series: u64,
    pub(crate) time: u64,
    /// Its value, where it has one: not so histograms and summaries.
    pub(crate) number: Option<Number>,
    /// Whether it is one of overflow already.
    pub(crate) is_overflow: bool,
}

/// The data points of a batch.
pub(crate) struct Points<'b> {
    points: Vec<Point<'b>>,
    /// By the metric's row.
    kinds: Vec<i64>,
    /// By the point's row: its attributes, which lie next to one another in `cells`.
    ranges: Vec<(usize, usize)>,
    cells: Vec<CellId>,
    values: Vec<Option<CellId>>,
}

impl Fields {
    pub(crate) fn new(plan: &mut Plan) -> Self {
        let none = [] as [String; 0];
        plan.write("datapoint.value");
        plan.drop_rows();
        Fields {
            name: plan.read("metric.name"),
            kind: plan.read("metric.type"),
            resource: plan.read_whole("resource.attributes[*]", none.clone()),
            attributes: plan.read_whole("datapoint.attributes[*]", none),
            time: plan.read("datapoint.time_unix_nano"),
            value: plan.read("datapoint.value"),
            write_attributes: plan.write("datapoint.attributes[*]"),
        }
    }
}

impl<'b> Points<'b> {
    pub(crate) fn read(fields: &Fields, batch: &Batch<'b>) -> Self {
        let count = batch.count(Level::Item) as usize;
        let metrics = batch.ancestors(Level::Item, Level::Metric).unwrap_or_default();
        let resources = batch.ancestors(Level::Item, Level::Origin).unwrap_or_default();
        let mut names = vec![""; batch.count(Level::Metric) as usize];
        for cell in batch.cells(fields.name) {
            set(&mut names, cell.row(), cell.text().unwrap_or_default());
        }
        let mut kinds = vec![0; names.len()];
        for cell in batch.cells(fields.kind) {
            set(&mut kinds, cell.row(), signed(cell.value()));
        }
        let hashes: Vec<u64> = names.iter().map(hash).collect();
        let mut keys = Keys::default();
        let mut of_resource = vec![0u64; batch.count(Level::Origin) as usize];
        for cell in batch.cells(fields.resource) {
            add(&mut of_resource, cell.row(), attribute(&cell, keys.of(&cell).hash));
        }
        let mut of_point = vec![0u64; count];
        let mut overflow = vec![false; count];
        let mut ranges = vec![(0, 0); count];
        let mut cells = Vec::new();
        for cell in batch.cells(fields.attributes) {
            let key = keys.of(&cell);
            add(&mut of_point, cell.row(), attribute(&cell, key.hash));
            if let Some(range) = ranges.get_mut(cell.row() as usize) {
                let at = cells.len();
                *range = if range.1 == at && at > 0 { (range.0, at + 1) } else { (at, at + 1) };
            }
            cells.push(cell.id());
            if key.is_overflow && cell.value() == Value::Boolean(true) {
                set(&mut overflow, cell.row(), true);
            }
        }
        let mut times = vec![0; count];
        for cell in batch.cells(fields.time) {
            set(&mut times, cell.row(), signed(cell.value()).cast_unsigned());
        }
        let (mut numbers, mut values) = (vec![None; count], vec![None; count]);
        for cell in batch.cells(fields.value) {
            set(&mut values, cell.row(), Some(cell.id()));
            set(&mut numbers, cell.row(), Number::of(cell.value()));
        }
        let point = |row: usize| {
            let metric = metrics.get(row).copied()?;
            let resource = of_resource.get(*resources.get(row)? as usize)?;
            Some(Point {
                row: row as u32,
                metric,
                metric_name: names.get(metric as usize)?,
                metric_hash: *hashes.get(metric as usize)?,
                series: hash((resource, of_point[row])),
                time: times[row],
                number: numbers[row],
                is_overflow: overflow[row],
            })
        };
        Points { points: (0..count).filter_map(point).collect(), kinds, ranges, cells, values }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Point<'b>> {
        self.points.iter()
    }

    /// Whether points of its metric are added up; those of a gauge are not.
    pub(crate) fn is_sum(&self, point: &Point<'_>) -> bool {
        self.kinds.get(point.metric as usize) == Some(&SUM)
    }

    /// The attributes of a point.
    pub(crate) fn attributes(&self, row: u32) -> impl Iterator<Item = CellId> + '_ {
        let (start, end) = self.ranges.get(row as usize).copied().unwrap_or_default();
        self.cells.get(start..end).unwrap_or_default().iter().copied()
    }

    /// The cell of a point's value.
    pub(crate) fn value_cell(&self, row: u32) -> Option<CellId> {
        self.values.get(row as usize).copied().flatten()
    }
}

/// Points that become one.
#[derive(Default)]
pub(crate) struct Overflow {
    rows: Vec<u32>,
    /// The one that stays, and what it says in the end where that is not what it says already.
    kept: Option<(u32, Number)>,
    sum: Option<Number>,
}

impl Overflow {
    pub(crate) fn add(&mut self, point: &Point<'_>, number: Number, is_sum: bool) {
        self.rows.push(point.row);
        if !is_sum {
            // Of a gauge the last one stands for all.
            self.kept = Some((point.row, number));
            return;
        }
        // A sum with a fraction needs a point that can say it.
        match (self.kept, number) {
            (None, _) | (Some((_, Number::Int(_))), Number::Double(_)) => self.kept = Some((point.row, number)),
            _ => {}
        }
        self.sum = Some(self.sum.map_or(number, |sum| sum.plus(number)));
    }

    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    pub(crate) fn points(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The row that stays, and its new value.
    pub(crate) fn result(&self) -> Option<(u32, Option<NewValue<'static>>)> {
        let (row, number) = self.kept?;
        let value = self.sum.filter(|sum| *sum != number).map(|sum| match (number, sum) {
            (Number::Int(_), Number::Int(sum)) => NewValue::Signed(sum),
            // A field keeps its type: what is too large for it is the largest that it can say.
            (Number::Int(_), Number::Double(sum)) => NewValue::Signed(sum as i64),
            (Number::Double(_), sum) => NewValue::Double(sum.as_double()),
        });
        Some((row, value))
    }
}

impl Number {
    fn of(value: Value<'_>) -> Option<Number> {
        match value {
            Value::Signed(number) => Some(Number::Int(number)),
            Value::Double(number) => Some(Number::Double(number)),
            _ => None,
        }
    }

    fn as_double(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Double(number) => number,
        }
    }

    fn plus(self, other: Number) -> Number {
        if let (Number::Int(a), Number::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(b)
        {
            return Number::Int(sum);
        }
        Number::Double(self.as_double() + other.as_double())
    }
}

/// What is known of a key.
#[derive(Clone, Copy)]
struct Key {
    hash: u64,
    is_overflow: bool,
}

/// The keys of a batch, each looked at once.
#[derive(Default)]
struct Keys {
    /// By their numbers in the batch's dictionary.
    known: Vec<Option<Key>>,
}

impl Keys {
    fn of(&mut self, cell: &Cell<'_>) -> Key {
        let key = || cell.key().unwrap_or_default();
        let look = || Key { hash: hash(key()), is_overflow: key() == OVERFLOW };
        let Some(number) = cell.key_number() else { return look() };
        let number = number as usize;
        if number >= self.known.len() {
            self.known.resize(number + 1, None);
        }
        match self.known.get_mut(number) {
            Some(known) => *known.get_or_insert_with(look),
            None => look(),
        }
    }
}

/// One attribute, of whose key this is the hash: in what order they stand makes no difference.
fn attribute(cell: &Cell<'_>, key: u64) -> u64 {
    match cell.value() {
        Value::Text(text) => hash((key, 0u8, text)),
        Value::Bytes(bytes) => hash((key, 1u8, bytes)),
        Value::Signed(number) => hash((key, 2u8, number)),
        Value::Unsigned(number) => hash((key, 3u8, number)),
        Value::Double(number) => hash((key, 4u8, number.to_bits())),
        Value::Boolean(truth) => hash((key, 5u8, truth)),
        Value::Encoded(encoded) => hash((key, 6u8, encoded)),
    }
}

fn signed(value: Value<'_>) -> i64 {
    match value {
        Value::Signed(number) => number,
        Value::Unsigned(number) => number.cast_signed(),
        _ => 0,
    }
}

fn set<T>(list: &mut [T], row: u32, value: T) {
    if let Some(place) = list.get_mut(row as usize) {
        *place = value;
    }
}

fn add(list: &mut [u64], row: u32, hash: u64) {
    if let Some(place) = list.get_mut(row as usize) {
        *place = place.wrapping_add(hash);
    }
}
