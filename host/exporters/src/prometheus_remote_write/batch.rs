//! A batch is what one payload is in Prometheus' terms: series, each once, with the samples that it has there.
//!
//! All texts lie in one table of symbols, so that a label is two numbers and a text that stands in many series is kept,
//! compared and hashed once.

use std::hash::BuildHasher as _;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;

/// A text of the table.
pub(super) type Symbol = u32;

/// The text that is there from the start: the empty one.
pub(super) const NOTHING: Symbol = 0;

/// No point of the payload: for what is made of a resource.
pub(super) const NO_POINT: u32 = u32::MAX;

/// How many labels a series has mostly, how many texts an item has that no other has, and of how many bytes.
const LABELS: usize = 7;
const TEXTS: usize = 4;
const TEXT: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) name: Symbol,
    pub(super) value: Symbol,
}

/// The texts of one batch.
pub(super) struct Symbols {
    hasher: DefaultHashBuilder,
    text: String,
    entries: Vec<Entry>,
    table: HashTable<Symbol>,
}

#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    end: u32,
    hash: u64,
}

impl Symbols {
    /// The hasher decides the hashes of series: where they are to be the same in two batches, it has to be the same.
    fn new(hasher: DefaultHashBuilder, room: usize) -> Self {
        let (entries, table) = (Vec::with_capacity(room), HashTable::with_capacity(room));
        let mut symbols = Symbols { hasher, text: String::with_capacity(TEXT * room), entries, table };
        symbols.add("");
        symbols
    }

    pub(super) fn add(&mut self, text: &str) -> Symbol {
        let hash = self.hasher.hash_one(text);
        let (all, entries) = (&self.text, &self.entries);
        let of = |symbol: Symbol| entries.get(symbol as usize).map_or("", |e| &all[e.start as usize..e.end as usize]);
        if let Some(found) = self.table.find(hash, |symbol| of(*symbol) == text) {
            return *found;
        }
        let symbol = self.entries.len() as Symbol;
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.entries.push(Entry { start, end: self.text.len() as u32, hash });
        let entries = &self.entries;
        self.table.insert_unique(hash, symbol, |symbol| entries.get(*symbol as usize).map_or(0, |entry| entry.hash));
        symbol
    }

    pub(super) fn text(&self, symbol: Symbol) -> &str {
        self.entries.get(symbol as usize).map_or("", |entry| &self.text[entry.start as usize..entry.end as usize])
    }

    fn hash(&self, symbol: Symbol) -> u64 {
        self.entries.get(symbol as usize).map_or(0, |entry| entry.hash)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The hash of a set of labels: of their texts, whatever numbers they have here.
    pub(super) fn hash_labels<'l>(&self, labels: impl IntoIterator<Item = &'l Label>) -> u64 {
        labels
            .into_iter()
            .fold(0x9e37_79b9_7f4a_7c15, |hash, label| mix(mix(hash, self.hash(label.name)), self.hash(label.value)))
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x2d35_8dcc_aa6c_78a5) * u128::from(b ^ 0x8bb8_4b93_962e_acc9);
    (product >> 64) as u64 ^ product as u64
}

/// A number of a series at a time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) value: f64,
    pub(super) time: i64,
    /// When the count began; 0 where nothing says so.
    pub(super) start: i64,
    /// Which point of the payload it was made of.
    pub(super) point: u32,
}

/// A native histogram at a time, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NativeHistogram {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: u64,
    pub(super) negative: Buckets,
    pub(super) positive: Buckets,
    /// The bounds of its buckets, where they are its own.
    pub(super) bounds: Vec<f64>,
    pub(super) time: i64,
    pub(super) start: i64,
    pub(super) point: u32,
}

/// The buckets on one side of zero that hold something: runs of them, and the differences from one to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    /// How far it is from the end of the run before, and how long the run is.
    pub(super) spans: Vec<(i32, u32)>,
    pub(super) deltas: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exemplar {
    pub(super) labels: SmallVec<[Label; 4]>,
    pub(super) value: f64,
    pub(super) time: i64,
}

