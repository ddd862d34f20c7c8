//! Client → agent → gateway → three backends, with random faults on every hop and of both collectors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::backend::{self, Backend};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::hop::{Hop, Mode};
use crate::journal::{Journal, Place};
use crate::load::Load;
use crate::process::{Process, free_port};
use crate::rig::{self, Rig, Setting};
use crate::schedule::{Bounds, LinkFault, Planned, ProcessFault, Schedule};
use crate::topology::{Collector, Ports, Target};
use crate::verdict::{self, Verdict};
use crate::wire::Protocol;

const PATIENCE: Duration = Duration::from_secs(90);
const AGENT_DISK_MIB: u32 = 512;
const GATEWAY_DISK_MIB: u32 = 2048;

pub(crate) struct Options {
    pub(crate) lasts: Duration,
    /// Kills of each collector; as many as fit where it is not said.
    pub(crate) kills: Option<u32>,
    pub(crate) rate: f64,
}

pub(crate) async fn run(setting: &Setting, options: &Options) -> Result<Verdict> {
    let folder = setting.folder.path();
    let (agent_ports, gateway_ports) = (Ports::free(), Ports::free());
    let refused = Arc::default();
    let client_hops = [agent_ports.grpc, agent_ports.http]
        .map(|server| Hop::start(free_port(), server, Arc::clone(&refused)))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let plan = rig::clients(client_hops[0].address(), client_hops[1].address(), setting.seed);
    let rig = Rig::new(&plan, &[Protocol::Grpc, Protocol::Http, Protocol::Grpc]).await?;
    let agent_hops = vec![
        Hop::start(free_port(), gateway_ports.grpc, rig.refusals.clone())?,
        Hop::start(free_port(), gateway_ports.http, rig.refusals.clone())?,
    ];
    let agent_targets = [
        Target { protocol: Protocol::Grpc, address: agent_hops[0].address() },
        Target { protocol: Protocol::Http, address: agent_hops[1].address() },
    ];

    let mut gateway = Supervised::new(setting, Place::Gateway, "gateway", GATEWAY_DISK_MIB, &rig.journal)?;
    let mut agent = Supervised::new(setting, Place::Agent, "agent", AGENT_DISK_MIB, &rig.journal)?;
    let targets = rig.targets();
    let (gateway_queues, agent_queues) = (gateway.queues.clone(), agent.queues.clone());
    let waiting = setting.waiting(&gateway_queues, u64::from(GATEWAY_DISK_MIB) / 4);
    let of_gateway = Collector { ports: gateway_ports, targets: &targets, waiting, has_module: true, split: false };
    let waiting = setting.waiting(&agent_queues, u64::from(AGENT_DISK_MIB) / 4);
    let of_agent = Collector { ports: agent_ports, targets: &agent_targets, waiting, has_module: false, split: true };
    gateway.start(&setting.tidegate, folder, &of_gateway).await?;
    agent.start(&setting.tidegate, folder, &of_agent).await?;

    let has_clocks = gateway.has_clock();
    let has_disks = gateway.disk.is_some() && setting.has_queues;
    let kills = options.kills.unwrap_or((options.lasts.as_secs() / 20).max(2) as u32);
    let bounds =
        Bounds { seed: setting.seed, lasts: options.lasts, kills, backends: rig.backends.len(), has_clocks, has_disks };
    for (is_there, what) in [
        (has_clocks, "clocks are not stepped: libfaketime is not installed"),
        (has_disks, "disks do not fail: this needs root, mkfs.ext4 and queues"),
    ] {
        if !is_there {
            println!("{what}");
        }
    }
    let schedule = Schedule::draw(&bounds);
    let load = Load::start(&plan, &rig.truth, &rig.journal, options.rate);
    let start = Instant::now();
    let Rig { journal, truth, refusals, backends, hops, .. } = rig;
    let mut breakers = vec![
        tokio::spawn(links(start, Place::ClientHop, client_hops, None, schedule.client_hop, journal.clone())),
        tokio::spawn(links(start, Place::AgentHop, agent_hops, None, schedule.agent_hop, journal.clone())),
    ];
    for (index, (hop, faults)) in hops.into_iter().zip(schedule.backends).enumerate() {
        let (place, backend) = (Place::Backend(index), Some(backends[index].clone()));
        breakers.push(tokio::spawn(links(start, place, vec![hop], backend, faults, journal.clone())));
    }
    let end = start + options.lasts;
    let agent = tokio::spawn(agent.suffer(start, end, schedule.agent));
    let gateway = tokio::spawn(gateway.suffer(start, end, schedule.gateway));
    let agent = agent.await??;
    let gateway = gateway.await??;
    let hops = mended(breakers).await?;

    println!("{:9.3} s  everything is mended", journal.elapsed().as_secs_f64());
    let answers = load.finish(PATIENCE).await;
    let mut verdict = verdict::judge(&truth, &backends, &refusals, true).await;
    drop(hops);
    verdict::print_answers(&answers);
    for mut supervised in [agent, gateway] {
        supervised.stop().await?;
        verdict.kills += supervised.kills;
        verdict.problems.extend(std::mem::take(&mut supervised.problems));
    }
    Ok(verdict)
}

