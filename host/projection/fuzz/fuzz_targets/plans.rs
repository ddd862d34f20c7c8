//! Any text as a path or a pattern: refused with a reason, or a plan that runs and finds what `regex` finds.

#![no_main]

use host_otlp::{Signal, check, wire};
use host_projection::path::Path;
use host_projection::{Grants, Limits, Plan, Projector, Read, Unmetered};
use libfuzzer_sys::fuzz_target;

/// A request with one log record whose body is `text`.
fn request(text: &str) -> Vec<u8> {
    let mut message = Vec::new();
    wire::put_len(&mut message, 1, text.as_bytes());
    for number in [5, 2, 2, 1] {
        let inner = std::mem::take(&mut message);
        wire::put_len(&mut message, number, &inner);
    }
    message
}

fuzz_target!(|data: &[u8]| {
    let Ok(data) = std::str::from_utf8(data) else { return };
    if let Ok(path) = Path::parse(data) {
        let again = Path::parse(&path.to_string()).expect("a path prints as it is written");
        assert!(path.covers(&again) && again.covers(&path));
    }
    let Some((pattern, text)) = data.split_once('\n') else { return };
    let plan = Plan {
        reads: vec![Read { path: "log.body".to_owned(), patterns: vec![pattern.to_owned()], ..Read::default() }],
        ..Plan::default()
    };
    let grants = Grants { reads: vec!["*".to_owned()], ..Grants::default() };
    let limits = Limits { pattern_size: 1 << 18, pattern_length: 64, ..Limits::default() };
    let Ok(projector) = Projector::compile(Signal::Logs, &plan, &grants, &limits) else { return };
    let payload = check(Signal::Logs, request(text).into(), &host_otlp::Limits::default()).expect("one record");
    let batch = projector.project(payload, &mut Unmetered).expect("nothing meters").batch;
    let found = batch.columns.first().map_or(&[] as &[_], |column| &column.matches);
    let found: Vec<_> = found.iter().map(|found| (found.start as usize, found.end as usize)).collect();
    // The classes that are ASCII here are not in `regex`, so patterns with such are only run.
    if !pattern.contains('\\') {
        let regex = regex::Regex::new(pattern).expect("the same syntax");
        assert_eq!(
            found,
            regex.find_iter(text).map(|found| found.range()).map(|range| (range.start, range.end)).collect::<Vec<_>>()
        );
    }
});
