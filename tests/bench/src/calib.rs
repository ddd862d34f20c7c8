//! A fixed piece of single-threaded work. Its CPU time tells how fast the core is now, so that runs next to noisy
//! neighbours can be compared.

use clap::Args;

use crate::data::{self, Shape, Signal};
use crate::walk;

#[derive(Args)]
pub struct Options {
    #[arg(long, default_value_t = 400)]
    rounds: u64,
}

pub fn run(options: &Options) -> Result<(), String> {
    let start = cpu_ns()?;
    let items: u64 =
        (0..options.rounds).filter_map(|seed| walk::records(&data::build(Signal::Logs, Shape::Pods, seed).body)).sum();
    let ms = (cpu_ns()? - start) as f64 / 1e6;
    println!("{}", serde_json::json!({ "items": items, "cpu_ms": ms }));
    Ok(())
}

fn cpu_ns() -> Result<u64, String> {
    let text = std::fs::read_to_string("/proc/self/schedstat").map_err(|e| format!("/proc/self/schedstat: {e}"))?;
    text.split(' ').next().and_then(|v| v.parse().ok()).ok_or_else(|| "/proc/self/schedstat: unexpected text".into())
}
