//! The judgement of one agent in one cell: what it owes by the truth, and what came.

use super::Trouble;
use super::agent::Life;
use super::taker::{Arrival, Arrivals};
use super::truth::{Body, Line, Truth};

/// How long, on a machine that is not busy, something has to be there for an agent that runs to have seen it; it looks once a second.
const SEEN: u32 = 3_000;
/// How long an agent has to live on with what it has open and nobody else has, to have sent it.
const SENT: u32 = 5_000;
/// What came so shortly before a kill may come again: it was on its way to the checkpoint.
const ON_ITS_WAY: u32 = 2_000;

/// What became of the lines of a cell at one agent.
#[derive(Default)]
pub(super) struct Judgement {
    /// Lines that it has to send.
    pub(super) owed: u64,
    pub(super) missing: u64,
    /// Some of those, for whoever looks for them.
    pub(super) examples: Vec<String>,
    pub(super) twice: u64,
    /// Those that no kill explains.
    pub(super) unexplained: u64,
    pub(super) late: u64,
    pub(super) torn: u64,
    /// Bytes that went before it could have them, by the truth.
    pub(super) lost_bytes: u64,
    /// What it has to have counted as lost at least, and at most.
    pub(super) counts: (u64, u64),
    pub(super) counted: Option<u64>,
    /// What it did wrong besides.
    pub(super) problems: Vec<String>,
}

/// What one agent is judged by.
pub(super) struct Case<'a> {
    pub(super) truth: &'a Truth,
    pub(super) lives: &'a [Life],
    pub(super) now: u32,
    /// Its place among the agents.
    pub(super) agent: usize,
}

impl Case<'_> {
    pub(super) fn judge(&self, arrivals: &Arrivals) -> Judgement {
        let mut judgement = Judgement { late: arrivals.late, torn: arrivals.torn, ..Judgement::default() };
        judgement.problems.extend(arrivals.malformed.iter().map(|what| format!("it sent {what}")));
        for (stream, lines) in self.truth.lines.iter().enumerate() {
            for (place, line) in lines.iter().enumerate() {
                let body = &self.truth.bodies[line.body];
                let arrival = arrivals.of(stream, place);
                self.weigh(line, body, arrival, &mut judgement);
                if self.owes(body) {
                    judgement.owed += 1;
                    if arrival.first == 0 {
                        judgement.missing += 1;
                        if judgement.examples.len() < 5 {
                            judgement.examples.push(self.tell(stream, place, line, body));
                        }
                    }
                }
            }
        }
        judgement
    }

    fn weigh(&self, line: &Line, body: &Body, arrival: Arrival, judgement: &mut Judgement) {
        if arrival.first == 0 {
            if !self.owes(body) {
                let bytes = u64::from(line.bytes);
                judgement.lost_bytes += bytes;
                judgement.counts.1 += bytes;
                let gone = body.gone.map_or(self.now, |gone| gone.at);
                if self.overlap(line.at, gone.min(body.until.unwrap_or(gone))) >= self.late(SEEN) {
                    judgement.counts.0 += bytes;
                }
            }
            return;
        }
        // While the backend took nothing before the kill, the checkpoint stood still behind what came just before that.
        let is_before_kill = |life: &Life| {
            life.until.is_some_and(|until| {
                let since = life.refused.unwrap_or(until).min(until);
                (since.saturating_sub(self.late(ON_ITS_WAY))..=until + 1_000).contains(&arrival.first)
            })
        };
        if arrival.again > 0 {
            judgement.twice += u64::from(arrival.again);
            if !self.lives.iter().any(is_before_kill) {
                judgement.unexplained += u64::from(arrival.again);
            }
        }
        // It came, and went before the checkpoint said so: then it counts as lost.
        if body.gone.is_some() && self.lives.iter().any(is_before_kill) {
            judgement.counts.1 += u64::from(line.bytes);
        }
    }

    /// So much later than it has to be on a machine that is not busy.
    fn late(&self, millis: u32) -> u32 {
        millis + 2 * self.truth.stall
    }

    /// The longest time within these moments that one life of the agent's lasted.
    fn overlap(&self, from: u32, until: u32) -> u32 {
        let of = |life: &Life| life.until.unwrap_or(self.now).min(until).saturating_sub(life.from.max(from));
        self.lives.iter().map(of).max().unwrap_or(0)
    }

    /// Whether the lines of a body have to come: it was seen, and is there, or was open in a life that went on.
    fn owes(&self, body: &Body) -> bool {
        if self.overlap(body.from, body.until.or(body.gone.map(|gone| gone.at)).unwrap_or(self.now)) < self.late(SEEN) {
            return false;
        }
        let Some(gone) = body.gone else { return true };
        let goes_on = |life: &Life| {
            let end = life.refused.or(life.until);
            life.from <= gone.at && end.is_none_or(|end| end >= gone.at + self.late(SENT))
        };
        gone.held[self.agent] && self.lives.iter().any(goes_on)
    }

    fn tell(&self, stream: usize, place: usize, line: &Line, body: &Body) -> String {
        let lives: Vec<_> = self.lives.iter().map(|life| (life.from, life.until)).collect();
        format!(
            "line {place} of file {stream}, written at {} ms; what it lies in: from {} until {:?}, gone {:?}; lives {lives:?}",
            line.at,
            body.from,
            body.until,
            body.gone.map(|gone| (gone.at, gone.held))
        )
    }
}

impl Judgement {
    /// What breaks the promise.
    pub(super) fn problems(&self, trouble: Trouble) -> Vec<String> {
        let mut problems = self.problems.clone();
        if self.missing > 0 {
            problems.push(format!("{} lines are owed and missing, such as {}", self.missing, self.examples.join("; ")));
        }
        if self.torn > 0 {
            problems.push(format!("{} records are no whole line", self.torn));
        }
        match trouble {
            Trouble::Kill if self.unexplained > 0 => {
                problems.push(format!("{} lines came twice that no kill explains", self.unexplained));
            }
            Trouble::Slow | Trouble::Refusing if self.twice > 0 => {
                problems.push(format!("{} lines came twice", self.twice));
            }
            _ => {}
        }
        let (least, most) = self.counts;
        match self.counted {
            Some(counted) if !(least..=most).contains(&counted) => problems.push(format!(
                "it counts {counted} bytes as lost, where {} are, and it has to know of {least} and may of {most}",
                self.lost_bytes
            )),
            _ => {}
        }
        problems
    }
}

#[cfg(test)]
mod tests;
