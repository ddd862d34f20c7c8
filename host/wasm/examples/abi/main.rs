//! What it costs to take a batch across into a guest and back, by the way that is taken: one request of 100 log records
//! with ten attributes each, four scrub patterns over bodies and attributes, CPU time of the one thread that does it all.
//!
//! `cargo run --release --package host-wasm --example abi [ROUNDS]` builds the guests in `tests/guests` and prints a table.
//! Each round runs every way on the same requests, one after another; the figure of a way is the median of its rounds.

mod bytes;
mod data;
mod edits;
mod guests;
mod native;
#[path = "../../../../tests/guests/scrub.rs"]
mod scrub;
mod typed;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use host_component::Payload;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;
use rustix::time::{ClockId, clock_gettime};

/// Requests at a time: enough that a thread does not fall asleep between two of them.
const REQUESTS: u64 = 64;
const ROUNDS: usize = 15;

/// A way across: what it is called, and what it makes of some requests.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) run: Box<Run>,
}

pub(crate) type Run = dyn FnMut(&[Payload]) -> Result<Work>;

/// What some requests took: the CPU time, and what came out of each.
pub(crate) struct Work {
    pub(crate) nanos: u64,
    pub(crate) out: Vec<Vec<u8>>,
}

impl Work {
    /// Measures `work` on this thread, request by request.
    pub(crate) fn of(requests: &[Payload], mut work: impl FnMut(&Payload) -> Result<Vec<u8>>) -> Result<Self> {
        let before = cpu();
        let out: Result<Vec<_>> = requests.iter().map(&mut work).collect();
        Ok(Work { nanos: cpu() - before, out: out? })
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_ref().is_some_and(|first| first == "compile") {
        // The sandbox starts this program again to compile the guest.
        return host_wasm::compile_main(arguments);
    }
    match bench(first) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(rounds: Option<OsString>) -> Result<()> {
    let rounds = rounds.map(|n| n.to_string_lossy().parse()).transpose().context("the number of rounds")?;
    let guests = guests::build()?;
    let requests: Vec<Payload> = (0..REQUESTS).map(data::request).collect();
    let records = requests[0].items();
    println!("{} B a request, {} records", requests[0].len(), records);

    let mut ways = native::ways()?;
    ways.extend(edits::ways(&guests)?);
    ways.push(bytes::way(&guests)?);
    ways.push(typed::way(&guests)?);
    let outputs = agree(&mut ways, &requests)?;
    println!("{outputs} texts masked a request, the same on each way");

    let mut nanos: Vec<Vec<u64>> = vec![Vec::new(); ways.len()];
    for _ in 0..rounds.unwrap_or(ROUNDS) {
        for (way, nanos) in ways.iter_mut().zip(&mut nanos) {
            nanos.push((way.run)(&requests)?.nanos / (REQUESTS * records));
        }
    }
    println!("\n| Way across | ns a record | least | most |\n|---|---|---|---|");
    for (way, nanos) in ways.iter().zip(&mut nanos) {
        nanos.sort_unstable();
        println!("| {} | {} | {} | {} |", way.name, nanos[nanos.len() / 2], nanos[0], nanos[nanos.len() - 1]);
    }
    Ok(())
}

/// Checks that all ways mask the same, and tells how many texts that are in a request.
fn agree(ways: &mut [Way], requests: &[Payload]) -> Result<usize> {
    let mut first: Option<Vec<String>> = None;
    for way in ways {
        let out = (way.run)(requests)?.out;
        let texts: Vec<Vec<String>> = out.iter().map(|out| texts(out)).collect::<Result<_>>()?;
        let texts = texts.concat();
        match &first {
            Some(first) => ensure!(*first == texts, "{} gives other texts than the first way", way.name),
            None => first = Some(texts),
        }
    }
    let masked = first.iter().flatten().filter(|text| text.contains(scrub::MASK)).count();
    ensure!(masked > 0, "nothing is masked");
    Ok(masked / requests.len())
}

fn cpu() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// The bodies and the texts among the attributes of all records.
fn texts(encoded: &[u8]) -> Result<Vec<String>> {
    let request = ExportLogsServiceRequest::decode(encoded)?;
    let records =
        request.resource_logs.into_iter().flat_map(|group| group.scope_logs).flat_map(|group| group.log_records);
    let values = records.flat_map(|record| {
        let attributes = record.attributes.into_iter().filter_map(|attribute| attribute.value);
        record.body.into_iter().chain(attributes)
    });
    let texts = values.filter_map(|value| match value.value {
        Some(Value::StringValue(text)) => Some(text),
        _ => None,
    });
    Ok(texts.collect())
}
