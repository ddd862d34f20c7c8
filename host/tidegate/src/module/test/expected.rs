//! What a case expects: telemetry, by the route that it takes, or an error; and what the module is to say, where the case asks
//! for that.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use host_otlp::{Payload, Signal};
use host_wasm::{LoadError, Processed, Said, TrialError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::module::difference::Outcome;
use crate::module::told::plain;
use crate::module::{counted, files, otlp};

/// The files, for a message.
pub(super) const FILES: &str =
    "expected.json, expected.<route>.json, expected-error.txt, expected-logs.txt and expected-counters.json";

const TELEMETRY: &str = "expected.json";
const ROUTED: (&str, &str) = ("expected.", ".json");
const ERROR: &str = "expected-error.txt";
const LOGS: &str = "expected-logs.txt";
const COUNTERS: &str = "expected-counters.json";

/// What a route's name may have without an escape in the name of its file.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// More differences of one case are counted.
const SHOWN: usize = 50;

/// What a case wants.
#[derive(Default)]
pub(super) struct Expected {
    /// None where the case has no file for either.
    outcome: Option<Result<BTreeMap<Option<String>, PathBuf>, String>>,
    logs: Option<String>,
    counters: Option<BTreeMap<String, u64>>,
}

/// What came of it.
pub(super) struct Happened {
    signal: Signal,
    outcome: Result<Vec<(Option<String>, Payload)>, String>,
    logs: String,
    counters: BTreeMap<String, u64>,
}

/// Whether a file of this name says what is expected.
pub(super) fn is_one(name: &str) -> bool {
    [TELEMETRY, ERROR, LOGS, COUNTERS].contains(&name) || route_of(name).is_some()
}

/// The route whose telemetry a file has; the inner none is for what is not routed.
fn route_of(name: &str) -> Option<Option<String>> {
    if name == TELEMETRY {
        return Some(None);
    }
    let route = name.strip_prefix(ROUTED.0)?.strip_suffix(ROUTED.1)?;
    Some(Some(percent_decode_str(route).decode_utf8().ok()?.into_owned()))
}

fn file_of(route: Option<&str>) -> String {
    match route {
        None => TELEMETRY.to_owned(),
        Some(route) => format!("{}{}{}", ROUTED.0, utf8_percent_encode(route, PLAIN), ROUTED.1),
    }
}

impl Expected {
    /// Reads what the files in a folder say.
    ///
    /// # Errors
    /// They contradict each other, or one cannot be read.
    pub(super) fn read(folder: &Path, files: &[String]) -> anyhow::Result<Self> {
        let there = |name: &str| files.iter().any(|file| file == name).then(|| folder.join(name));
        let routes: BTreeMap<_, _> =
            files.iter().filter_map(|file| Some((route_of(file)?, folder.join(file)))).collect();
        let outcome = match there(ERROR) {
            Some(_) if !routes.is_empty() => {
                bail!("there is telemetry expected and an error, too: keep one of the two")
            }
            Some(error) => Some(Err(files::text(&error)?)),
            None if routes.is_empty() => None,
            None => Some(Ok(routes)),
        };
        let logs = there(LOGS).map(|path| files::text(&path)).transpose()?;
        let counters = there(COUNTERS).map(|path| counters(&path)).transpose()?;
        Ok(Expected { outcome, logs, counters })
    }

    /// What is another way than expected, a line each; nothing where all is well.
    ///
    /// # Errors
    /// What is expected cannot be read as telemetry of the signal at hand.
    pub(super) fn differences(&self, happened: &Happened) -> anyhow::Result<String> {
        let mut told = String::new();
        match (&self.outcome, &happened.outcome) {
            (None, _) => {
                told.push_str("there is neither expected.json nor expected-error.txt: --bless writes what comes out\n");
            }
            (Some(Err(expected)), Err(error)) if expected.trim() == error.trim() => {}
            (Some(Err(expected)), Err(error)) => {
                let _ = writeln!(
                    told,
                    "the error is another than expected\n- {}\n+ {}",
                    plain(expected.trim()),
                    plain(error.trim())
                );
            }
            (Some(Err(expected)), Ok(_)) => {
                let _ = writeln!(told, "the batch was processed; expected was the error\n  {}", plain(expected.trim()));
            }
            (Some(Ok(_)), Err(error)) => {
                let _ = writeln!(told, "the batch was not processed: {}", plain(error));
            }
            (Some(Ok(expected)), Ok(parts)) => telemetry(happened.signal, expected, parts, &mut told)?,
        }
        if let Some(expected) = &self.logs {
            lines("logged", expected, &happened.logs, &mut told);
        }
        if let Some(expected) = &self.counters {
            lines("counted", &written(expected), &written(&happened.counters), &mut told);
        }
        Ok(told)
    }
}

/// From what is expected to what came out.
fn telemetry(
    signal: Signal,
    expected: &BTreeMap<Option<String>, PathBuf>,
    parts: &[(Option<String>, Payload)],
    told: &mut String,
) -> anyhow::Result<()> {
    let mut wanted = Vec::new();
    for (route, path) in expected {
        wanted.push((route.clone(), otlp::read_of(path, signal)?));
    }
    let by_route = |parts: &'_ [(Option<String>, Payload)]| {
        Outcome::by_route(parts.iter().map(|(route, payload)| (route.clone(), payload)))
    };
    let differences = by_route(&wanted)?.differences(&by_route(parts)?);
    if differences.is_empty() {
        return Ok(());
    }
    told.push_str("expected → what came out\n");
    for difference in differences.iter().take(SHOWN) {
        // Text grows for as long as there is memory.
        let mut line = Vec::new();
        let _ = difference.write(&mut line);
        told.push_str(&String::from_utf8_lossy(&line));
    }
    if let Some(more) = differences.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(told, "… and {}", counted(more as u64, "difference"));
    }
    Ok(())
}

