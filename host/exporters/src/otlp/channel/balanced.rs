//! A connection to each address that the name of the next hop stands for: requests go over those that are up.
//!
//! The name is asked for when the first request is to be sent, again and again from then on, and when a connection has ended. One
//! that it stands for no more gets no new calls, and the connection to it ends with the last of those that it has.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::select_all;
use host_component::{ComponentId, spawn};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Channel, Ready, Settings};
use crate::http::host;
use crate::otlp::config::Balancer;
use crate::resolve::{Lookup, Name};

/// How long after an answer the name is asked for again, and where an address is away, at the earliest.
const INTERVAL: Duration = Duration::from_secs(30);
const LEAST: Duration = Duration::from_secs(1);

/// The ways to one next hop.
pub(crate) struct Balanced {
    owner: ComponentId,
    settings: Settings,
    balancer: Balancer,
    lookup: Arc<dyn Lookup>,
    turn: AtomicUsize,
    keeper: OnceLock<Keeper>,
}

/// What the task that asks for the name tells, and is told.
struct Keeper {
    known: watch::Receiver<Known>,
    is_away: Arc<Notify>,
}

#[derive(Clone)]
enum Known {
    NotYet,
    None(String),
    Channels(Arc<Vec<Arc<Channel>>>),
}

impl Balanced {
    pub(crate) fn new(id: &ComponentId, settings: Settings, balancer: Balancer, lookup: Arc<dyn Lookup>) -> Self {
        let (turn, keeper) = (AtomicUsize::new(0), OnceLock::new());
        Balanced { owner: id.clone(), settings, balancer, lookup, turn, keeper }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A connection that can take one more request, or why there is none: the next one in turn that is up, or the first.
    pub(super) async fn ready(&self) -> Result<Ready, String> {
        let keeper = self.keeper();
        let mut known = keeper.known.clone();
        let turn = match self.balancer {
            Balancer::RoundRobin => self.turn.fetch_add(1, Ordering::Relaxed),
            Balancer::PickFirst => 0,
        };
        loop {
            let now = known.borrow_and_update().clone();
            let channels = match now {
                Known::Channels(channels) => channels,
                Known::None(reason) => {
                    keeper.is_away.notify_one();
                    return Err(reason);
                }
                Known::NotYet => {
                    known.changed().await.map_err(|_| ended())?;
                    continue;
                }
            };
            let (mut connecting, mut reason) = (Vec::new(), String::new());
            for at in 0..channels.len() {
                let channel = &channels[(turn % channels.len() + at) % channels.len()];
                let mut state = channel.state();
                match channel.now(&mut state).await {
                    Ok(Some(client)) => return Ok(Ready { client, _channel: Arc::clone(channel) }),
                    Ok(None) => connecting.push(state),
                    Err(why) => reason = why,
                }
                // Its connection has ended, or there is none yet: the name may stand for others by now.
                keeper.is_away.notify_one();
                // The first is waited for while it connects, and no other is connected to.
                if self.balancer == Balancer::PickFirst && !connecting.is_empty() {
                    break;
                }
            }
            if connecting.is_empty() {
                return Err(reason);
            }
            let any = select_all(connecting.iter_mut().map(|state| Box::pin(state.changed())));
            tokio::select! {
                (changed, ..) = any => changed.map_err(|_| ended())?,
                changed = known.changed() => changed.map_err(|_| ended())?,
            }
        }
    }

    /// Says that a call had no answer in time.
    pub(super) fn doubt(&self) {
        let keeper = self.keeper();
        if let Known::Channels(channels) = &*keeper.known.borrow() {
            channels.iter().for_each(|channel| channel.doubt());
        }
    }

    /// The task that asks for the name; the first caller starts it.
    fn keeper(&self) -> &Keeper {
        self.keeper.get_or_init(|| {
            let (publish, known) = watch::channel(Known::NotYet);
            let is_away = Arc::new(Notify::new());
            let owner = self.owner.to_string();
            let (host, patience) = (host(&self.settings.authority), self.settings.connect_timeout);
            let name = Name::new(Arc::clone(&self.lookup), host, patience, &owner);
            let following = follow(self.owner.clone(), self.settings.clone(), name, publish, Arc::clone(&is_away));
            spawn("resolve", &owner, following);
            Keeper { known, is_away }
        })
    }
}

fn ended() -> String {
    "the exporter has ended".to_owned()
}

/// Keeps the channels up to date for as long as somebody wants one.
async fn follow(
    owner: ComponentId,
    settings: Settings,
    mut name: Name,
    publish: watch::Sender<Known>,
    is_away: Arc<Notify>,
) {
    loop {
        let answer = tokio::select! {
            answer = name.addresses() => answer,
            () = publish.closed() => return,
        };
        let asked = Instant::now();
        match answer {
            Ok(addresses) => update(&owner, &settings, &addresses, &publish),
            Err(error) => {
                publish.send_if_modified(|known| match known {
                    Known::Channels(_) => false,
                    Known::NotYet | Known::None(_) => {
                        *known = Known::None(error.to_string());
                        true
                    }
                });
            }
        }
        let wanted = async {
            is_away.notified().await;
            sleep_until(asked + LEAST).await;
        };
        tokio::select! {
            () = sleep(INTERVAL) => {}
            () = wanted => {}
            () = publish.closed() => return,
        }
    }
}

/// These are the addresses now: channels to those that were there before stay.
fn update(owner: &ComponentId, settings: &Settings, addresses: &[IpAddr], publish: &watch::Sender<Known>) {
    let before = match &*publish.borrow() {
        Known::Channels(channels) => Arc::clone(channels),
        Known::NotYet | Known::None(_) => Arc::default(),
    };
    let port = settings.port();
    let addresses: Vec<SocketAddr> = addresses.iter().map(|address| SocketAddr::new(*address, port)).collect();
    if before.iter().map(|channel| channel.settings.address).eq(addresses.iter().copied().map(Some)) {
        return;
    }
    tracing::info!(exporter = %owner, next_hop = %settings.authority, ?addresses, "the name stands for these addresses now");
    let channel = |address: &SocketAddr| {
        let there = before.iter().find(|channel| channel.settings.address == Some(*address));
        let new = || Arc::new(Channel::new(owner, Settings { address: Some(*address), ..settings.clone() }));
        there.cloned().unwrap_or_else(new)
    };
    publish.send_replace(Known::Channels(Arc::new(addresses.iter().map(channel).collect())));
}
