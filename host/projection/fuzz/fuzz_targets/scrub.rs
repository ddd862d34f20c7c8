//! Any request: a scrubber that reads every text and writes each anew leaves none of the old ones behind.

#![no_main]

use std::sync::LazyLock;

use host_otlp::schema::Kind;
use host_otlp::view::View;
use host_otlp::{Signal, check};
use host_projection::{Edit, Grants, Limits, Plan, Projector, Read, Script, Slice, Unmetered, Value};
use libfuzzer_sys::fuzz_target;

#[path = "../../../otlp/tests/it/entropy.rs"]
mod entropy;
#[path = "../../../otlp/tests/it/generate.rs"]
mod generate;
#[path = "../../../otlp/tests/it/mutate.rs"]
mod mutate;

const ALL: [&str; 5] = [
    "resource.attributes[**]",
    "resource.entity_refs[**]",
    "resource.schema_url",
    "scope.attributes[**]",
    "scope.schema_url",
];
const SCOPE: [&str; 2] = ["scope.name", "scope.version"];
const LOGS: [&str; 4] = ["log.body[**]", "log.attributes[**]", "log.severity_text", "log.event_name"];
const TRACES: [&str; 8] = [
    "span.name",
    "span.trace_state",
    "span.attributes[**]",
    "span.status.message",
    "spanevent.name",
    "spanevent.attributes[**]",
    "spanlink.trace_state",
    "spanlink.attributes[**]",
];
const METRICS: [&str; 6] = [
    "metric.name",
    "metric.description",
    "metric.unit",
    "metric.metadata[**]",
    "datapoint.attributes[**]",
    "exemplar.attributes[**]",
];

/// By signal, one that reads every text and one that reads texts in which there is a character.
static PROJECTORS: LazyLock<Vec<[Projector; 2]>> = LazyLock::new(|| {
    let grants = Grants { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()] };
    let compile = |signal, own: &[&str], patterns: &[&str]| {
        let paths: Vec<String> = ALL.iter().chain(&SCOPE).chain(own).map(ToString::to_string).collect();
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        let reads = paths.iter().map(|path| Read { path: path.clone(), patterns: patterns.clone(), ..Read::default() }).collect();
        let plan = Plan { reads, writes: paths, ..Plan::default() };
        Projector::compile(signal, &plan, &grants, &Limits::default()).expect("the plan is fixed")
    };
    let both = |signal, own: &[&str]| [compile(signal, own, &[]), compile(signal, own, &["(?s)."])];
    vec![both(Signal::Logs, &LOGS), both(Signal::Traces, &TRACES), both(Signal::Metrics, &METRICS)]
});

/// Asserts that no text and no bytes are left in the message but the new text, and nothing that the schema does not know.
fn clean(view: View<'_>, new: &[u8], bytes_may_stay: bool) {
    for field in view.fields() {
        let content = &view.buf[field.start..field.end];
        match view.schema(&field).expect("unknown fields are taken out").kind {
            Kind::Text => assert!(content == new || content.is_empty(), "{}: {content:?}", view.message.name),
            Kind::Bytes => assert!(bytes_may_stay, "{}: {content:?}", view.message.name),
            Kind::Id(id) => assert!(id.fits(content.len())),
            _ => {}
        }
        if let Some(inner) = view.enter(&field) {
            clean(inner, new, bytes_may_stay);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(first) % 3];
    let request = match first & 0x80 {
        // As it is, or made up.
        0 => data.to_vec(),
        _ => {
            let (seed, changes) = data.split_at(data.len() / 2);
            let encoded = generate::of(signal, &mut entropy::Entropy::new(seed));
            mutate::with_unknown(View::request(signal, &encoded), &mut entropy::Entropy::new(changes))
        }
    };
    let Ok(payload) = check(signal, request.into(), &host_otlp::Limits::default()) else { return };
    for (projector, new, bytes_may_stay) in [(0, "x", false), (1, "", true)] {
        let projector = &PROJECTORS[signal as usize][projector];
        let projection = projector.project(payload.clone(), &mut Unmetered).expect("nothing meters");
        let cells: u32 = projection.batch.columns.iter().map(|column| column.rows.len() as u32).sum();
        let value = Value::Text(Slice { start: 0, end: new.len() as u32 });
        let edits = (0..cells).map(|cell| Edit::Replace { cell, value }).collect();
        let script = Script { edits, text: new.as_bytes().to_vec() };
        for routed in projection.apply(&script, &mut Unmetered).expect("the cells are apart") {
            let left = routed.payload.contiguous();
            clean(View::request(signal, &left), new.as_bytes(), bytes_may_stay);
            let again = check(signal, left, &host_otlp::Limits::default()).expect("edits leave it valid");
            assert_eq!(again.items(), payload.items());
        }
    }
});
