//! Tests of what stands in `bisect`: its promises, one sentence each.

use std::collections::BTreeSet;

use host_projection::Overrun;
use proptest::prelude::*;

use super::{Bisected, Divisible, SPARE, bisect, calls_for};
use crate::generation::BatchError;
use crate::instance::CallError;

/// Items are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Batch(Vec<u32>);

impl Divisible for Batch {
    fn items(&self) -> u64 {
        self.0.len() as u64
    }

    fn halve(mut self) -> Result<(Self, Self), Self> {
        if self.0.len() < 2 {
            return Err(self);
        }
        let second = self.0.split_off(self.0.len() / 2);
        Ok((self, Batch(second)))
    }

    fn join(mut self, behind: Self) -> Self {
        self.0.extend(behind.0);
        self
    }
}

fn fault() -> BatchError {
    BatchError::Call(CallError::Guest("bad".to_owned()))
}

fn batch(items: u32) -> Batch {
    Batch((0..items).collect())
}

/// Bisects, and tells how many calls that took.
fn search(whole: Batch, mut call: impl FnMut(&[u32]) -> Result<(), BatchError>) -> (Bisected<Batch, Vec<u32>>, u32) {
    let mut calls = 0;
    let count = |part: &Batch| {
        calls += 1;
        call(&part.0).map(|()| part.0.clone())
    };
    (bisect(whole, fault(), count, || false), calls)
}

fn fails_on(poison: &BTreeSet<u32>) -> impl FnMut(&[u32]) -> Result<(), BatchError> {
    |part| if part.iter().any(|item| poison.contains(item)) { Err(fault()) } else { Ok(()) }
}

/// The items that passed, in order, and the poison.
fn sorted(bisected: Bisected<Batch, Vec<u32>>) -> Option<(Vec<u32>, Vec<u32>)> {
    let Bisected::Found { passed, poison } = bisected else { return None };
    let poison = poison.into_iter().flat_map(|(part, _)| part.0).collect();
    Some((passed.concat(), poison))
}

proptest! {
    #[test]
    fn finds_the_poison_and_nothing_else_and_keeps_the_rest_in_order(
        items in 1u32..600,
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
    ) {
        let poison: BTreeSet<u32> = places.iter().map(|place| place.index(items as usize) as u32).collect();
        let (bisected, calls) = search(batch(items), fails_on(&poison));
        prop_assert!(calls <= calls_for(items.into()), "{calls} calls");
        let needed = poison.len() as u32 * (u64::from(items).next_power_of_two().ilog2() + 2);
        match sorted(bisected) {
            Some((passed, found)) => {
                prop_assert_eq!(found, poison.iter().copied().collect::<Vec<_>>());
                let good: Vec<u32> = (0..items).filter(|item| !poison.contains(item)).collect();
                prop_assert_eq!(passed, good);
            }
            None => prop_assert!(needed > calls_for(items.into()), "{needed} calls would have been enough"),
        }
    }

    #[test]
    fn whatever_a_module_does_no_item_is_lost_or_doubled_and_no_call_is_made_beyond_the_budget(
        items in 1u32..300,
        answers in prop::collection::vec(0u8..4, 0..80),
    ) {
        let mut answers = answers.into_iter();
        let (bisected, calls) = search(batch(items), |_| match answers.next() {
            Some(0) => Err(fault()),
            Some(1) => Err(BatchError::Overrun(Overrun)),
            _ => Ok(()),
        });
        prop_assert!(calls <= calls_for(items.into()));
        if let Some((mut all, poison)) = sorted(bisected) {
            all.extend(poison);
            all.sort_unstable();
            prop_assert_eq!(all, batch(items).0);
        }
    }
}

#[test]
fn one_poison_item_costs_as_many_calls_as_the_batch_can_be_halved_and_two_more_at_most() {
    for place in 0..1024 {
        let (bisected, calls) = search(batch(1024), fails_on(&[place].into()));
        assert_eq!(sorted(bisected).expect("it is found").1, [place]);
        assert!(calls <= 12, "{calls} calls for the item at {place}");
    }
}

#[test]
fn a_batch_of_one_item_needs_no_call() {
    let (bisected, calls) = search(batch(1), |_| Ok(()));
    assert_eq!((sorted(bisected), calls), (Some((vec![], vec![0])), 0));
}

#[test]
fn a_module_that_fails_on_everything_spends_the_budget() {
    let (bisected, calls) = search(batch(100), |_| Err(fault()));
    assert_eq!((bisected, calls), (Bisected::Spent(fault()), 13 + SPARE));
}

#[test]
fn what_was_too_much_for_one_call_passes_in_two_and_nothing_is_poison() {
    let too_much = |part: &[u32]| if part.len() > 50 { Err(BatchError::Overrun(Overrun)) } else { Ok(()) };
    let whole = batch(100);
    let mut calls = 0;
    let call = |part: &Batch| {
        calls += 1;
        too_much(&part.0).map(|()| part.0.clone())
    };
    let bisected = bisect(whole.clone(), BatchError::Overrun(Overrun), call, || false);
    assert_eq!((sorted(bisected), calls), (Some((whole.0, vec![])), 2));
}

#[test]
fn an_item_that_took_too_long_is_tried_once_more() {
    let slow = |times: u32| {
        let mut left = times;
        let (bisected, _) = search(batch(8), move |part| match part {
            [5] if left > 0 => {
                left -= 1;
                Err(BatchError::Overrun(Overrun))
            }
            [5] => Ok(()),
            part if part.contains(&5) => Err(fault()),
            _ => Ok(()),
        });
        sorted(bisected).expect("it ends").1
    };
    assert_eq!(slow(1), Vec::<u32>::new());
    assert_eq!(slow(2), [5]);
}

#[test]
fn it_ends_when_time_is_up_and_when_there_is_no_room_for_guests() {
    let mut asked = 0;
    let late = || {
        asked += 1;
        asked > 3
    };
    let bisected = bisect(batch(100), fault(), |_: &Batch| Err::<(), _>(fault()), late);
    assert_eq!(bisected, Bisected::Spent(fault()));
    let (bisected, calls) = search(batch(100), |_| Err(CallError::NoInstance.into()));
    assert_eq!((bisected, calls), (Bisected::Stopped(CallError::NoInstance.into()), 1));
}
