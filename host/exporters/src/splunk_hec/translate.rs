//! From OTLP to requests: events gathered by what a request says beside them.

mod buckets;
mod logs;
mod metrics;
mod traces;

use std::collections::BTreeMap;

use host_otlp::{Payload, Signal};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::event::Place;
use crate::entries::{Entries, Form, Packer};
use crate::growth::Growth;
use crate::left_out::LeftOut;

/// What requests look like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) source: String,
    pub(crate) sourcetype: String,
    pub(crate) index: String,
    /// The attributes that say where an event comes from.
    pub(crate) names: Names,
    /// The fields for what a log record says of itself.
    pub(crate) fields: FieldNames,
    pub(crate) is_raw: bool,
    pub(crate) is_multi_metric: bool,
    pub(crate) with_logs: bool,
    pub(crate) with_profiling: bool,
    /// The most bytes of a request, by signal; `usize::MAX` where there is no limit.
    pub(crate) max_bytes: [usize; 3],
    pub(crate) max_event_bytes: usize,
}

/// The attributes that hold what Splunk keeps beside an event.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) source: String,
    pub(crate) sourcetype: String,
    pub(crate) index: String,
    pub(crate) host: String,
}

/// The fields of a log event that are no attributes.
#[derive(Clone, Debug)]
pub(crate) struct FieldNames {
    pub(crate) severity_text: String,
    pub(crate) severity_number: String,
    pub(crate) name: String,
}

/// What a request says beside its events. Events that want different ones travel apart.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Heading {
    /// The token that the data itself names; empty where that of the configuration is shown.
    pub(crate) token: String,
    /// Whether the events are bare texts.
    pub(crate) is_raw: bool,
    /// What raw events cannot say themselves.
    pub(crate) query: String,
    /// Whether they are a profiler's.
    pub(crate) is_profiling: bool,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) signal: Signal,
    pub(crate) heading: Heading,
    pub(crate) events: Entries<()>,
}

/// The requests that carry a payload, and what of it they cannot carry.
pub(crate) fn requests(payload: &Payload, shape: &Shape) -> (Vec<Request>, LeftOut) {
    let mut gathered = Gathered {
        shape,
        signal: payload.signal(),
        packers: BTreeMap::new(),
        left_out: LeftOut::default(),
        growth: Growth::of(payload),
    };
    match payload.signal() {
        Signal::Logs => logs::translate(payload, &mut gathered),
        Signal::Traces => traces::translate(payload, &mut gathered),
        Signal::Metrics => metrics::translate(payload, &mut gathered),
    }
    gathered.finish()
}

/// Events on their way into requests.
struct Gathered<'s> {
    shape: &'s Shape,
    signal: Signal,
    packers: BTreeMap<Heading, Packer<()>>,
    left_out: LeftOut,
    growth: Growth,
}

impl Gathered<'_> {
    /// Adds an event for an item, where there is room for it.
    fn add(&mut self, heading: Heading, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.growth.has(0) {
            self.left_out.add(LeftOut::TOO_MUCH_REPEATED, 1);
            return;
        }
        let bytes = self.pack(heading, 1, write);
        self.growth.take(bytes);
    }

    /// Packs an event for this many items for which room was taken: how many bytes it takes.
    fn pack(&mut self, heading: Heading, items: u64, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let form = Form {
            open: "",
            between: "",
            close: "",
            max_bytes: self.shape.max_bytes[self.signal as usize],
            max_entries: usize::MAX,
            max_entry_bytes: self.shape.max_event_bytes,
        };
        let packer = self.packers.entry(heading).or_insert_with(|| Packer::new(form));
        packer.add(items, (), write).unwrap_or_else(|_| {
            self.left_out.add(LeftOut::TOO_LONG, items);
            0
        })
    }

    fn finish(self) -> (Vec<Request>, LeftOut) {
        let signal = self.signal;
        let requests = self.packers.into_iter().flat_map(|(heading, packer)| {
            packer.finish().into_iter().map(move |events| Request { signal, heading: heading.clone(), events })
        });
        (requests.collect(), self.left_out)
    }
}

impl Heading {
    /// For events that say themselves where they come from.
    fn of(place: &Place<'_>) -> Self {
        Heading { token: place.token.clone().into_owned(), ..Heading::default() }
    }

    /// For bare texts, whose origin stands in the address.
    fn raw(place: &Place<'_>) -> Self {
        let parts = [
            ("host", &place.host),
            ("source", &place.source),
            ("sourcetype", &place.sourcetype),
            ("index", &place.index),
        ];
        let told = parts.iter().filter(|(_, value)| !value.is_empty());
        let pairs = told.map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        Heading { is_raw: true, query: pairs.collect::<Vec<_>>().join("&"), ..Heading::of(place) }
    }
}

#[cfg(test)]
mod tests;