/// Breaks one link by its plan, and mends it each time.
async fn links(
    start: Instant,
    place: Place,
    hops: Vec<Hop>,
    backend: Option<Arc<Backend>>,
    faults: Vec<Planned<LinkFault>>,
    journal: Arc<Journal>,
) -> Vec<Hop> {
    for planned in faults {
        tokio::time::sleep_until(start + planned.at).await;
        let open = journal.begin(place, &planned);
        match planned.fault {
            LinkFault::Strike(strike) => hops.iter().for_each(|hop| hop.strike(strike)),
            LinkFault::Hop(mode) => {
                hops.iter().for_each(|hop| hop.set(mode.clone()));
                sleep(planned.lasts).await;
                hops.iter().for_each(|hop| hop.set(Mode::Pass));
            }
            LinkFault::Backend(mode) => {
                if let Some(backend) = &backend {
                    backend.set(mode);
                    sleep(planned.lasts).await;
                    backend.set(backend::Mode::Up);
                }
            }
        }
        journal.end(open);
    }
    hops
}

/// The hops, once all faults are over.
async fn mended(breakers: Vec<JoinHandle<Vec<Hop>>>) -> Result<Vec<Hop>> {
    let mut hops = Vec::new();
    for breaker in breakers {
        hops.extend(breaker.await?);
    }
    Ok(hops)
}

/// A collector that is started again whenever it is gone, as an orchestrator does it.
struct Supervised {
    place: Place,
    name: &'static str,
    process: Option<Process>,
    clock: Option<Clock>,
    disk: Option<Disk>,
    queues: PathBuf,
    journal: Arc<Journal>,
    kills: u32,
    problems: Vec<String>,
}

impl Supervised {
    fn new(setting: &Setting, place: Place, name: &'static str, mib: u32, journal: &Arc<Journal>) -> Result<Self> {
        let folder = setting.folder.path();
        let mount = folder.join(format!("{name}-disk"));
        let disk = match setting.has_mounts && setting.has_queues {
            true => Some(Disk::new(&mount, mib)?),
            false => None,
        };
        let (clock, queues) = (Clock::new(folder, name)?, mount.join("queues"));
        let journal = journal.clone();
        Ok(Supervised { place, name, process: None, clock, disk, queues, journal, kills: 0, problems: Vec::new() })
    }

