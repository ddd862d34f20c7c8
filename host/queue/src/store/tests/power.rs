//! A thousand losses of power, each from a seed: whatever was acknowledged is delivered, and nothing else is.

use std::collections::HashSet;
use std::sync::Arc;

use super::{ALONE, Join, Shim, Store, Taken, open, open_with, outgoing, texts};
use crate::record::{Outgoing, Totals};

/// What the world outside of the queue knows.
#[derive(Default)]
struct World {
    /// Acknowledged, and not delivered for all that is known.
    owed: HashSet<String>,
    /// Whatever was ever to be appended.
    sent: HashSet<String>,
    /// Whether `fsync` may change.
    may_be_unsynced: bool,
    /// Whether an acknowledgement waits for the disk.
    is_synced: bool,
    /// Whether one ever did not, so that what is lost then is told of.
    was_unsynced: bool,
    under_way: Vec<Vec<Taken<Shim>>>,
    next: usize,
}

impl World {
    fn append(&mut self, store: &Arc<Store<Shim>>, random: &mut fastrand::Rng) {
        let texts: Vec<String> = (0..random.usize(1..6))
            .map(|_| {
                self.next += 1;
                format!("n{:06}{}", self.next, "-".repeat(random.usize(..90)))
            })
            .collect();
        let group: Vec<Outgoing> = texts.iter().map(|text| outgoing(text)).collect();
        self.sent.extend(texts.iter().cloned());
        let (done, error) = store.append(&group);
        assert!(done == texts.len() || error.is_some());
        self.owed.extend(texts.into_iter().take(done).filter(|_| self.is_synced));
    }

    fn deliver(&mut self, seed: u64, taken: Vec<Taken<Shim>>) {
        for text in texts(&taken) {
            assert!(self.sent.contains(&text), "seed {seed}: {text} was never sent");
            self.owed.remove(&text);
        }
        taken.into_iter().for_each(Taken::done);
    }

    fn step(&mut self, seed: u64, store: &Arc<Store<Shim>>, shim: &Shim, random: &mut fastrand::Rng) {
        match random.u8(..20) {
            0..8 => self.append(store, random),
            8..12 => {
                let join = [ALONE, Join { bytes: 300, items: 3 }][random.usize(..2)];
                let at_hand = if random.bool() { store.take_at_hand(join) } else { None };
                let taken = at_hand.unwrap_or_else(|| store.take(join));
                if !taken.is_empty() {
                    self.under_way.push(taken);
                }
            }
            12..16 if !self.under_way.is_empty() => {
                let taken = self.under_way.swap_remove(random.usize(..self.under_way.len()));
                match random.bool() {
                    true => self.deliver(seed, taken),
                    false => drop(taken),
                }
            }
            16 => shim.state().fails_sync = random.bool(),
            17 => shim.state().room = random.bool().then(|| random.u64(..600)),
            18 => store.end_segment(),
            19 if self.may_be_unsynced => {
                self.is_synced = random.bool();
                self.was_unsynced |= !self.is_synced;
                store.set_fsync(self.is_synced);
            }
            _ => {
                // Where it fails, what was delivered comes again.
                let _ = store.keep(random.bool());
            }
        }
    }
}

/// One run: work, a loss of power in the midst of it, and again; then everything is taken.
fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut world, mut shim) = (World { may_be_unsynced: seed % 2 == 1, ..World::default() }, Shim::default());
    for _ in 0..random.usize(1..4) {
        let (store, _) = open_with(&shim, [0, 300, 1 << 20][random.usize(..3)]);
        world.is_synced = true;
        shim.state().calls_left = Some(random.u64(..120));
        for _ in 0..random.usize(..120) {
            world.step(seed, &store, &shim, &mut random);
        }
        world.under_way.clear();
        assert!(shim.state().retried.is_empty(), "seed {seed}: {:?}", shim.state().retried);
        shim = shim.lose_power(&mut random);
    }
    let (store, _) = open(&shim);
    loop {
        let taken = store.take(ALONE);
        if taken.is_empty() {
            break;
        }
        world.deliver(seed, taken);
    }
    assert!(world.owed.is_empty(), "seed {seed}: {:?} were acknowledged and are lost", world.owed);
    let lost = store.take_damage().lost;
    assert!(world.was_unsynced || lost == Totals::default(), "seed {seed}: told of a loss");
    assert_eq!(store.usage().records, 0, "seed {seed}");
}

#[test]
fn no_loss_of_power_loses_what_was_acknowledged() {
    // One seed again, or others.
    let first = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = first.map_or(0..1_000, |seed: u64| seed..seed + 1);
    println!("seeds {seeds:?}");
    seeds.for_each(run);
}