/// Lines that are missing, and lines that are there in their place.
fn lines(what: &str, expected: &str, happened: &str, told: &mut String) {
    let (expected, happened): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), happened.lines().collect());
    if expected == happened {
        return;
    }
    let _ = writeln!(told, "{what} was something else");
    let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &expected, &happened);
    for change in ops.iter().flat_map(|op| op.iter_changes(&expected, &happened)) {
        let sign = match change.tag() {
            similar::ChangeTag::Equal => ' ',
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
        };
        let _ = writeln!(told, "{sign} {}", plain(change.value()));
    }
}

fn counters(path: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let not_it = || format!("`{}` is no object of numbers", path.display());
    serde_json::from_slice(&files::read(path)?).with_context(not_it)
}

fn written(counters: &BTreeMap<String, u64>) -> String {
    counters.iter().map(|(name, value)| format!("{name} {value}\n")).collect()
}

impl Happened {
    /// The module did not start.
    pub(super) fn refused(signal: Signal, error: &LoadError) -> Self {
        Happened { signal, outcome: Err(error.to_string()), logs: String::new(), counters: BTreeMap::new() }
    }

    /// The module took the batch, or failed on it.
    pub(super) fn of(signal: Signal, processed: Result<Processed, TrialError>, said: Said) -> Self {
        let parts = |processed: Processed| processed.parts.into_iter().map(|part| (part.route, part.payload)).collect();
        let logs = said.lines.iter().map(|(severity, line)| format!("{} {line}\n", severity.name())).collect();
        let outcome = processed.map(parts).map_err(|error| error.to_string());
        Happened { signal, outcome, logs, counters: said.counters }
    }

    /// Writes this down as what is expected; what the module said only where the case asks for it.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn bless(&self, folder: &Path, files: &[String]) -> anyhow::Result<()> {
        let mut new: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        match &self.outcome {
            Err(error) => {
                new.insert(ERROR.to_owned(), format!("{error}\n").into_bytes());
            }
            Ok(parts) => {
                for (route, payload) in parts {
                    new.insert(file_of(route.as_deref()), otlp::pretty(payload)?);
                }
                // Nothing goes on, which is something to expect, too.
                if parts.is_empty() {
                    new.insert(TELEMETRY.to_owned(), b"{}\n".to_vec());
                }
            }
        }
        let asks = |name: &&str| files.iter().any(|file| file == name);
        if let Some(name) = Some(LOGS).filter(asks) {
            new.insert(name.to_owned(), self.logs.clone().into_bytes());
        }
        if let Some(name) = Some(COUNTERS).filter(asks) {
            let mut text = serde_json::to_vec_pretty(&self.counters)?;
            text.push(b'\n');
            new.insert(name.to_owned(), text);
        }
        for old in files.iter().filter(|file| is_one(file) && !new.contains_key(*file)) {
            let path = folder.join(old);
            fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
        for (name, text) in new {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(())
    }
}
