//! Modules that are nearly right: valid components with a few bytes changed, loaded as at a start and given batches. Each is refused,
//! or fails its batches, or gives payloads that the check at the door lets in; whatever it does, this program goes on.
//!
//! `cargo xtask fuzz modules --seconds N` runs it. What lies in the memory of the guests here is mostly plan and script, so that a
//! change of a byte is as often one of an edit as one of the code.

#[path = "../abi/data.rs"]
mod data;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host_component::{Payload, Signal};
use host_otlp::check;
use host_projection::batch::Level;
use host_projection::script::{Edit, Mode, Value};
use host_wasm::{BatchContext, GrantsConfig, Limits, NativeCode, Wanted, Workbench};
use test_adversaries::Guest;

/// The most bytes that are changed, put in or taken out at a time.
const CHANGES: u64 = 6;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.peek().is_some_and(|first| first == "compile") {
        // The workbench starts this program again to compile a module.
        return host_wasm::compile_main(arguments.skip(1));
    }
    let numbers: Vec<u64> = arguments.filter_map(|argument| argument.to_string_lossy().parse().ok()).collect();
    let [seconds, seed] = numbers[..] else {
        eprintln!("usage: mutations SECONDS SEED");
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(seconds, seed)));
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seed {seed}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(seconds: u64, seed: u64) -> Result<()> {
    let workbench = Workbench::start(NativeCode::Anew)?;
    let folder = tempfile::tempdir()?;
    let bases = bases();
    let requests: Vec<Payload> = (0..3).map(data::request).collect();
    let mut random = Random(seed.max(1));
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    let ends = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0u64;
    while Instant::now() < ends {
        tried += 1;
        let base = &bases[random.below(bases.len() as u64) as usize];
        let module = random.mutate(base);
        let path = folder.path().join("mutation.wasm");
        fs::write(&path, &module)?;
        let outcome = try_one(&workbench, &path.display().to_string(), &requests).await;
        let outcome = outcome.with_context(|| keep(&module, seed, tried))?;
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{tried} modules from seed {seed}");
    for (outcome, count) in outcomes {
        println!("  {count:>8} {outcome}");
    }
    Ok(())
}

/// What became of a module; an error is something that must not be.
async fn try_one(workbench: &Workbench, module: &str, requests: &[Payload]) -> Result<&'static str> {
    let Ok(opened) = workbench.open(module, &[]).await else { return Ok("refused before they were run") };
    let everything = vec!["*".to_owned()];
    let grants = GrantsConfig { reads: everything.clone(), writes: everything, ..GrantsConfig::default() };
    let limits = Limits { memory_mib: 8, timeout: Duration::from_millis(20), output_mib: 1 };
    let wanted = Wanted { signal: Signal::Logs, config: "{}", limits, grants: Some(&grants) };
    let Ok(trial) = opened.configure(&wanted) else { return Ok("refused when they were configured or tested") };
    let mut outcome = "loaded, and changed nothing";
    for request in requests {
        match trial.process(request.clone(), &BatchContext { now: 7, ..BatchContext::default() }) {
            Err(_) => outcome = "loaded, and failed a batch",
            Ok(processed) => {
                let mut items = 0;
                for part in processed.parts {
                    let bytes = part.payload.contiguous();
                    let checked = check(Signal::Logs, bytes, &host_otlp::Limits::default())
                        .context("the output is let in again")?;
                    items += checked.items();
                    ensure!(checked.items() == part.payload.items(), "the output has as many items as it says");
                }
                ensure!(items <= request.items(), "a module makes no items");
                if processed.edits > 0 {
                    outcome = "loaded, and edited a batch";
                }
            }
        }
    }
    Ok(outcome)
}

/// Keeps a module that should not be, and says where.
fn keep(module: &[u8], seed: u64, number: u64) -> String {
    let path = std::env::temp_dir().join(format!("tidegate-mutation-{seed}-{number}.wasm"));
    match fs::write(&path, module) {
        Ok(()) => format!("{} is that module", path.display()),
        Err(error) => format!("the module could not be kept: {error}"),
    }
}

/// Guests with each kind of edit.
fn bases() -> Vec<Vec<u8>> {
    let reading = || Guest::default().reads("log.body", &[]).reads("log.attributes[*]", &["staff"]).writes("log.body");
    let mut splicing = reading();
    let with = splicing.slice("masked");
    let splicing = splicing
        .edit(Edit::Splice { cell: 0, start: 0, end: 4, with })
        .edit(Edit::Replace { cell: 1, value: Value::Text(with) })
        .edit(Edit::Remove { cell: 2 });
    let mut writing = reading().writes("log.attributes[*]").writes("resource.attributes[\"cluster.id\"]");
    let (key, value) = (writing.slice("key"), writing.slice("value"));
    let nothing = writing.slice("");
    let writing = writing
        .edit(Edit::Upsert { write: 1, first_row: 0, end_row: 9, key, value: Value::Signed(7), mode: Mode::Upsert })
        .edit(Edit::Upsert {
            write: 2,
            first_row: 0,
            end_row: 2,
            key: nothing,
            value: Value::Text(value),
            mode: Mode::Insert,
        })
        .edit(Edit::Erase { write: 1, first_row: 20, end_row: 30, key });
    let dropping = reading()
        .writes("drop")
        .edit(Edit::Drop { level: Level::Item, first_row: 3, end_row: 5 })
        .edit(Edit::Drop { level: Level::Origin, first_row: 2, end_row: 3 });
    [splicing, writing, dropping, Guest::label("cluster.id", "eu-1")]
        .map(|guest| guest.edits_on_live_data_only().build())
        .into()
}

/// Random numbers, the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }

    /// The same with some bytes changed.
    fn mutate(&mut self, base: &[u8]) -> Vec<u8> {
        let mut module = base.to_vec();
        for _ in 0..=self.below(CHANGES) {
            let at = self.below(module.len() as u64) as usize;
            match self.below(8) {
                0 => module.insert(at, self.below(256) as u8),
                1 => drop(module.remove(at)),
                2 => {
                    let range = self.range(module.len());
                    let piece = module[range].to_vec();
                    let end = (at + piece.len()).min(module.len());
                    module.splice(at..end, piece);
                }
                3 => module[at] = [0, 1, 0x7f, 0x80, 0xff, 0x40][self.below(6) as usize],
                _ => module[at] ^= 1 << self.below(8),
            }
        }
        module
    }

    /// A few bytes somewhere.
    fn range(&mut self, len: usize) -> Range<usize> {
        let start = self.below(len as u64) as usize;
        start..(start + 1 + self.below(16) as usize).min(len)
    }
}
