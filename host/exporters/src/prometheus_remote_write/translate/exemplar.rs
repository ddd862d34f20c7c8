//! Exemplars: the trace that a measurement belongs to, and its other attributes where there is room for them.

use std::fmt::Write as _;

use host_otlp::view::{self, Number, Repeated};
use smallvec::SmallVec;

use super::{Run, millis};
use crate::prometheus_remote_write::batch::{Exemplar, Label, Symbols};
use crate::prometheus_remote_write::text::text;

/// How many characters the labels of an exemplar may have in all.
const MOST: usize = 128;

impl<'a> Run<'a, '_> {
    pub(super) fn exemplars(&mut self, exemplars: Repeated<'a, view::Exemplar<'a>>) -> Vec<Exemplar> {
        exemplars.filter_map(|exemplar| made(&exemplar, &mut self.batch.symbols)).collect()
    }
}

fn made(exemplar: &view::Exemplar<'_>, symbols: &mut Symbols) -> Option<Exemplar> {
    let value = match exemplar.value()? {
        Number::Double(value) => value,
        Number::Int(value) => value as f64,
    };
    let mut labels: SmallVec<[Label; 4]> = SmallVec::new();
    let mut length = 0;
    for (name, id) in [("trace_id", exemplar.trace_id), ("span_id", exemplar.span_id)] {
        if id.iter().any(|byte| *byte != 0) {
            let id = hex(id);
            length += name.len() + id.len();
            labels.push(Label { name: symbols.add(name), value: symbols.add(&id) });
        }
    }
    let ids = labels.len();
    for pair in exemplar.filtered_attributes.clone() {
        let value = text(pair.value.as_ref());
        length += pair.key.chars().count() + value.chars().count();
        let name = symbols.add(pair.key);
        if !value.is_empty() && !labels.iter().any(|label| label.name == name) {
            labels.push(Label { name, value: symbols.add(&value) });
        }
    }
    if length > MOST {
        labels.truncate(ids);
    }
    labels.sort_by(|a, b| symbols.text(a.name).cmp(symbols.text(b.name)));
    Some(Exemplar { labels, value, time: millis(exemplar.time_unix_nano) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        // Writing to text cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}
