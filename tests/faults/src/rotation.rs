//! Files that are written to, rotated in each usual way, and followed by an agent while something goes wrong.
//!
//! Each cell is a way of rotating and a trouble. Its writer keeps the truth: which line lies where, and when that went. The
//! agent runs on the files, and beside it otelcol on the same ones where it is there, each with a backend of its own.

mod agent;
mod cell;
mod files;
mod judgement;
mod taker;
mod truth;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use tokio::task::JoinSet;

use crate::rig::Setting;
use cell::{Cell, Outcome};

/// How files are rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rotation {
    Rename,
    Copytruncate,
    /// Renamed, and packed by gzip a while later.
    Compress,
    Delete,
    /// Folders behind a link that is put on the next one, as kubelet does it with `..data`.
    Symlink,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trouble {
    /// The backend answers late, so that files are read late.
    Slow,
    /// The backend takes nothing for seconds, again and again.
    Refusing,
    /// `kill -9` of the agent, half of the times while the backend takes nothing; files go on without it for a while.
    Kill,
}

pub(crate) struct Options {
    /// How long each cell is written to.
    pub(crate) lasts: Duration,
    pub(crate) rotations: Vec<Rotation>,
    pub(crate) troubles: Vec<Trouble>,
    /// Cells that run beside each other.
    pub(crate) at_once: usize,
}

/// What became of all cells.
pub(crate) struct Verdict {
    seed: u64,
    lasts: Duration,
    outcomes: Vec<Outcome>,
}

pub(crate) async fn run(setting: &Setting, options: &Options) -> Result<Verdict> {
    ensure!(options.at_once > 0, "--at-once has to be at least 1");
    let or_all = |chosen: &[Rotation]| if chosen.is_empty() { Rotation::value_variants() } else { chosen }.to_vec();
    let troubles = if options.troubles.is_empty() { Trouble::value_variants() } else { &options.troubles };
    let rotations = or_all(&options.rotations);
    let mut cells: Vec<Cell> = Vec::new();
    for rotation in &rotations {
        for trouble in troubles {
            // What a cell does it does in any choice of cells.
            let place = *rotation as u64 * 8 + *trouble as u64;
            cells.push(Cell {
                rotation: *rotation,
                trouble: *trouble,
                seed: setting.seed.wrapping_mul(1_000_003).wrapping_add(place),
                lasts: options.lasts,
                folder: setting.folder.path().join(format!("{rotation:?}-{trouble:?}").to_lowercase()),
                tidegate: setting.tidegate.clone(),
                otelcol: setting.otelcol.clone(),
            });
        }
    }
    if setting.otelcol.is_none() {
        println!("SKIPPED: otelcol beside it, which is not there");
    }
    let mut outcomes = Vec::new();
    let mut waiting = cells.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < options.at_once
            && let Some(cell) = waiting.next()
        {
            running.spawn(cell.run());
        }
        let Some(outcome) = running.join_next().await else { break };
        let outcome = outcome??;
        println!("{outcome}");
        outcomes.push(outcome);
    }
    outcomes.sort_by_key(|outcome| (outcome.rotation as u8, outcome.trouble as u8));
    Ok(Verdict { seed: setting.seed, lasts: options.lasts, outcomes })
}

impl Verdict {
    pub(crate) fn is_ok(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.problems().is_empty())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", Outcome::HEAD)?;
        self.outcomes.iter().try_for_each(|outcome| writeln!(f, "{outcome}"))?;
        let (mut lines, mut rotations, mut kills, mut missing, mut twice) = (0, 0, 0, 0, 0);
        for outcome in &self.outcomes {
            lines += outcome.lines;
            rotations += outcome.rotations;
            kills += outcome.kills;
            let ours = outcome.ours();
            missing += ours.missing;
            twice += ours.twice;
            for problem in outcome.problems() {
                writeln!(f, "problem: {:?} × {:?}: {problem}", outcome.rotation, outcome.trouble)?;
            }
        }
        for busy in self.outcomes.iter().filter(|outcome| outcome.is_too_busy()) {
            writeln!(f, "SKIPPED: {:?} × {:?}, the machine had no time for it", busy.rotation, busy.trouble)?;
        }
        write!(
            f,
            "rotation: {}, {} cells of {} s, {lines} lines, {rotations} rotations, {kills} kills, {missing} owed and missing, \
             {twice} twice, seed {}",
            if self.is_ok() { "ok" } else { "FAILED" },
            self.outcomes.len(),
            self.lasts.as_secs_f64(),
            self.seed
        )
    }
}

/// A folder for something of a cell, made now.
fn folder(path: PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
