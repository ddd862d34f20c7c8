//! What is broken when: drawn from the seed before anything runs, so that the same seed breaks the same things again.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use tonic::Code;

use crate::backend;
use crate::hop;
use crate::wire::Answer;

/// A fault of a hop, or of the server behind it.
#[derive(Clone, Debug)]
pub(crate) enum LinkFault {
    Hop(hop::Mode),
    Strike(hop::Strike),
    Backend(backend::Mode),
}

/// A fault of a collector, or of what it stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProcessFault {
    /// `kill -9`, and a start right after.
    Kill,
    /// The same, and a second kill before it may be ready.
    KillTwice,
    /// SIGSTOP, and SIGCONT in the end.
    Stop,
    /// Its wall clock is so many seconds beside the machine's.
    Clock(i64),
    /// Nothing more fits on the disk of its queues.
    DiskFull,
    /// That disk fails and is read-only; in the end both start anew, without what was not synced before it failed.
    DiskReadOnly,
    /// The same at once: what a power cut is for both.
    PowerCut,
}

#[derive(Clone, Debug)]
pub(crate) struct Planned<F> {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: F,
}

impl<F: fmt::Debug> fmt::Display for Planned<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)?;
        if !self.lasts.is_zero() {
            write!(f, " for {:.1} s", self.lasts.as_secs_f64())?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) seed: u64,
    pub(crate) lasts: Duration,
    /// Kills of each collector.
    pub(crate) kills: u32,
    pub(crate) backends: usize,
    pub(crate) has_clocks: bool,
    pub(crate) has_disks: bool,
}

#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) client_hop: Vec<Planned<LinkFault>>,
    pub(crate) agent_hop: Vec<Planned<LinkFault>>,
    pub(crate) backends: Vec<Vec<Planned<LinkFault>>>,
    pub(crate) agent: Vec<Planned<ProcessFault>>,
    pub(crate) gateway: Vec<Planned<ProcessFault>>,
}

/// How often something is broken at each place, and how long a backend is down at most.
const PERIOD: Duration = Duration::from_secs(12);
const OUTAGE: Duration = Duration::from_secs(600);

impl Schedule {
    pub(crate) fn draw(bounds: &Bounds) -> Schedule {
        let mut random = Rng::with_seed(bounds.seed);
        let client_hop = links(&mut random, bounds, false);
        let agent_hop = links(&mut random, bounds, false);
        let mut backends: Vec<_> = (0..bounds.backends).map(|_| links(&mut random, bounds, true)).collect();
        let agent = processes(&mut random, bounds);
        let gateway = processes(&mut random, bounds);
        let lasts = OUTAGE.min(bounds.lasts / 3);
        let at = bounds.lasts.mul_f64(0.2 + 0.2 * random.f64());
        let down = Planned { at, lasts, fault: LinkFault::Hop(hop::Mode::Refuse) };
        let whose = random.usize(0..bounds.backends);
        backends[whose].retain(|other| other.at + other.lasts < at || other.at > at + lasts);
        backends[whose].push(down);
        backends[whose].sort_by_key(|planned| planned.at);
        Schedule { client_hop, agent_hop, backends, agent, gateway }
    }
}

fn links(random: &mut Rng, bounds: &Bounds, is_backend: bool) -> Vec<Planned<LinkFault>> {
    let count = (bounds.lasts.as_secs_f64() / PERIOD.as_secs_f64()).ceil().max(3.0) as usize;
    let mut planned = moments(random, bounds.lasts, count, |random| {
        let fault = match random.u8(0..if is_backend { 10 } else { 7 }) {
            0 => LinkFault::Hop(hop::Mode::Delay(millis(random, 10..800))),
            1 => LinkFault::Hop(hop::Mode::Throttle(random.u64(20_000..500_000))),
            2 => LinkFault::Hop(hop::Mode::Stall),
            3 => LinkFault::Hop(hop::Mode::Refuse),
            4 => LinkFault::Hop(hop::Mode::Answer(answer(random))),
            5 | 6 => return (LinkFault::Strike(strike(random)), Duration::ZERO),
            7 => LinkFault::Backend(backend::Mode::Slow(millis(random, 50..3000))),
            8 => LinkFault::Backend(backend::Mode::Refuses(answer(random))),
            _ => LinkFault::Backend(backend::Mode::TakesAndAnswers(retryable_answer(random))),
        };
        (fault, millis(random, 200..5000))
    });
    planned.sort_by_key(|planned| planned.at);
    planned
}

fn processes(random: &mut Rng, bounds: &Bounds) -> Vec<Planned<ProcessFault>> {
    let mut planned = moments(random, bounds.lasts, bounds.kills as usize, |random| match random.u8(0..6) {
        0 => (ProcessFault::KillTwice, millis(random, 0..400)),
        _ => (ProcessFault::Kill, Duration::ZERO),
    });
    let others = (bounds.lasts.as_secs_f64() / (2.0 * PERIOD.as_secs_f64())).ceil() as usize;
    planned.extend(moments(random, bounds.lasts, others, |random| {
        let lasts = millis(random, 500..6000);
        let fault = match random.u8(0..5) {
            0 if bounds.has_clocks => ProcessFault::Clock(*pick(random, &[-86_400, -3600, -61, 61, 3600, 86_400])),
            1 if bounds.has_disks => ProcessFault::DiskFull,
            2 if bounds.has_disks => ProcessFault::DiskReadOnly,
            3 if bounds.has_disks => return (ProcessFault::PowerCut, Duration::ZERO),
            _ => ProcessFault::Stop,
        };
        (fault, lasts)
    }));
    planned.sort_by_key(|planned| planned.at);
    planned
}

fn moments<F>(
    random: &mut Rng,
    lasts: Duration,
    count: usize,
    mut draw: impl FnMut(&mut Rng) -> (F, Duration),
) -> Vec<Planned<F>> {
    let one = |_| {
        let at = lasts.mul_f64(0.03 + 0.92 * random.f64());
        let (fault, lasts) = draw(random);
        Planned { at, lasts, fault }
    };
    (0..count).map(one).collect()
}

fn strike(random: &mut Rng) -> hop::Strike {
    match random.u8(0..4) {
        0 => hop::Strike::Cut,
        1 => hop::Strike::Reset,
        n => hop::Strike::HalfClose { to_server: n == 2 },
    }
}

const STATUSES: [u16; 17] = [301, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 501, 502, 503, 504, 507];

/// Any answer that a server may give and that is no success.
fn answer(random: &mut Rng) -> Answer {
    match random.u8(0..3) {
        0 => Answer::Grpc(Code::from_i32(random.i32(1..17)), after(random)),
        1 => Answer::Http(*pick(random, &STATUSES), after(random)),
        _ => retryable_answer(random),
    }
}

fn retryable_answer(random: &mut Rng) -> Answer {
    const CODES: [Code; 5] =
        [Code::Cancelled, Code::DeadlineExceeded, Code::Aborted, Code::Unavailable, Code::DataLoss];
    match random.u8(0..3) {
        0 => Answer::Grpc(Code::ResourceExhausted, Some(millis(random, 100..2000))),
        1 => Answer::Http(*pick(random, &[429, 502, 503, 504]), after(random)),
        _ => Answer::Grpc(*pick(random, &CODES), after(random)),
    }
}

fn after(random: &mut Rng) -> Option<Duration> {
    random.bool().then(|| millis(random, 100..2000))
}

fn pick<'a, T>(random: &mut Rng, among: &'a [T]) -> &'a T {
    &among[random.usize(0..among.len())]
}

fn millis(random: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range))
}

#[cfg(test)]
mod tests;
