//! Synthetic telemetry with the shape of a Kubernetes estate, some of it with personal data.
//!
//! What a sink can look for: e-mails end in `@staff.example`, card numbers begin `4929-`, client addresses begin
//! `10.77.`, social security numbers begin `917-`.

mod pods;
mod text;
mod unique;

use std::fmt;
use std::io::Write;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::pb::{Mark, Pb};
use crate::rng::Rng;

pub use text::Texts;

#[derive(Clone, Copy, ValueEnum)]
pub enum Signal {
    Logs,
    Traces,
    Metrics,
}

impl Signal {
    pub fn grpc_path(self) -> &'static str {
        match self {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        }
    }
}

/// What the requests of a load look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// 100 records, spans or 500 points of a few pods; the same 64 requests again and again.
    Pods,
    /// So many items, each of a resource of its own; bodies, ids and times are new in every request.
    Unique(usize),
}

impl Shape {
    /// How many requests are encoded before the clock starts.
    pub fn templates(self) -> u64 {
        match self {
            Shape::Pods => 64,
            Shape::Unique(items) => (6400 / items as u64).clamp(2, 64),
        }
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Shape, String> {
        let unique = || text.strip_prefix("unique-")?.parse().ok().filter(|items| *items > 0).map(Shape::Unique);
        match text {
            "pods" => Ok(Shape::Pods),
            _ => unique().ok_or_else(|| format!("{text:?} is no shape: pods, or unique- and the items of a request")),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Pods => f.write_str("pods"),
            Shape::Unique(items) => write!(f, "unique-{items}"),
        }
    }
}

/// One encoded request, and the places in it that a send makes its own.
pub struct Template {
    pub body: Vec<u8>,
    pub marks: Vec<(usize, Mark)>,
    pub items: u64,
}

pub fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64)
}

pub fn build(signal: Signal, shape: Shape, seed: u64) -> Template {
    let mut rng = Rng::new(seed);
    let mut pb = Pb::default();
    let items = match (shape, signal) {
        (Shape::Pods, Signal::Logs) => pods::logs(&mut pb, &mut rng),
        (Shape::Pods, Signal::Traces) => pods::traces(&mut pb, &mut rng),
        (Shape::Pods, Signal::Metrics) => pods::metrics(&mut pb, &mut rng),
        (Shape::Unique(items), Signal::Logs) => unique::logs(&mut pb, &mut rng, items),
        (Shape::Unique(items), Signal::Traces) => unique::traces(&mut pb, &mut rng, items),
        (Shape::Unique(items), Signal::Metrics) => unique::metrics(&mut pb, &mut rng, items),
    };
    Template { body: pb.buf, marks: pb.marks, items }
}

/// Makes `request`, a copy of the template's body, one that was never sent before.
pub fn refresh(request: &mut [u8], template: &Template, texts: &Texts, rng: &mut Rng) {
    let now = now_ns();
    for &(offset, mark) in &template.marks {
        let at = &mut request[offset..];
        match mark {
            Mark::Time(age) => at[..8].copy_from_slice(&(now - age).to_le_bytes()),
            Mark::Id(len) => {
                rng.fill(&mut at[..len]);
                at[len - 1] |= 1;
            }
            Mark::Hex(len) => rng.fill_hex(&mut at[..len]),
            Mark::Text(len) => at[..len].copy_from_slice(texts.pick(rng, len)),
        }
    }
}

#[derive(Args)]
pub struct Options {
    #[arg(long, value_enum)]
    signal: Signal,
    #[arg(long, default_value_t = Shape::Pods)]
    shape: Shape,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn dump(options: &Options) -> Result<(), String> {
    let template = build(options.signal, options.shape, options.seed);
    std::io::stdout().write_all(&template.body).map_err(|e| format!("standard output: {e}"))
}

#[cfg(test)]
mod tests;