/// What is known of the metric that a series belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) name: Symbol,
    pub(super) kind: FamilyKind,
    pub(super) help: Symbol,
    pub(super) unit: Symbol,
}

/// A type of Prometheus', by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FamilyKind {
    Unknown = 0,
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
    Summary = 5,
    Info = 6,
    StateSet = 7,
}

#[derive(Debug)]
pub(super) struct Series {
    labels: (u32, u32),
    pub(super) family: u32,
    pub(super) samples: SmallVec<[Sample; 1]>,
    pub(super) histograms: Vec<NativeHistogram>,
    pub(super) exemplars: Vec<Exemplar>,
}

impl Series {
    /// The points of the payload that it was made of; one may stand there more than once.
    pub(super) fn points(&self) -> impl Iterator<Item = u32> {
        let samples = self.samples.iter().map(|sample| sample.point);
        samples.chain(self.histograms.iter().map(|histogram| histogram.point)).filter(|point| *point != NO_POINT)
    }
}

pub(super) struct Batch {
    pub(super) symbols: Symbols,
    labels: Vec<Label>,
    pub(super) series: Vec<Series>,
    pub(super) families: Vec<Family>,
    /// Where a set of labels is in `series`.
    index: HashTable<(u64, u32)>,
}

impl Batch {
    /// With room for so many items, each with a series of its own and one of its resource; it grows where that does not do.
    pub(super) fn new(hasher: DefaultHashBuilder, items: usize) -> Self {
        let series = 2 * items;
        Batch {
            symbols: Symbols::new(hasher, TEXTS * items),
            labels: Vec::with_capacity(LABELS * series),
            series: Vec::with_capacity(series),
            families: Vec::new(),
            index: HashTable::with_capacity(series),
        }
    }

    /// How many labels these series have together.
    pub(super) fn count_labels(&self, series: Range<usize>) -> usize {
        let series = self.series.get(series).unwrap_or_default();
        let ends = series.first().zip(series.last());
        ends.map_or(0, |(first, last)| last.labels.1.saturating_sub(first.labels.0) as usize)
    }

    /// The labels of a series, sorted by their names.
    pub(super) fn labels(&self, series: &Series) -> &[Label] {
        &self.labels[series.labels.0 as usize..series.labels.1 as usize]
    }

    /// The series with the labels that are added, which is of `family` where it is new.
    pub(super) fn series(&mut self, add_labels: impl FnOnce(&mut Vec<Label>), family: u32) -> &mut Series {
        let start = self.labels.len();
        add_labels(&mut self.labels);
        let hash = self.symbols.hash_labels(&self.labels[start..]);
        let (known, new) = self.labels.split_at(start);
        let series = &self.series;
        let is_same = |(other, at): &(u64, u32)| {
            let range = series[*at as usize].labels;
            *other == hash && known[range.0 as usize..range.1 as usize] == *new
        };
        let at = match self.index.find(hash, is_same) {
            Some((_, at)) => {
                let at = *at as usize;
                self.labels.truncate(start);
                at
            }
            None => {
                let at = self.series.len();
                self.index.insert_unique(hash, (hash, at as u32), |(hash, _)| *hash);
                self.series.push(Series {
                    labels: (start as u32, self.labels.len() as u32),
                    family,
                    samples: SmallVec::new(),
                    histograms: Vec::new(),
                    exemplars: Vec::new(),
                });
                at
            }
        };
        &mut self.series[at]
    }

    /// Brings the samples of each series into the order of their times, which Prometheus asks for.
    pub(super) fn sort(&mut self) {
        for series in &mut self.series {
            if !series.samples.is_sorted_by_key(|sample| sample.time) {
                series.samples.sort_by_key(|sample| sample.time);
            }
            if !series.histograms.is_sorted_by_key(|histogram| histogram.time) {
                series.histograms.sort_by_key(|histogram| histogram.time);
            }
            if !series.exemplars.is_sorted_by_key(|exemplar| exemplar.time) {
                series.exemplars.sort_by_key(|exemplar| exemplar.time);
            }
        }
    }
}
