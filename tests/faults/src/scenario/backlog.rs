//! GiBs in a gateway's queue: what memory that takes, and whether it drains while input goes on.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use crate::hop::Mode;
use crate::journal::Place;
use crate::load::{Load, Plan};
use crate::process::Process;
use crate::rig::{self, Rig, Setting};
use crate::topology::{Collector, Ports};
use crate::verdict::{self, Verdict};
use crate::wire::Protocol;

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(12);
/// How much anonymous memory a queue on disk may take.
const ALLOWANCE: u64 = 48 << 20;
const TEXT_BYTES: usize = 2000;

pub(crate) async fn run(setting: &Setting, gib: f64) -> Result<Verdict> {
    ensure!(setting.has_queues, "a backlog needs queues");
    let ports = Ports::free();
    let plan = Plan { text_bytes: TEXT_BYTES, items_per_request: 50, ..rig::plan(ports, setting.seed) };
    let rig = Rig::new(&plan, &[Protocol::Grpc]).await?;
    let folder = setting.folder.path();
    let queues = folder.join("gateway-queues");
    let wanted = (gib * f64::from(1 << 30)) as u64;
    let (targets, waiting) = (rig.targets(), setting.waiting(&queues, 2 * (wanted >> 20) + 512));
    let config = Collector { ports, targets: &targets, waiting, has_module: true, split: false }.yaml();
    let mut gateway = Process::new("gateway", &setting.tidegate, folder, &config, ports.health, None)?;
    gateway.start_and_wait().await?;

    let load = Load::start(&plan, &rig.truth, &rig.journal, f64::INFINITY);
    sleep(Duration::from_secs(2)).await;
    let (before, start) = (rig.backends[0].unique(), Instant::now());
    sleep(Duration::from_secs(10)).await;
    let capacity = (rig.backends[0].unique() - before) as f64 / start.elapsed().as_secs_f64();
    let quarter = capacity / 4.0;
    println!("capacity: {capacity:.0} items/s of {TEXT_BYTES} bytes");
    load.set_rate(quarter);
    sleep(Duration::from_secs(5)).await;
    let steady = highest(&gateway, LOOK).await?;
    println!("anonymous memory at a quarter of it, nothing queued: {} MiB", steady >> 20);

    let open = rig.journal.begin(Place::Backend(0), &"down until the queue is full enough");
    rig.hops[0].set(Mode::Refuse);
    load.set_rate(f64::INFINITY);
    let mut filling = 0;
    while on_disk(&queues) < wanted {
        filling = filling.max(gateway.anonymous()?);
        sleep(Duration::from_millis(200)).await;
    }
    load.set_rate(quarter);
    println!("{} MiB queued; anonymous memory while it filled: {} MiB", on_disk(&queues) >> 20, filling >> 20);
    sleep(Duration::from_secs(5)).await;
    let queued = highest(&gateway, LOOK).await?;
    println!("anonymous memory at a quarter of capacity with that queued: {} MiB", queued >> 20);

    rig.hops[0].set(Mode::Pass);
    rig.journal.end(open);
    let (start, mut draining) = (Instant::now(), 0);
    let mut least = (u64::MAX, Instant::now());
    let emptied = loop {
        draining = draining.max(gateway.anonymous()?);
        let behind = rig.truth.sums().acknowledged.saturating_sub(rig.backends[0].unique());
        // What a second of input brings is what is just passing through.
        if (behind as f64) < quarter {
            break true;
        }
        if behind < least.0 {
            least = (behind, Instant::now());
        } else if least.1.elapsed() > PATIENCE {
            break false;
        }
        sleep(Duration::from_millis(250)).await;
    };
    println!(
        "{} after {:.0} s with input at a quarter of capacity; anonymous memory meanwhile: {} MiB",
        if emptied { "empty" } else { "NOT empty" },
        start.elapsed().as_secs_f64(),
        draining >> 20
    );
    load.finish(PATIENCE).await;
    let mut verdict = verdict::judge(&rig.truth, &rig.backends, &rig.refusals, false).await;
    println!("on disk in the end: {} MiB", on_disk(&queues) >> 20);
    if queued > steady + ALLOWANCE {
        let more = (queued - steady) >> 20;
        verdict.problems.push(format!("{more} MiB more of anonymous memory with a queue than without"));
    }
    if !emptied {
        verdict.problems.push("the queue does not empty while input goes on".to_owned());
    }
    Ok(verdict)
}

async fn highest(process: &Process, lasts: Duration) -> Result<u64> {
    let (end, mut highest) = (Instant::now() + lasts, 0);
    while Instant::now() < end {
        highest = highest.max(process.anonymous()?);
        sleep(Duration::from_millis(100)).await;
    }
    Ok(highest)
}

/// Bytes of all files below a folder; what vanishes meanwhile counts as nothing.
fn on_disk(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => on_disk(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