    fn has_clock(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.clock().is_some())
    }

    async fn start(&mut self, binary: &Path, folder: &Path, config: &Collector<'_>) -> Result<()> {
        let (yaml, health) = (config.yaml(), config.ports.health);
        let mut process = Process::new(self.name, binary, folder, &yaml, health, self.clock.take())?;
        process.start_and_wait().await?;
        self.process = Some(process);
        Ok(())
    }

    fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the collector was not started")
    }

    async fn suffer(mut self, start: Instant, end: Instant, faults: Vec<Planned<ProcessFault>>) -> Result<Self> {
        for planned in faults {
            self.watch_until(start + planned.at, false).await?;
            let open = self.journal.begin(self.place, &planned);
            self.inflict(&planned).await?;
            self.journal.end(open);
        }
        self.watch_until(end, false).await?;
        Ok(self)
    }

    async fn inflict(&mut self, planned: &Planned<ProcessFault>) -> Result<()> {
        let after = Instant::now() + planned.lasts;
        match planned.fault {
            ProcessFault::Kill => self.kill_and_start().await?,
            ProcessFault::KillTwice => {
                self.kill()?;
                self.process()?.start()?;
                sleep(planned.lasts).await;
                self.kill_and_start().await?;
            }
            ProcessFault::Stop => {
                self.process()?.signal(Signal::SIGSTOP)?;
                sleep(planned.lasts).await;
                self.process()?.signal(Signal::SIGCONT)?;
            }
            ProcessFault::Clock(seconds) => {
                self.step(seconds)?;
                self.watch_until(after, false).await?;
                self.step(0)?;
            }
            ProcessFault::DiskFull => {
                self.disk()?.fill()?;
                self.watch_until(after, true).await?;
                self.disk()?.free()?;
                self.revive().await?;
            }
            // Between two system calls: ext4 says of a sync that it is aborted under that all is well, and it is not.
            ProcessFault::DiskReadOnly => {
                self.process()?.freeze().await?;
                self.disk()?.fail()?;
                self.process()?.signal(Signal::SIGCONT)?;
                self.watch_until(after, true).await?;
                self.restart_with_disk().await?;
            }
            ProcessFault::PowerCut => {
                self.process()?.freeze().await?;
                self.disk()?.fail()?;
                self.restart_with_disk().await?;
            }
        }
        Ok(())
    }

    /// Ends it as an orchestrator does; with nothing left to deliver its exit status is 0.
    async fn stop(&mut self) -> Result<()> {
        let how = match self.process()?.ended()? {
            Some(how) => how,
            None => match self.process()?.terminate(PATIENCE).await? {
                Some(0) => return Ok(()),
                status => format!("ended with the status {status:?} when it was told to"),
            },
        };
        self.problems.push(format!("the {} {how}", self.name));
        Ok(())
    }

    fn disk(&self) -> Result<&Disk> {
        self.disk.as_ref().context("there is no disk")
    }

    fn step(&mut self, seconds: i64) -> Result<()> {
        self.process()?.clock().context("there is no clock")?.step(seconds)
    }

    fn kill(&mut self) -> Result<()> {
        self.kills += 1;
        self.process()?.kill()
    }

    async fn restart_with_disk(&mut self) -> Result<()> {
        self.kill()?;
        self.disk()?.recover().await?;
        self.process()?.start_and_wait().await
    }

    async fn kill_and_start(&mut self) -> Result<()> {
        self.kill()?;
        self.process()?.start_and_wait().await
    }

    /// Starts it where it has ended, and waits until it is ready.
    async fn revive(&mut self) -> Result<()> {
        if self.process()?.ended()?.is_some() {
            self.process()?.start()?;
        }
        let name = self.name;
        self.process()?.ready().await?.then_some(()).with_context(|| format!("the {name} does not start again"))
    }

    /// Lets it run until then, and starts it when it ends by itself; that is a problem, unless it may.
    async fn watch_until(&mut self, moment: Instant, may_end: bool) -> Result<()> {
        while Instant::now() < moment {
            if let Some(how) = self.process()?.ended()? {
                if !may_end {
                    let problem = format!("the {} {how} by itself", self.name);
                    println!("{:9.3} s  {problem}", self.journal.elapsed().as_secs_f64());
                    self.problems.push(problem);
                }
                sleep(Duration::from_millis(300)).await;
                self.process()?.start()?;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
