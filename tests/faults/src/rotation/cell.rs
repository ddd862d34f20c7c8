//! One cell: files, a way of rotating them, a trouble, the agents, and what became of all lines.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::Code;

use super::agent::Agent;
use super::files::Files;
use super::judgement::{Case, Judgement};
use super::truth::{Epoch, Truth};
use super::{Rotation, Trouble, folder};
use crate::backend::Mode;
use crate::wire::Answer;

/// How long nothing that is owed may come before it is said to be missing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Kept from its work for so many milliseconds, a writer says little.
const BUSY: u32 = 2_000;
/// How long it is looked for what may come too much, once all has come.
const AFTERWARDS: Duration = Duration::from_secs(4);

pub(super) struct Cell {
    pub(super) rotation: Rotation,
    pub(super) trouble: Trouble,
    pub(super) seed: u64,
    pub(super) lasts: Duration,
    pub(super) folder: PathBuf,
    pub(super) tidegate: PathBuf,
    pub(super) otelcol: Option<PathBuf>,
}

pub(super) struct Outcome {
    pub(super) rotation: Rotation,
    pub(super) trouble: Trouble,
    pub(super) lines: u64,
    pub(super) rotations: u64,
    pub(super) kills: u64,
    /// The longest that the writer was kept from its work, in milliseconds.
    stall: u32,
    judgements: Vec<Judgement>,
}

impl Cell {
    pub(super) async fn run(self) -> Result<Outcome> {
        let (rotation, trouble) = (self.rotation, self.trouble);
        self.run_named().await.with_context(|| format!("{rotation:?} × {trouble:?}"))
    }

    async fn run_named(self) -> Result<Outcome> {
        let (epoch, logs) = (Epoch::new(), folder(self.folder.join("logs"))?);
        let mut agents = vec![Agent::tidegate(&self.tidegate, &self.folder, &logs, epoch).await?];
        if let Some(otelcol) = &self.otelcol {
            agents.push(Agent::otelcol(otelcol, &folder(self.folder.join("peer"))?, &logs, epoch).await?);
        }
        let open = std::array::from_fn(|at| agents.get(at).map(Agent::open_files).unwrap_or_default());
        let files = Files::new(&logs, self.rotation, self.seed, epoch, open)?;
        for agent in &mut agents {
            agent.start().await?;
        }
        let (end, lasts) = (Instant::now() + self.lasts, self.lasts);
        let writer = tokio::task::spawn_blocking(move || files.run(lasts));
        let mut rng = Rng::with_seed(!self.seed);
        match self.trouble {
            Trouble::Slow => answer_late(&agents, &mut rng, end).await,
            Trouble::Refusing => refuse(&agents, &mut rng, end).await,
            Trouble::Kill => kill(&mut agents, &mut rng, end).await?,
        }
        let truth = writer.await??;
        set(&agents, &Mode::Up);
        let judgements = drain(&mut agents, &truth, epoch).await?;
        Ok(Outcome {
            rotation: self.rotation,
            trouble: self.trouble,
            lines: truth.count(),
            rotations: truth.rotations,
            stall: truth.stall,
            kills: agents[0].lives.len() as u64 - 1,
            judgements,
        })
    }
}

fn set(agents: &[Agent], mode: &Mode) {
    agents.iter().for_each(|agent| agent.taker.set(mode.clone()));
}

/// Sleeps for some milliseconds of a range, and not beyond the end; false at the end.
async fn pause(rng: &mut Rng, millis: std::ops::Range<u64>, end: Instant) -> bool {
    sleep_until(end.min(Instant::now() + Duration::from_millis(rng.u64(millis)))).await;
    Instant::now() < end
}

async fn answer_late(agents: &[Agent], rng: &mut Rng, end: Instant) {
    loop {
        set(agents, &Mode::Slow(Duration::from_millis(rng.u64(200..3_000))));
        if !pause(rng, 1_000..4_000, end).await {
            return;
        }
    }
}

async fn refuse(agents: &[Agent], rng: &mut Rng, end: Instant) {
    while pause(rng, 1_000..4_000, end).await {
        set(agents, &Mode::Refuses(refusal(rng)));
        pause(rng, 2_000..9_000, end).await;
        set(agents, &Mode::Up);
    }
}

