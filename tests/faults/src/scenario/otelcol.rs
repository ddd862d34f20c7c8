//! otelcol → a collector that refuses for a minute → otelcol: the sender's own queue has to bridge it.
//!
//! In the middle stands tidegate, and then, to compare, an otelcol whose receiver refuses by the memory_limiter extension.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use crate::hop::{Hop, Mode};
use crate::journal::Place;
use crate::load::Load;
use crate::process::{Process, free_port};
use crate::rig::{self, Rig, Setting};
use crate::topology::{self, Collector, Ports, Target, Waiting};
use crate::verdict::{self, Verdict};
use crate::wire::Protocol;

const PATIENCE: Duration = Duration::from_secs(60);
const AROUND: Duration = Duration::from_secs(5);
/// A limit that no Go program stays below, and one that none of ours reaches.
const REFUSES_MIB: u32 = 1;
const TAKES_MIB: u32 = 4000;
const QUEUE_MIB: u64 = 1;

pub(crate) async fn run(setting: &Setting, refuses: Duration, rate: f64) -> Result<Verdict> {
    let otelcol = setting.otelcol.as_deref().context("this scenario needs --otelcol: `cargo xtask faults` gives it")?;
    println!("otelcol → otelcol with the memory_limiter extension → otelcol:");
    let theirs = chain(setting, otelcol, Middle::MemoryLimiter, refuses, rate).await?;
    println!("otelcol with its memory_limiter refusing for {} s: {} items lost", refuses.as_secs(), theirs.lost());
    println!("\notelcol → tidegate, whose next hop is away → otelcol:");
    let mut ours = chain(setting, otelcol, Middle::Tidegate, refuses, rate).await?;
    if setting.has_queues && ours.is_ok() {
        println!("\notelcol → tidegate, whose queue is full → otelcol:");
        ours = chain(setting, otelcol, Middle::FullTidegate, refuses, rate).await?;
    }
    ours.note = format!("; otelcol with its memory_limiter in the same place loses {}", theirs.lost());
    Ok(ours)
}

#[derive(Clone, Copy)]
enum Middle {
    /// Without a queue: what it cannot hand on it refuses.
    Tidegate,
    /// With a queue that is full soon.
    FullTidegate,
    MemoryLimiter,
}

async fn chain(setting: &Setting, otelcol: &Path, middle: Middle, refuses: Duration, rate: f64) -> Result<Verdict> {
    let (first, second, third) = (Ports::free(), Ports::free(), Ports::free());
    let mut plan = rig::plan(first, setting.seed);
    plan.items_per_request = 10;
    let rig = Rig::new(&plan, &[Protocol::Grpc]).await?;
    let folder = setting.folder.path();
    let last_hop = Hop::start(free_port(), third.grpc, rig.refusals.clone())?;
    let relay = |name, ports: Ports, server, limit| {
        Process::new(name, otelcol, folder, &topology::otelcol(ports, server, limit), ports.health, None)
    };
    let mut receiver = relay("otelcol-receiver", third, rig.hops[0].address(), None)?;
    let mut sender = relay("otelcol-sender", first, second.grpc, None)?;
    let targets = [Target { protocol: Protocol::Grpc, address: last_hop.address() }];
    let queues = folder.join("tidegate-queues");
    let waiting = match middle {
        Middle::FullTidegate => Waiting::Queue { folder: &queues, mib: QUEUE_MIB },
        Middle::Tidegate | Middle::MemoryLimiter => Waiting::Sender { seconds: 1 },
    };
    let tidegate = Collector { ports: second, targets: &targets, waiting, has_module: true, split: false }.yaml();
    let mut between = match middle {
        Middle::Tidegate | Middle::FullTidegate => {
            Process::new("tidegate", &setting.tidegate, folder, &tidegate, second.health, None)?
        }
        Middle::MemoryLimiter => relay("otelcol-takes", second, last_hop.address(), Some(TAKES_MIB))?,
    };
    receiver.start_and_wait().await?;
    between.start_and_wait().await?;
    sender.start_and_wait().await?;
    let load = Load::start(&plan, &rig.truth, &rig.journal, rate);
    sleep(AROUND).await;
    let open = rig.journal.begin(Place::Gateway, &format!("refuses for {} s", refuses.as_secs()));
    match middle {
        Middle::Tidegate | Middle::FullTidegate => {
            last_hop.set(Mode::Refuse);
            sleep(refuses).await;
            last_hop.set(Mode::Pass);
        }
        Middle::MemoryLimiter => {
            between.terminate(PATIENCE).await?;
            let mut refusing = relay("otelcol-refuses", second, last_hop.address(), Some(REFUSES_MIB))?;
            refusing.start_and_wait().await?;
            sleep(refuses).await;
            refusing.terminate(PATIENCE).await?;
            between.start_and_wait().await?;
        }
    }
    rig.journal.end(open);
    sleep(AROUND).await;
    load.finish(PATIENCE).await;
    Ok(verdict::judge(&rig.truth, &rig.backends, &rig.refusals, false).await)
}
