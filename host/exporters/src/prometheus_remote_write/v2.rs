//! Remote write 2: an `io.prometheus.write.v2.Request`, in which texts stand once and labels are numbers.

use std::ops::Range;

use host_otlp::wire;

use super::batch::{Batch, NOTHING, Series, Symbol, Symbols};
use super::wire::{Counts, Encoded, double, histogram, integer, message, unsigned};

pub(super) const CONTENT_TYPE: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
pub(super) const VERSION: &str = "2.0.0";

pub(super) fn encode(batch: &Batch, series: Range<usize>, max_bytes: usize) -> Encoded {
    let mut table = Table::new(&batch.symbols);
    let (mut counts, mut end) = (Counts::default(), series.start);
    let mut out = Vec::new();
    for one in &batch.series[series] {
        let (before, used) = (out.len(), table.used.len());
        message(&mut out, 5, 2, |out| put(out, batch, one, &mut table));
        if before > 0 && out.len() + table.bytes > max_bytes {
            out.truncate(before);
            table.truncate(used);
            break;
        }
        counts.add(one);
        end += 1;
    }
    let mut body = Vec::with_capacity(table.bytes + out.len());
    for symbol in &table.used {
        wire::put_len(&mut body, 4, batch.symbols.text(*symbol).as_bytes());
    }
    body.extend_from_slice(&out);
    Encoded { body, counts, end }
}

fn put(out: &mut Vec<u8>, batch: &Batch, series: &Series, table: &mut Table<'_>) {
    message(out, 1, 1, |out| {
        for label in batch.labels(series) {
            table.put(out, label.name);
            table.put(out, label.value);
        }
    });
    for sample in &series.samples {
        message(out, 2, 1, |out| {
            double(out, 1, sample.value);
            integer(out, 2, sample.time);
            integer(out, 3, sample.start);
        });
    }
    for one in &series.histograms {
        message(out, 3, 2, |out| histogram(out, one, true));
    }
    for exemplar in &series.exemplars {
        message(out, 4, 1, |out| {
            message(out, 1, 1, |out| {
                for label in &exemplar.labels {
                    table.put(out, label.name);
                    table.put(out, label.value);
                }
            });
            double(out, 2, exemplar.value);
            integer(out, 3, exemplar.time);
        });
    }
    if let Some(family) = batch.families.get(series.family as usize) {
        message(out, 5, 1, |out| {
            unsigned(out, 1, family.kind as u64);
            unsigned(out, 3, u64::from(table.at(family.help)));
            unsigned(out, 4, u64::from(table.at(family.unit)));
        });
    }
}

/// The texts of one request, in the order in which they come up. The first one is empty.
struct Table<'s> {
    symbols: &'s Symbols,
    used: Vec<Symbol>,
    /// Where each symbol of the batch is in the request; 0 where it is not yet.
    places: Vec<u32>,
    bytes: usize,
}

impl<'s> Table<'s> {
    fn new(symbols: &'s Symbols) -> Self {
        Table { symbols, used: vec![NOTHING], places: vec![0; symbols.len()], bytes: 2 }
    }

    fn size(&self, symbol: Symbol) -> usize {
        let len = self.symbols.text(symbol).len();
        1 + wire::varint_len(len as u64) + len
    }

    fn at(&mut self, symbol: Symbol) -> u32 {
        let place = self.places[symbol as usize];
        if place > 0 || symbol == NOTHING {
            return place;
        }
        let place = self.used.len() as u32;
        self.places[symbol as usize] = place;
        self.bytes += self.size(symbol);
        self.used.push(symbol);
        place
    }

    fn put(&mut self, out: &mut Vec<u8>, symbol: Symbol) {
        wire::put_varint(out, u64::from(self.at(symbol)));
    }

    /// Forgets what came up after the first `used`.
    fn truncate(&mut self, used: usize) {
        for symbol in self.used.split_off(used) {
            self.places[symbol as usize] = 0;
            self.bytes -= self.size(symbol);
        }
    }
}
