//! Remote write 1: a `prometheus.WriteRequest`, in which each series has its labels as texts.

use std::ops::Range;

use host_otlp::wire::{self, WireType};

use super::batch::{Batch, Family, Label, Series, Symbols};
use super::wire::{Counts, Encoded, double, histogram, integer, message, unsigned};

pub(super) const CONTENT_TYPE: &str = "application/x-protobuf";
pub(super) const VERSION: &str = "0.1.0";

/// How many bytes a label has mostly, with its share of the rest.
const LABEL: usize = 64;
/// Tags of length-delimited fields: the labels of a series or an exemplar, and what a label consists of.
const LABELS: u8 = 1 << 3 | 2;
const NAME: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;

pub(super) fn encode(batch: &Batch, series: Range<usize>, max_bytes: usize) -> Encoded {
    let room = (LABEL * batch.count_labels(series.clone())).min(max_bytes);
    let mut encoded = Encoded { body: Vec::with_capacity(room), counts: Counts::default(), end: series.start };
    for one in &batch.series[series] {
        let before = encoded.body.len();
        message(&mut encoded.body, 1, 2, |out| put(out, batch, one));
        if before > 0 && encoded.body.len() > max_bytes {
            encoded.body.truncate(before);
            break;
        }
        encoded.counts.add(one);
        encoded.end += 1;
    }
    encoded
}

fn put(out: &mut Vec<u8>, batch: &Batch, series: &Series) {
    for label in batch.labels(series) {
        put_label(out, &batch.symbols, *label);
    }
    for sample in &series.samples {
        message(out, 2, 1, |out| {
            double(out, 1, sample.value);
            integer(out, 2, sample.time);
        });
    }
    for exemplar in &series.exemplars {
        message(out, 3, 2, |out| {
            exemplar.labels.iter().for_each(|label| put_label(out, &batch.symbols, *label));
            double(out, 2, exemplar.value);
            integer(out, 3, exemplar.time);
        });
    }
    for one in &series.histograms {
        message(out, 4, 2, |out| histogram(out, one, false));
    }
}

fn put_label(out: &mut Vec<u8>, symbols: &Symbols, label: Label) {
    let (name, value) = (symbols.text(label.name), symbols.text(label.value));
    let size = name.len() + value.len() + 4;
    if size < 0x80 {
        // Most are: then each length is one byte.
        out.extend_from_slice(&[LABELS, size as u8, NAME, name.len() as u8]);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&[VALUE, value.len() as u8]);
        out.extend_from_slice(value.as_bytes());
        return;
    }
    let length = |text: &str| 1 + wire::varint_len(text.len() as u64) + text.len();
    wire::put_tag(out, 1, WireType::Len);
    wire::put_varint(out, (length(name) + length(value)) as u64);
    wire::put_len(out, 1, name.as_bytes());
    wire::put_len(out, 2, value.as_bytes());
}

/// Encodes what is known of metrics: a request of its own, of as many as fit into `max_bytes`.
pub(super) fn encode_families(batch: &Batch, families: Range<usize>, max_bytes: usize) -> Encoded {
    let mut encoded = Encoded { body: Vec::new(), counts: Counts::default(), end: families.start };
    for family in &batch.families[families] {
        let before = encoded.body.len();
        message(&mut encoded.body, 3, 1, |out| put_family(out, &batch.symbols, family));
        if before > 0 && encoded.body.len() > max_bytes {
            encoded.body.truncate(before);
            break;
        }
        encoded.end += 1;
    }
    encoded
}

fn put_family(out: &mut Vec<u8>, symbols: &Symbols, family: &Family) {
    unsigned(out, 1, family.kind as u64);
    for (number, symbol) in [(2, family.name), (4, family.help), (5, family.unit)] {
        wire::put_len(out, number, symbols.text(symbol).as_bytes());
    }
}
