//! Any payload that the door lets in, and any script: the edits are refused, or what comes back passes the door, too.

#![no_main]

use std::sync::LazyLock;

use host_otlp::{Payload, Signal, check};
use host_projection::{Edit, Grants, Level, Limits, Mode, Plan, Projector, Read, Script, Slice, Unmetered, Value};
use libfuzzer_sys::fuzz_target;

const LOGS: [&str; 6] = [
    "log.body[**]",
    "log.attributes[**]",
    "resource.attributes[*]",
    "log.severity_text",
    "log.severity_number",
    "scope.name",
];
const TRACES: [&str; 6] = [
    "span.attributes[**]",
    "spanevent.attributes[*]",
    "span.name",
    "spanlink.trace_state",
    "span.status.message",
    "resource.attributes[*]",
];
const METRICS: [&str; 6] = [
    "datapoint.attributes[**]",
    "datapoint.value",
    "exemplar.attributes[*]",
    "metric.name",
    "metric.metadata[*]",
    "metric.is_monotonic",
];

/// For each signal a projector that reads every cell, and one that reads by patterns.
static PROJECTORS: LazyLock<Vec<Projector>> = LazyLock::new(|| {
    let all = Grants { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()] };
    let mut projectors = Vec::new();
    for (signal, paths) in [(Signal::Logs, LOGS), (Signal::Traces, TRACES), (Signal::Metrics, METRICS)] {
        for patterns in [&[] as &[&str], &["[a-c]+", r"\b\d+\b"]] {
            let texts = if patterns.is_empty() { &paths[..] } else { &paths[..1] };
            let read = |path: &&str| Read {
                path: path.to_string(),
                patterns: patterns.iter().map(ToString::to_string).collect(),
                ..Read::default()
            };
            let plan = Plan {
                reads: texts.iter().map(read).collect(),
                writes: paths.iter().chain(&["drop", "route"]).map(ToString::to_string).collect(),
                routes: vec!["a".to_owned(), "b".to_owned()],
                ..Plan::default()
            };
            projectors.push(Projector::compile(signal, &plan, &all, &Limits::default()).expect("the plan is fixed"));
        }
    }
    projectors
});

/// Takes numbers from the front of the data; zeros when it is used up.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn byte(&mut self) -> u32 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u32::from(*first)
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.byte() % limit
    }

    fn slice(&mut self) -> Slice {
        Slice { start: self.below(20), end: self.below(20) }
    }

    fn value(&mut self) -> Value {
        match self.below(5) {
            0 => Value::Text(self.slice()),
            1 => Value::Bytes(self.slice()),
            2 => Value::Signed(i64::from(self.byte()) << self.below(56)),
            3 => Value::Double(f64::from(self.byte())),
            _ => Value::Boolean(self.below(2) == 1),
        }
    }

    fn level(&mut self) -> Level {
        use Level::{Event, Exemplar, Item, Link, Metric, Origin, Scope};
        [Origin, Scope, Metric, Item, Event, Link, Exemplar][self.below(7) as usize]
    }

    fn edit(&mut self) -> Edit {
        let rows = (self.below(5), self.below(5));
        match self.below(6) {
            0 => Edit::Splice { cell: self.byte(), start: self.below(9), end: self.below(9), with: self.slice() },
            1 => Edit::Replace { cell: self.byte(), value: self.value() },
            2 => Edit::Remove { cell: self.byte() },
            3 => Edit::Upsert {
                write: self.below(9),
                first_row: rows.0,
                end_row: rows.1,
                key: self.slice(),
                value: self.value(),
                mode: [Mode::Upsert, Mode::Insert, Mode::Update][self.below(3) as usize],
            },
            4 => Edit::Drop { level: self.level(), first_row: rows.0, end_row: rows.1 },
            _ => Edit::Route { level: self.level(), first_row: rows.0, end_row: rows.1, route: self.below(3) },
        }
    }
}

fn door(signal: Signal, bytes: &[u8]) -> Option<Payload> {
    check(signal, bytes.to_vec().into(), &host_otlp::Limits::default()).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some((&[first, cut], data)) = data.split_first_chunk::<2>() else { return };
    let projector = &PROJECTORS[usize::from(first) % PROJECTORS.len()];
    let (script, request) = data.split_at(data.len().min(usize::from(cut)));
    let Some(mut payload) = door(projector.signal(), request) else { return };
    if first & 0x80 != 0 {
        payload.join(payload.clone());
    }
    let mut numbers = Numbers(script);
    let edits = (0..1 + numbers.below(5)).map(|_| numbers.edit()).collect();
    let script = Script { edits, text: "some text, d\u{e9}j\u{e0} vu".as_bytes().to_vec() };

    let projection = projector.project(payload.clone(), &mut Unmetered).expect("nothing meters");
    let untouched = projector.project(payload, &mut Unmetered).expect("nothing meters");
    let before = untouched.into_payload();
    let Ok(routed) = projection.apply(&script, &mut Unmetered) else { return };
    let mut items = 0;
    for routed in routed {
        let again = door(projector.signal(), &routed.payload.contiguous()).expect("edits leave it valid");
        assert_eq!(again.items(), routed.payload.items());
        items += again.items();
    }
    if !script.edits.iter().any(|edit| matches!(edit, Edit::Drop { .. })) {
        assert_eq!(items, before.items());
    }
});
