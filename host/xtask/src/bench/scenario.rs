//! A scenario is what a collector does, to which load, of which signal; and the bar that Tidegate has to clear in it.

use std::fmt;

/// What the collector does between receiving and sending: the name of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Passthrough,
    Resource,
    Redaction,
    RemoteWrite,
    /// The Collector's own file of this kind, given to both as it is.
    SameRedaction,
    SameTransform,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
    Metrics,
}

/// What the requests look like: the rig's shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    Pods,
    Unique(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) work: Work,
    pub(crate) load: Load,
    pub(crate) signal: Signal,
}

/// How many times less CPU an item than otelcol Tidegate has to take, and how many it aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) least: f64,
    pub(crate) aim: f64,
}

/// How many times the CPU of the relay pass-through aims to stay within.
pub(crate) const FLOOR_AIM: f64 = 1.5;

const LOADS: [Load; 4] = [Load::Pods, Load::Unique(1), Load::Unique(100), Load::Unique(5000)];

/// Every scenario, in the order of the table.
pub(crate) fn all() -> Vec<Scenario> {
    let signals = |work| match work {
        Work::Redaction => &[Signal::Logs, Signal::Traces][..],
        _ => &[Signal::Logs, Signal::Traces, Signal::Metrics],
    };
    let mut all = Vec::new();
    for work in [Work::Passthrough, Work::Resource, Work::Redaction] {
        for load in LOADS {
            all.extend(signals(work).iter().map(|&signal| Scenario { work, load, signal }));
        }
    }
    all.extend(LOADS.map(|load| Scenario { work: Work::RemoteWrite, load, signal: Signal::Metrics }));
    let same = [
        (Work::SameRedaction, Signal::Logs),
        (Work::SameRedaction, Signal::Traces),
        (Work::SameTransform, Signal::Logs),
    ];
    all.extend(same.map(|(work, signal)| Scenario { work, load: Load::Pods, signal }));
    all
}

impl Scenario {
    pub(crate) fn bar(self) -> Bar {
        match (self.work, self.signal) {
            (Work::Passthrough, _) => Bar { least: 6.0, aim: 8.0 },
            (Work::Resource, _) => Bar { least: 6.0, aim: 6.0 },
            (Work::Redaction | Work::SameRedaction, Signal::Logs) => Bar { least: 20.0, aim: 25.0 },
            (Work::Redaction | Work::SameRedaction, _) => Bar { least: 15.0, aim: 20.0 },
            (Work::RemoteWrite, _) => Bar { least: 4.0, aim: 4.0 },
            (Work::SameTransform, _) => Bar { least: 1.0, aim: 6.0 },
        }
    }
}

impl Work {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Work::Passthrough => "passthrough",
            Work::Resource => "resource",
            Work::Redaction => "redaction",
            Work::RemoteWrite => "remote-write",
            Work::SameRedaction => "same-redaction",
            Work::SameTransform => "same-transform",
        }
    }

    /// The file of the Collector's that both peers get, where they get the same.
    pub(crate) fn same(self) -> Option<&'static str> {
        match self {
            Work::SameRedaction => Some("redaction"),
            Work::SameTransform => Some("transform"),
            Work::Passthrough | Work::Resource | Work::Redaction | Work::RemoteWrite => None,
        }
    }
}

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        }
    }
}

impl Load {
    /// Requests under way at any time and the connections that they share: single items come from more senders.
    pub(crate) fn concurrency(self) -> (u32, u32) {
        match self {
            Load::Unique(1) => (64, 4),
            _ => (16, 2),
        }
    }

    /// How many requests are searched for needles.
    pub(crate) fn searched(self) -> u64 {
        match self {
            Load::Pods => 100,
            Load::Unique(items) => (10_000 / items).max(2),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Load::Pods => f.write_str("pods"),
            Load::Unique(items) => write!(f, "unique-{items}"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.work.name(), self.load, self.signal.name())
    }
}
