//! The receiver asks the kubelet who has which card, and then each card, on a thread that may block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use host_component::{ComponentId, Consumers, Receiver};
use host_config::Check as _;
use host_periodic::{Blocking, Choices, Collect, CollectNow, Collected, Missed, Periodic, Recorder, now, resource};
use host_receivers::Deps;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use super::card::{self, Asking, Card, Identity, Readings, State, Wants};
use super::config::{Config, Names};
use super::library::{Library, Severity};
use super::pods::{Owners, Pods};
use super::xid::Last;
use super::{dcgm, semconv};
use crate::BuildError;

const SCRAPER: &str = "gpu";
const SCOPE: &str = "tidegate/gpu";
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.40.0";
/// No machine has more.
pub(super) const CARDS: u32 = 1024;
/// How many collections a card that is lost is left for.
const PATIENCE: u32 = 20;

pub(super) struct Gpu {
    pods: Pods,
    owners: Arc<ArcSwap<Owners>>,
    cards: Blocking<Cards>,
}

/// All cards of the machine.
struct Cards {
    library: Library,
    names: Names,
    hostname: String,
    choices: Choices,
    owners: Arc<ArcSwap<Owners>>,
    /// Those that have answered, by their place: who is lost does not say who it is any more.
    known: BTreeMap<u32, Identity>,
    xids: Last,
    /// Those that are lost, by their place, and for how many collections the library has not been loaded anew for that.
    lost: BTreeSet<u32>,
    waited: u32,
}

impl Config {
    /// Makes the receiver. No driver is needed: it is looked for when it collects.
    ///
    /// # Errors
    /// Where a value makes no sense.
    pub fn build(
        self,
        id: &ComponentId,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Result<Box<dyn Receiver>, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError { id: id.clone(), wrong });
        }
        Ok(Box::new(Periodic::new(id, SCRAPER, self.schedule(), self.made(), consumers, deps)))
    }

    pub(super) fn made(&self) -> Gpu {
        let owners = Arc::new(ArcSwap::default());
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        let cards = Cards {
            library: Library::new(self.library_path.as_deref()),
            names: self.names,
            hostname: self.hostname.clone().unwrap_or_else(host),
            choices: self.metrics.clone(),
            owners: Arc::clone(&owners),
            known: BTreeMap::new(),
            xids: Last::default(),
            lost: BTreeSet::new(),
            waited: 0,
        };
        Gpu { pods: Pods::new(&self.pod_resources), owners, cards: Blocking::new(cards) }
    }
}

impl Collect for Gpu {
    async fn collect(&mut self) -> Result<Collected, Missed> {
        let owners = self.pods.owners().await;
        let (owners, missed) = match owners {
            Ok(owners) => (owners, None),
            Err(missed) => (Owners::default(), Some(missed)),
        };
        self.owners.store(Arc::new(owners));
        let mut collected = self.cards.collect().await?;
        if let (Some(part), Some(missed)) = (collected.parts.first_mut(), missed) {
            part.missed.push(missed);
        }
        Ok(collected)
    }
}

impl CollectNow for Cards {
    fn collect_now(&mut self) -> Result<Collected, Missed> {
        let mut missed = Vec::new();
        let choices = self.choices.clone();
        // When a counter began is told by nobody.
        let mut recorder = Recorder::new(&choices, 0, now());
        let is_listening = self.names.has_dcgm() && recorder.wants(&dcgm::XID_ERRORS);
        let Some(nvml) = self.library.open()? else { return Ok(Collected::default()) };
        let wants = Wants {
            throughput: self.names.has_dcgm() && dcgm::wants_throughput(&recorder),
            processes: self.names.has_semconv() && recorder.wants(&semconv::PROCESS_MEMORY),
        };
        let asked = ask_all(nvml, wants, &mut self.known, &mut missed);
        let (cards, lost) = match asked {
            Ok(asked) => asked,
            Err(error) => {
                let missed = self.library.missed(&error);
                self.library.release();
                return Err(missed);
            }
        };
        let owners = self.owners.load();
        for card in &cards {
            if self.names.has_semconv() {
                semconv::record(card, &owners, &mut recorder);
            }
            if self.names.has_dcgm() {
                dcgm::record(card, &owners, &self.hostname, self.xids.of(&card.identity.uuid), &mut recorder);
            }
        }
        // Loaded anew, the library may find it again. Nobody listens to the others meanwhile: it is not done all the time.
        self.waited += 1;
        let is_due = !lost.is_subset(&self.lost) || !lost.is_empty() && self.waited >= PATIENCE;
        self.lost = lost;
        if is_due {
            self.waited = 0;
            self.library.release();
        } else if is_listening {
            self.library.listen(&self.xids);
        }
        let metrics = vec![resource(Vec::new(), SCOPE, SCHEMA, recorder.finish())];
        Ok(Collected::of(SCRAPER, metrics, missed))
    }
}

/// Asks each card; with those that are lost.
///
/// # Errors
/// Where the library does not fit the driver any more.
fn ask_all(
    nvml: &Nvml,
    wants: Wants,
    known: &mut BTreeMap<u32, Identity>,
    missed: &mut Vec<Missed>,
) -> Result<(Vec<Card>, BTreeSet<u32>), NvmlError> {
    let (mut cards, mut gone) = (Vec::new(), BTreeSet::new());
    let count = nvml.device_count()?.min(CARDS);
    known.retain(|index, _| *index < count);
    for index in 0..count {
        let whom = known.get(&index).map_or_else(|| format!("GPU {index}"), |identity| identity.uuid.clone());
        let mut asking = Asking { missed, worst: None, stale: None, whom };
        let card = ask_one(nvml, index, wants, known, &mut asking);
        let heard = asking.worst;
        if let Some(error) = asking.stale.take() {
            return Err(error);
        }
        if heard == Some(Severity::CardLost) {
            gone.insert(index);
            missed.push(lost(known.get(&index), index));
        }
        let failed = || {
            let identity = known.get(&index)?.clone();
            let (readings, instances, processes) = (Readings::default(), Vec::new(), Vec::new());
            Some(Card { identity, state: State::Failed, readings, instances, processes })
        };
        cards.extend(if heard == Some(Severity::CardLost) { failed() } else { card });
    }
    Ok((cards, gone))
}

fn ask_one(
    nvml: &Nvml,
    index: u32,
    wants: Wants,
    known: &mut BTreeMap<u32, Identity>,
    asking: &mut Asking<'_>,
) -> Option<Card> {
    let device = asking.ask("handle", nvml.device_by_index(index))?;
    let identity = card::identify(nvml, &device, index, asking)?;
    asking.whom = identity.uuid.clone();
    known.insert(index, identity.clone());
    Some(card::read(nvml, &device, identity, wants, asking))
}

fn lost(identity: Option<&Identity>, index: u32) -> Missed {
    let place = identity.map_or_else(|| format!("GPU {index}"), |identity| identity.uuid.clone());
    let problem = "the card is lost: it has fallen off the bus, or has to be reset";
    Missed::new(place, problem, "see `nvidia-smi` and the log of the kernel; it is asked again at each interval")
}
