//! The receiver asks its scrapers one after the other, on a thread that may block.

use host_component::{ComponentId, Consumers, Receiver};
use host_config::{Check as _, Wrong};
use host_periodic::{Blocking, CollectNow, Collected, Missed, Part, Periodic, Recorder, now, resource};
use host_receivers::Deps;

use super::config::Config;
use super::parse;
use super::root::Root;
use super::scrapers::cpu::Cpu;
use super::scrapers::disk::Disk;
use super::scrapers::filesystem::Filesystem;
use super::scrapers::load::Load;
use super::scrapers::memory::Memory;
use super::scrapers::network::Network;
use super::scrapers::paging::Paging;
use super::scrapers::processes::Processes;
use super::scrapers::system::System;
use super::scrapers::{Found, Scraper};
use crate::BuildError;

/// The scope of a scraper is this and its name and `scraper`, as in the Collector.
const SCOPE: &str =
    "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver/internal/scraper/";
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.9.0";

/// All scrapers of a receiver.
pub(super) struct HostMetrics {
    root: Root,
    /// When the machine was started, in nanoseconds since the Unix epoch; 0 is not known.
    boot: u64,
    scrapers: Vec<Box<dyn Run>>,
}

/// A scraper, whichever it is.
trait Run: Send {
    fn run(&mut self, root: &Root, boot: u64) -> Part;
}

impl<S: Scraper> Run for S {
    fn run(&mut self, root: &Root, boot: u64) -> Part {
        // What is wanted is known to the recorder while the scraper changes.
        let choices = self.choices().clone();
        let mut found = Found { root, record: Recorder::new(&choices, boot, now()), missed: Vec::new() };
        self.scrape(&mut found);
        let (metrics, missed) = (found.record.finish(), found.missed);
        let scope = format!("{SCOPE}{}scraper", S::NAME);
        let metrics = if metrics.is_empty() { Vec::new() } else { vec![resource(Vec::new(), &scope, SCHEMA, metrics)] };
        Part { scraper: S::NAME, metrics, missed }
    }
}

impl Config {
    /// Makes the receiver.
    ///
    /// # Errors
    /// Where a value makes no sense.
    pub fn build(
        self,
        id: &ComponentId,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Result<Box<dyn Receiver>, BuildError> {
        let made = self.made().map_err(|wrong| BuildError { id: id.clone(), wrong })?;
        let collector = Blocking::new(made);
        Ok(Box::new(Periodic::new(id, "host_metrics", self.schedule(), collector, consumers, deps)))
    }

    pub(super) fn made(&self) -> Result<HostMetrics, Wrong> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(wrong);
        }
        let on = &self.scrapers;
        let mut scrapers: Vec<Box<dyn Run>> = Vec::new();
        scrapers.extend(on.cpu.iter().map(|cpu| Box::new(Cpu::new(&cpu.metrics)) as _));
        scrapers.extend(on.memory.iter().map(|memory| Box::new(Memory(memory.metrics.clone())) as _));
        scrapers.extend(on.load.iter().map(|load| Box::new(Load(load.clone())) as _));
        if let Some(disk) = &on.disk {
            scrapers.push(Box::new(Disk::new(disk, disk.filter()?)));
        }
        if let Some(filesystem) = &on.filesystem {
            scrapers.push(Box::new(Filesystem::new(filesystem)?));
        }
        if let Some(network) = &on.network {
            scrapers.push(Box::new(Network::new(network, network.filter()?)));
        }
        scrapers.extend(on.paging.iter().map(|paging| Box::new(Paging(paging.metrics.clone())) as _));
        scrapers.extend(on.processes.iter().map(|all| Box::new(Processes(all.metrics.clone())) as _));
        scrapers.extend(on.system.iter().map(|system| Box::new(System(system.metrics.clone())) as _));
        Ok(HostMetrics { root: Root::new(&self.root_path), boot: 0, scrapers })
    }
}

impl CollectNow for HostMetrics {
    fn collect_now(&mut self) -> Result<Collected, Missed> {
        if self.boot == 0 {
            // Where it is not there, the scrapers that need the file say so.
            let stat = self.root.read(&self.root.at("proc/stat"), 0);
            self.boot = stat.ok().and_then(|text| parse::stat(&text).boot).unwrap_or(0).saturating_mul(1_000_000_000);
        }
        let parts = self.scrapers.iter_mut().map(|scraper| scraper.run(&self.root, self.boot)).collect();
        Ok(Collected { parts })
    }
}
