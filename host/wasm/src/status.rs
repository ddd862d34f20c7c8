//! The status is what an operator sees of one guest processor: what runs, what it asked for, what it did, and what was
//! refused last.

use std::time::SystemTime;

use host_projection::State;
use host_telemetry::metrics::quantile;
use host_telemetry::{Counter, Histogram};
use serde::Serialize;

use crate::breaker::Standing;
use crate::config::FailurePolicy;
use crate::generation::Generation;
use crate::guest::Guest;
use crate::meters::{Lane, Meters};

/// One processor of one pipeline.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub processor: String,
    pub pipeline: String,
    pub module: String,
    /// The head that it is pushed under, and the patterns of the clusters that what runs is for.
    pub head: Option<String>,
    pub clusters: Vec<String>,
    pub failure_policy: &'static str,
    pub running: Option<Running>,
    /// Digest of the generation before it, which stands by.
    pub previous: Option<String>,
    pub refused_last: Option<Refused>,
    /// Where the module is at fault, so that batches are refused for a while.
    pub breaker: Option<OpenBreaker>,
    /// Whether the collector started without the module.
    pub missing: bool,
    /// Recent items, and how many of them the module failed on alone.
    pub recent_items: u64,
    pub recent_poison_items: u64,
    pub work: Work,
}

/// A breaker that refuses batches.
#[derive(Clone, Debug, Serialize)]
pub struct OpenBreaker {
    pub reason: String,
    /// How long batches are refused before one tries again, in all and from now.
    pub backoff_seconds: f64,
    pub left_seconds: f64,
}

/// A generation.
#[derive(Clone, Debug, Serialize)]
pub struct Running {
    pub digest: String,
    pub config_digest: String,
    pub reads: Vec<Read>,
    pub writes: Vec<String>,
    /// What it was granted of the two: paths, words, or `*` for all of it.
    pub granted_reads: Vec<String>,
    pub granted_writes: Vec<String>,
    pub routes: Vec<String>,
    /// Whether it remembers from batch to batch, so that there is one instance.
    pub remembers: bool,
}

/// What it reads.
#[derive(Clone, Debug, Serialize)]
pub struct Read {
    pub path: String,
    pub patterns: usize,
}

/// A generation that was not taken, or taken back.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    pub digest: String,
    pub reason: String,
    /// Seconds since the Unix epoch.
    pub at: u64,
}

/// What it did since the process started.
#[derive(Clone, Debug, Serialize)]
pub struct Work {
    pub generations: i64,
    pub batches: u64,
    pub items: u64,
    pub calls: u64,
    pub cells: u64,
    pub matches: u64,
    pub edits: u64,
    pub cpu_seconds: f64,
    pub p50_microseconds: Option<f64>,
    pub p99_microseconds: Option<f64>,
    pub traps: u64,
    pub errors: u64,
    pub overruns: u64,
    pub rejected_scripts: u64,
    pub bisections: u64,
    pub poison_items: u64,
    pub unprocessed_items: u64,
    pub refused_items: u64,
    pub rollbacks: u64,
    pub breaker_trips: u64,
}

impl Status {
    pub(crate) fn of(guest: &Guest) -> Self {
        let (running, previous) = guest.generations();
        let (breaker, (recent_items, recent_poison_items)) = guest.standing();
        Status {
            processor: guest.id.to_string(),
            pipeline: guest.pipeline.to_string(),
            module: guest.module.clone(),
            head: guest.head.clone(),
            clusters: guest.edition().iter().flat_map(|edition| &edition.clusters).map(ToString::to_string).collect(),
            failure_policy: match guest.policy.failure {
                FailurePolicy::Closed => "closed",
                FailurePolicy::Open => "open",
            },
            running: running.as_deref().map(Running::of),
            previous: previous.map(|generation| generation.identity().digest.short()),
            refused_last: guest.refused_last(),
            breaker: breaker.map(OpenBreaker::of),
            missing: guest.is_missing(),
            recent_items,
            recent_poison_items,
            work: Work::of(&guest.meters),
        }
    }
}

impl OpenBreaker {
    fn of(standing: Standing) -> Self {
        OpenBreaker {
            reason: standing.reason,
            backoff_seconds: standing.backoff.as_secs_f64(),
            left_seconds: standing.left.as_secs_f64(),
        }
    }
}

impl Running {
    fn of(generation: &Generation) -> Self {
        let (identity, plan) = (generation.identity(), generation.plan());
        let read = |read: &host_projection::Read| Read { path: read.path.clone(), patterns: read.patterns.len() };
        Running {
            digest: identity.digest.short(),
            config_digest: identity.config.short(),
            reads: plan.reads.iter().map(read).collect(),
            writes: plan.writes.clone(),
            granted_reads: generation.granted().reads.clone(),
            granted_writes: generation.granted().writes.clone(),
            routes: plan.routes.clone(),
            remembers: plan.state == State::Rebuildable,
        }
    }
}

impl Refused {
    pub(crate) fn now(digest: String, reason: String) -> Self {
        let at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Refused { digest, reason, at }
    }
}

impl Work {
    fn of(meters: &Meters) -> Self {
        let lanes = meters.lanes();
        let sum = |counter: fn(&Lane) -> &Counter| lanes.iter().map(|lane| counter(lane).get()).sum();
        let took: Vec<&Histogram> = lanes.iter().map(|lane| &lane.calls_took).collect();
        let microseconds = |share| quantile(&took, share).map(|seconds| (seconds * 1e7).round() / 10.0);
        Work {
            generations: meters.generation.get(),
            batches: sum(|lane| &lane.batches),
            items: sum(|lane| &lane.items),
            calls: sum(|lane| &lane.calls),
            cells: sum(|lane| &lane.cells),
            matches: sum(|lane| &lane.matches),
            edits: sum(|lane| &lane.edits),
            cpu_seconds: lanes.iter().map(|lane| lane.cpu.get()).sum(),
            p50_microseconds: microseconds(0.5),
            p99_microseconds: microseconds(0.99),
            traps: sum(|lane| &lane.traps),
            errors: sum(|lane| &lane.errors),
            overruns: sum(|lane| &lane.overruns),
            rejected_scripts: sum(|lane| &lane.rejected),
            bisections: sum(|lane| &lane.bisections),
            poison_items: sum(|lane| &lane.poison),
            unprocessed_items: sum(|lane| &lane.unprocessed),
            refused_items: sum(|lane| &lane.refused),
            rollbacks: meters.rollbacks.get(),
            breaker_trips: meters.breaker_trips.get(),
        }
    }
}
