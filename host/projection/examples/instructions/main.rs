//! One operation on fixed input, a number of times: what callgrind counts the instructions of.
//!
//! `instructions <operation> <repetitions>`; without arguments it lists the operations. Each prints what it did, so that
//! two runs with different repetitions give the cost of one by subtraction.

mod input;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use host_otlp::{Payload, Signal};
use host_projection::{
    Edit, Grants, Level, Limits, Mode, Plan, Projection, Projector, Read, Script, Slice, Unmetered, Value,
};

/// A name, what it does, and the function.
type Operation = (&'static str, &'static str, fn(usize) -> u64);

const OPERATIONS: [Operation; 7] = [
    ("project", "bodies and all attributes of 100 log records", |n| project(n, &[])),
    ("project-patterns", "the same with four patterns on every text", |n| project(n, &input::PATTERNS)),
    ("project-spans", "four patterns on every text of 100 spans", project_spans),
    ("apply", "one splice for each match of the patterns", apply),
    ("apply-labels", "three attributes upserted on 4 resources of 100 log records", |n| labels(n, 4)),
    ("apply-labels-many", "three attributes upserted on 5,000 resources", |n| labels(n, 5000)),
    ("apply-routes", "each other log record of 100 routed away", routes),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let repetitions = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let Some((_, what, run)) = OPERATIONS.iter().find(|(known, ..)| *known == name) else {
        for (name, what, _) in OPERATIONS {
            println!("{name:20} {what}");
        }
        return ExitCode::FAILURE;
    };
    let start = Instant::now();
    let done = run(repetitions);
    let each = start.elapsed().as_nanos() as f64 / repetitions.max(1) as f64;
    println!("{what}: {repetitions} times, {each:.0} ns each, {done} in all");
    ExitCode::SUCCESS
}

fn projector(signal: Signal, reads: &[&str], patterns: &[&str], writes: &[&str]) -> Projector {
    let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    let plan = Plan {
        reads: reads
            .iter()
            .map(|path| Read { path: path.to_string(), patterns: patterns.clone(), ..Read::default() })
            .collect(),
        writes: writes.iter().map(ToString::to_string).collect(),
        routes: if writes.contains(&"route") { vec!["aside".to_owned()] } else { Vec::new() },
        ..Plan::default()
    };
    let all = Grants { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()] };
    Projector::compile(signal, &plan, &all, &Limits::default()).expect("the plan is fixed")
}

const LOG_TEXT: [&str; 3] = ["log.body[**]", "log.attributes[**]", "resource.attributes[**]"];

fn view(projector: &Projector, payload: &Payload) -> Projection {
    projector.project(payload.clone(), &mut Unmetered).expect("nothing meters")
}

fn cells(projection: &Projection) -> u64 {
    projection.batch.columns.iter().map(|column| column.rows.len() as u64).sum()
}

fn project(repetitions: usize, patterns: &[&str]) -> u64 {
    let payload = input::logs(4, 25);
    let projector = projector(Signal::Logs, &LOG_TEXT, patterns, &[]);
    (0..repetitions).map(|_| cells(&black_box(view(&projector, &payload)))).sum()
}

fn project_spans(repetitions: usize) -> u64 {
    let payload = input::spans();
    let reads = ["span.name", "span.attributes[**]", "spanevent.attributes[**]", "resource.attributes[**]"];
    let projector = projector(Signal::Traces, &reads, &input::PATTERNS, &[]);
    (0..repetitions).map(|_| cells(&black_box(view(&projector, &payload)))).sum()
}

/// Each repetition projects, too: subtract `project-patterns`.
fn apply(repetitions: usize) -> u64 {
    let payload = input::logs(4, 25);
    let projector = projector(Signal::Logs, &LOG_TEXT, &input::PATTERNS, &LOG_TEXT);
    let mut script = Script { edits: Vec::new(), text: b"****".to_vec() };
    for column in &view(&projector, &payload).batch.columns {
        let mut last = (u32::MAX, 0);
        for found in &column.matches {
            // Matches of two patterns may overlap; splices may not.
            if last.0 == found.index && found.start < last.1 {
                continue;
            }
            last = (found.index, found.end);
            let (cell, with) = (column.first_cell + found.index, Slice { start: 0, end: 4 });
            script.edits.push(Edit::Splice { cell, start: found.start, end: found.end, with });
        }
    }
    run(repetitions, &projector, &payload, &script)
}

fn labels(repetitions: usize, resources: usize) -> u64 {
    let payload = input::logs(resources, if resources == 4 { 25 } else { 1 });
    let writes = ["cluster.id", "cluster.role", "hub.received_at"].map(|key| format!("resource.attributes[\"{key}\"]"));
    let projector = projector(Signal::Logs, &[], &[], &writes.each_ref().map(String::as_str));
    let (key, mode, end_row) = (Slice::default(), Mode::Upsert, resources as u32);
    let value = Value::Text(Slice { start: 0, end: 4 });
    let upsert = |write| Edit::Upsert { write, first_row: 0, end_row, key, value, mode };
    let script = Script { edits: vec![upsert(0), upsert(1), upsert(2)], text: b"eu-1".to_vec() };
    run(repetitions, &projector, &payload, &script)
}

fn routes(repetitions: usize) -> u64 {
    let payload = input::logs(4, 25);
    let projector = projector(Signal::Logs, &[], &[], &["route"]);
    let route = |row: u32| Edit::Route { level: Level::Item, first_row: row, end_row: row + 1, route: 0 };
    let script = Script { edits: (0..50).map(|row| route(2 * row)).collect(), text: Vec::new() };
    run(repetitions, &projector, &payload, &script)
}

fn run(repetitions: usize, projector: &Projector, payload: &Payload, script: &Script) -> u64 {
    let apply = |_| {
        let routed = view(projector, payload).apply(script, &mut Unmetered).expect("the script is right");
        routed.iter().map(|routed| black_box(&routed.payload).len() as u64).sum::<u64>()
    };
    (0..repetitions).map(apply).sum()
}
