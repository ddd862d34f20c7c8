//! One of two required backends is full for minutes: the other goes on, and gets nothing twice.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;
use tonic::Code;

use crate::backend::Mode;
use crate::journal::Place;
use crate::load::Load;
use crate::process::Process;
use crate::rig::{self, Rig, Setting};
use crate::topology::{Collector, Ports};
use crate::verdict::{self, Verdict};
use crate::wire::{Answer, Protocol};

const PATIENCE: Duration = Duration::from_secs(60);
const BEFORE: Duration = Duration::from_secs(3);
const UP: usize = 0;
const FULL: usize = 1;

pub(crate) async fn run(setting: &Setting, lasts: Duration, rate: f64) -> Result<Verdict> {
    let ports = Ports::free();
    let plan = rig::plan(ports, setting.seed);
    let rig = Rig::new(&plan, &[Protocol::Grpc, Protocol::Grpc]).await?;
    let folder = setting.folder.path();
    let queues = folder.join("gateway-queues");
    let (targets, waiting) = (rig.targets(), setting.waiting(&queues, 4096));
    let config = Collector { ports, targets: &targets, waiting, has_module: true, split: false }.yaml();
    let mut gateway = Process::new("gateway", &setting.tidegate, folder, &config, ports.health, None)?;
    gateway.start_and_wait().await?;
    let load = Load::start(&plan, &rig.truth, &rig.journal, rate);
    sleep(BEFORE).await;
    let full = Answer::Grpc(Code::ResourceExhausted, Some(Duration::from_secs(1)));
    let open = rig.journal.begin(Place::Backend(FULL), &format!("full for {} s", lasts.as_secs()));
    rig.backends[FULL].set(Mode::Refuses(full));
    let before = rig.backends[UP].unique();
    sleep(lasts).await;
    let meanwhile = rig.backends[UP].unique() - before;
    rig.backends[FULL].set(Mode::Up);
    rig.journal.end(open);
    println!("while it was full, the other backend got {meanwhile} items");
    sleep(BEFORE).await;
    let answers = load.finish(PATIENCE).await;
    let mut verdict = verdict::judge(&rig.truth, &rig.backends, &rig.refusals, false).await;
    verdict::print_answers(&answers);
    let twice: u64 = rig.backends[UP].duplicates().values().sum();
    if twice > 0 {
        verdict.problems.push(format!("the backend that was up got {twice} items twice"));
    }
    if meanwhile == 0 {
        verdict.problems.push("the backend that was up got nothing while the other was full".to_owned());
    }
    Ok(verdict)
}
