//! The judgement: what was acknowledged and is not there, what is there twice, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::backend::{Backend, Refusals};
use crate::journal::Cause;
use crate::payload::Number;
use crate::truth::Truth;

#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) scenario: &'static str,
    pub(crate) seed: u64,
    pub(crate) kills: u32,
    acknowledged: u64,
    lost: u64,
    arrived: u64,
    duplicates: u64,
    /// What is wrong besides losses; a run with one is a failure.
    pub(crate) problems: Vec<String>,
    /// What else belongs into the last line.
    pub(crate) note: String,
}

/// Waits until everything that was acknowledged is where it has to be, or nothing moves any more, and judges.
/// Where nobody turns data away for good, no sender may be told so.
pub(crate) async fn judge(
    truth: &Arc<Truth>,
    backends: &[Arc<Backend>],
    refusals: &Refusals,
    is_turned_away: bool,
) -> Verdict {
    let mut verdict = Verdict::default();
    let missing = drained(backends, refusals, Duration::from_secs(60)).await;
    let sums = truth.sums();
    verdict.acknowledged = sums.acknowledged;
    println!(
        "\nitems: {} acknowledged, {} rejected for good, {} never answered, {} in partial successes; {} sent again",
        sums.acknowledged, sums.rejected, sums.open, sums.partial, sums.sent_again
    );
    println!("turned away for good between the collectors: {}", locked(refusals));
    let mut causes: BTreeMap<Cause, u64> = BTreeMap::new();
    for (index, (backend, missing)) in backends.iter().zip(&missing).enumerate() {
        let duplicates = backend.duplicates();
        let twice: u64 = duplicates.values().sum();
        let unique = backend.unique();
        println!(
            "backend {index}: {unique} items, {twice} duplicates, {} turned away for good, {} lost",
            backend.refused(),
            missing.len()
        );
        for range in ranges(missing).iter().take(10) {
            println!("  lost: {range}");
        }
        for (cause, count) in duplicates {
            *causes.entry(cause).or_default() += count;
        }
        verdict.lost += missing.len() as u64;
        verdict.arrived += unique;
        verdict.duplicates += twice;
        verdict.problems.extend(backend.malformed().iter().map(|m| format!("backend {index} was sent {m}")));
    }
    if !causes.is_empty() {
        println!("duplicates:");
        for (cause, count) in &causes {
            println!("  {count:8}  {cause}");
        }
    }
    if let Some(count) = causes.get(&Cause::Unexplained) {
        verdict.problems.push(format!("{count} duplicates that nothing explains"));
    }
    if sums.partial > 0 {
        verdict.problems.push(format!("{} items in partial successes, which nobody here gives", sums.partial));
    }
    if sums.rejected > 0 && !is_turned_away {
        verdict.problems.push(format!("{} items rejected for good, which nobody here does", sums.rejected));
    }
    if verdict.acknowledged == 0 {
        verdict.problems.push("nothing was acknowledged".to_owned());
    }
    verdict
}

/// What clients were told besides success, and how often.
pub(crate) fn print_answers(answers: &BTreeMap<String, u64>) {
    println!("answers other than success:");
    for (answer, count) in answers {
        println!("  {count:8}  {answer}");
    }
}

fn locked(refusals: &Refusals) -> usize {
    refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len()
}

/// What is missing at each backend once nothing moves any more.
async fn drained(backends: &[Arc<Backend>], refusals: &Refusals, patience: Duration) -> Vec<Vec<Number>> {
    let mut least = (usize::MAX, Instant::now());
    loop {
        let missing: Vec<_> = backends.iter().map(|backend| backend.missing(refusals)).collect();
        let all = missing.iter().map(Vec::len).sum();
        if all == 0 || (all >= least.0 && least.1.elapsed() > patience) {
            return missing;
        }
        if all < least.0 {
            least = (all, Instant::now());
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// Numbers that lie beside one another, as text.
fn ranges(numbers: &[Number]) -> Vec<String> {
    let mut ranges: Vec<(usize, usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((stream, _, end)) if *stream == number.stream && *end == number.place => *end += 1,
            _ => ranges.push((number.stream, number.place, number.place + 1)),
        }
    }
    ranges.into_iter().map(|(stream, from, end)| format!("{} of stream {stream} from {from} on", end - from)).collect()
}

impl Verdict {
    pub(crate) fn is_ok(&self) -> bool {
        self.lost == 0 && self.problems.is_empty()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "problem: {problem}")?;
        }
        let word = if self.is_ok() { "ok" } else { "FAILED" };
        let percent = 100.0 * self.duplicates as f64 / self.arrived.max(1) as f64;
        write!(
            f,
            "{}: {word}, {} acknowledged, {} lost, {} duplicates ({percent:.2} %), {} kills, seed {}{}",
            self.scenario, self.acknowledged, self.lost, self.duplicates, self.kills, self.seed, self.note
        )
    }
}
