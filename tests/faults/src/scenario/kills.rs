//! `kill -9` of a gateway under load, again and again.

use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use tokio::time::sleep;

use crate::backend::Mode;
use crate::journal::Place;
use crate::load::Load;
use crate::process::Process;
use crate::rig::{self, Rig, Setting};
use crate::topology::{Collector, Ports};
use crate::verdict::{self, Verdict};
use crate::wire::Protocol;

const PATIENCE: Duration = Duration::from_secs(60);
const SLOW: usize = 1;

pub(crate) async fn run(setting: &Setting, kills: u32, rate: f64) -> Result<Verdict> {
    let mut random = Rng::with_seed(setting.seed);
    let ports = Ports::free();
    let plan = rig::plan(ports, setting.seed);
    let rig = Rig::new(&plan, &[Protocol::Grpc, Protocol::Http, Protocol::Grpc]).await?;
    let folder = setting.folder.path();
    let queues = folder.join("gateway-queues");
    let (targets, waiting) = (rig.targets(), setting.waiting(&queues, 1024));
    let config = Collector { ports, targets: &targets, waiting, has_module: true, split: false }.yaml();
    let mut gateway = Process::new("gateway", &setting.tidegate, folder, &config, ports.health, None)?;
    gateway.start_and_wait().await?;
    if setting.has_queues {
        // So that there is always something in a queue that was acknowledged and not delivered.
        rig.backends[SLOW].set(Mode::Slow(Duration::from_millis(300)));
    }
    let load = Load::start(&plan, &rig.truth, &rig.journal, rate);
    for kill in 1..=kills {
        sleep(Duration::from_millis(random.u64(50..1200))).await;
        let open = rig.journal.begin(Place::Gateway, &format!("kill {kill} of {kills}"));
        gateway.kill()?;
        gateway.start_and_wait().await?;
        rig.journal.end(open);
    }
    rig.backends[SLOW].set(Mode::Up);
    let answers = load.finish(PATIENCE).await;
    let mut verdict = verdict::judge(&rig.truth, &rig.backends, &rig.refusals, false).await;
    verdict::print_answers(&answers);
    verdict.kills = kills;
    Ok(verdict)
}