/// An answer after which a client comes again.
fn refusal(rng: &mut Rng) -> Answer {
    match rng.u8(0..3) {
        0 => Answer::Grpc(Code::Unavailable, None),
        1 => Answer::Grpc(Code::ResourceExhausted, Some(Duration::from_millis(300))),
        _ => Answer::Http(503, None),
    }
}

async fn kill(agents: &mut [Agent], rng: &mut Rng, end: Instant) -> Result<()> {
    while pause(rng, 500..4_000, end).await {
        if rng.bool() {
            let refuses = Mode::Refuses(refusal(rng));
            agents.iter_mut().for_each(|agent| agent.refuse(refuses.clone()));
        }
        pause(rng, 3_500..4_500, end).await;
        for agent in &mut *agents {
            agent.kill().await?;
        }
        pause(rng, 300..5_000, end).await;
        for agent in &mut *agents {
            agent.start().await?;
        }
        set(agents, &Mode::Up);
    }
    Ok(())
}

/// Waits until all that is owed has come, or nothing comes any more, and judges.
async fn drain(agents: &mut [Agent], truth: &Truth, epoch: Epoch) -> Result<Vec<Judgement>> {
    let mut last = (u64::MAX, Instant::now());
    loop {
        let missing = judge(agents, truth, epoch).iter().map(|judgement| judgement.missing).sum();
        if missing < last.0 {
            last = (missing, Instant::now());
        }
        if missing == 0 || last.1.elapsed() > PATIENCE {
            break;
        }
        sleep(Duration::from_millis(500)).await;
    }
    sleep(AFTERWARDS).await;
    let mut judgements = judge(agents, truth, epoch);
    for (agent, judgement) in agents.iter_mut().zip(&mut judgements) {
        judgement.counted = agent.all_lost_bytes().await;
        judgement.problems.extend(agent.stop().await?);
    }
    Ok(judgements)
}

fn judge(agents: &[Agent], truth: &Truth, epoch: Epoch) -> Vec<Judgement> {
    let now = epoch.now();
    let of = |(place, agent): (usize, &Agent)| {
        Case { truth, lives: &agent.lives, now, agent: place }.judge(&agent.taker.arrivals())
    };
    agents.iter().enumerate().map(of).collect()
}

impl Outcome {
    pub(super) const HEAD: &str = "\n\
        |              |          |        |       |   longest | tidegate |       |      |      |          |            | otelcol |       |       |      |\n\
        | rotation     | trouble  |  lines | kills | stall, ms |  missing | twice | torn | late | B gone   | B it says  | missing | twice | torn  | late |";

    pub(super) fn ours(&self) -> &Judgement {
        &self.judgements[0]
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.ours().problems(self.trouble);
        if self.ours().owed == 0 && !self.is_too_busy() {
            problems.push("nothing is owed".to_owned());
        }
        problems
    }

    /// Whether the machine had no time for this cell, so that nothing can be said of it.
    pub(super) fn is_too_busy(&self) -> bool {
        self.ours().owed == 0 && self.stall > BUSY
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rotation, trouble) = (format!("{:?}", self.rotation), format!("{:?}", self.trouble));
        let (rotation, trouble) = (rotation.to_lowercase(), trouble.to_lowercase());
        let ours = self.ours();
        let counted = ours.counted.map_or_else(|| "-".to_owned(), |counted| counted.to_string());
        write!(
            f,
            "| {rotation:12} | {trouble:8} | {:6} | {:5} | {:9} | {:8} | {:5} | {:4} | {:4} | {:8} | {counted:10} |",
            self.lines, self.kills, self.stall, ours.missing, ours.twice, ours.torn, ours.late, ours.lost_bytes
        )?;
        match self.judgements.get(1) {
            Some(theirs) => {
                write!(f, " {:7} | {:5} | {:5} | {:4} |", theirs.missing, theirs.twice, theirs.torn, theirs.late)
            }
            None => write!(f, "       - |     - |     - |    - |"),
        }
    }
}
