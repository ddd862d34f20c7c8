//! `processes`: how many there are, by what they do.

use std::collections::BTreeMap;

use host_periodic::{Choices, Kind, Spec};

use super::super::parse;
use super::{Found, Scraper};

const COUNT: Spec =
    Spec::new(Kind::Sum, "system.processes.count", "{processes}", "Total number of processes in each state.");
const CREATED: Spec =
    Spec::new(Kind::Counter, "system.processes.created", "{processes}", "Total number of created processes.");

pub(crate) const METRICS: &[Spec] = &[COUNT, CREATED];

pub(crate) struct Processes(pub(crate) Choices);

/// What the Collector calls the state that a letter stands for.
fn status(letter: char) -> &'static str {
    match letter {
        'R' => "running",
        'S' => "sleeping",
        'D' => "blocked",
        'I' => "idle",
        'T' | 't' => "stopped",
        'W' => "paging",
        'Z' => "zombies",
        _ => "unknown",
    }
}

impl Processes {
    fn count(found: &mut Found<'_>, stat: &parse::Stat) {
        let path = found.root.at("proc");
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) => return found.missed.push(found.root.missed(&path, &error, 1)),
        };
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in entries.flatten() {
            if !entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                continue;
            }
            // It may have ended meanwhile.
            let Ok(text) = found.root.read(&entry.path().join("stat"), 0) else { continue };
            if let Some(letter) = parse::process_state(&text) {
                *counts.entry(status(letter)).or_default() += 1;
            }
        }
        // While processes are looked at one by one they change; the kernel counts these at one time.
        counts.extend(stat.running.map(|running| ("running", running)));
        counts.extend(stat.blocked.map(|blocked| ("blocked", blocked)));
        for (status, count) in counts {
            found.record.record(&COUNT, count, &[("status", status)]);
        }
    }
}

impl Scraper for Processes {
    const NAME: &'static str = "processes";

    fn choices(&self) -> &Choices {
        &self.0
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        let Some(text) = found.proc("stat", 2) else { return };
        let stat = parse::stat(&text);
        if let Some(created) = stat.created {
            found.record.record(&CREATED, created, &[]);
        }
        if found.record.wants(&COUNT) {
            Processes::count(found, &stat);
        }
    }
}
