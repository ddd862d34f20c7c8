//! What was broken when, so that a duplicate can be told what it came from.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where something was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    ClientHop,
    AgentHop,
    /// Between the gateway and the backend of this index, or that backend itself.
    Backend(usize),
    Agent,
    Gateway,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::ClientHop => write!(f, "client → agent"),
            Place::AgentHop => write!(f, "agent → gateway"),
            Place::Backend(index) => write!(f, "gateway → backend {index}"),
            Place::Agent => write!(f, "agent"),
            Place::Gateway => write!(f, "gateway"),
        }
    }
}

/// What a duplicate came from, as far as can be told: the nearest that was broken while the item was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The client had no answer, or was refused, and sent the same bytes again.
    SentAgain,
    /// The gateway was killed or stopped between the two arrivals.
    Gateway,
    /// The way to this backend, or the backend, was broken: whether it had the data was not known.
    ThisBackend,
    /// The agent was killed or stopped since the item was sent.
    Agent,
    /// The way from the agent to the gateway was broken since then, or the gateway was killed.
    AgentHop,
    /// Another backend could not take the data, and the request was refused as a whole.
    OtherBackend,
    Unexplained,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::SentAgain => "sent again by the client, which had no answer or a refusal",
            Cause::Gateway => "the gateway was killed or stopped between the two arrivals",
            Cause::ThisBackend => "the way to this backend or its answer was broken: the outcome was unknown",
            Cause::Agent => "the agent was killed or stopped on the way",
            Cause::AgentHop => "the way from agent to gateway was broken, or the gateway was killed on the way",
            Cause::OtherBackend => "another backend could not take the data",
            Cause::Unexplained => "unexplained",
        })
    }
}

/// So long what was broken is felt after it was mended: a request that was under way ends by its timeout.
const ECHO: Duration = Duration::from_secs(8);

pub(crate) struct Journal {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    place: Place,
    from: u32,
    /// `None` while it lasts.
    until: Option<u32>,
}

/// One fault that lasts until this is handed back.
pub(crate) struct Open(usize);

/// When an item was under way to a backend, in milliseconds since the start.
pub(crate) struct Journey {
    pub(crate) backend: usize,
    pub(crate) attempts: u32,
    pub(crate) sent: u32,
    pub(crate) first_arrival: u32,
    pub(crate) arrival: u32,
}

impl Journal {
    pub(crate) fn new() -> Journal {
        Journal { start: Instant::now(), entries: Mutex::default() }
    }

    /// Milliseconds since the start.
    pub(crate) fn now(&self) -> u32 {
        self.start.elapsed().as_millis() as u32
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn begin(&self, place: Place, what: &dyn fmt::Display) -> Open {
        let from = self.now();
        println!("{:9.3} s  {place}: {what}", f64::from(from) / 1e3);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { place, from, until: None });
        Open(entries.len() - 1)
    }

    pub(crate) fn end(&self, open: Open) {
        let now = self.now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(open.0) {
            entry.until = Some(now);
        }
    }

    pub(crate) fn explain(&self, journey: &Journey) -> Cause {
        if journey.attempts > 1 {
            return Cause::SentAgain;
        }
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let broken = |from: u32, places: &dyn Fn(Place) -> bool| {
            let overlaps = |entry: &&Entry| {
                let until = entry.until.map_or(u32::MAX, |until| until.saturating_add(ECHO.as_millis() as u32));
                entry.from <= journey.arrival && until >= from
            };
            entries.iter().rev().filter(overlaps).any(|entry| places(entry.place))
        };
        let since_first = |places: &dyn Fn(Place) -> bool| broken(journey.first_arrival, places);
        let since_sent = |places: &dyn Fn(Place) -> bool| broken(journey.sent, places);
        if since_first(&|place| place == Place::Gateway) {
            Cause::Gateway
        } else if since_first(&|place| place == Place::Backend(journey.backend)) {
            Cause::ThisBackend
        } else if since_sent(&|place| place == Place::Agent) {
            Cause::Agent
        } else if since_sent(&|place| matches!(place, Place::AgentHop | Place::Gateway)) {
            Cause::AgentHop
        } else if since_sent(&|place| matches!(place, Place::Backend(_))) {
            Cause::OtherBackend
        } else {
            Cause::Unexplained
        }
    }
}

#[cfg(test)]
mod tests;
