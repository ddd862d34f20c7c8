//! Tests of the ring: where the Collector puts keys, and which move.

use proptest::collection::{btree_set, vec};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::Ring;

/// An id of a trace that begins so.
fn trace(start: &[u8]) -> [u8; 16] {
    let mut id = [0; 16];
    id[..start.len()].copy_from_slice(start);
    id
}

#[test]
fn positions_are_those_that_the_collector_gives() {
    let first: Vec<u32> = (0..5).map(|count| super::position(&[b"endpoint-1", &[count]])).collect();
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1401, 4175, 14133, 17836, 21667], "{first:?}");
    let mut second: Vec<u32> = (0..5).map(|count| super::position(&[b"endpoint-2", &[count]])).collect();
    second.sort_unstable();
    assert_eq!(second, [10240, 15002, 21263, 26806, 27020]);
}

#[test]
fn traces_belong_where_the_collector_sends_them() {
    let ring = Ring::of(["endpoint-1", "endpoint-2"]);
    assert_eq!(ring.points.len(), 200);
    assert_eq!(ring.backend_of(&trace(&[1, 2, 0, 0])), 0);
    assert_eq!(ring.backend_of(&trace(&[128, 128, 0, 0])), 1);
}

#[test]
fn behind_the_last_position_comes_the_first() {
    let points = [14, 25, 33, 47, 56, 121, 134, 158, 240, 270, 350];
    let ring = Ring { points: points.iter().map(|position| (*position, *position)).collect() };
    assert_eq!([85, 14, 351, 270, 271].map(|wanted| ring.owner(wanted).unwrap()), [121, 14, 14, 270, 350]);
}

#[test]
fn an_address_that_stands_twice_counts_once_and_nobody_is_no_panic() {
    assert_eq!(Ring::of(["a", "a"]), Ring::of(["a"]));
    assert_eq!(Ring::default().backend_of(b"key"), 0);
}

proptest! {
    #[test]
    fn a_key_belongs_to_the_same_backend_each_time_and_only_those_of_one_that_goes_move(
        addresses in btree_set("[a-z]{1,8}:[0-9]{1,4}", 2..12), gone in any::<proptest::sample::Index>(),
        keys in vec(vec(any::<u8>(), 0..20), 1..200),
    ) {
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let ring = Ring::of(addresses.iter().copied());
        let gone = addresses[gone.index(addresses.len())];
        let rest: Vec<&str> = addresses.iter().copied().filter(|address| *address != gone).collect();
        let smaller = Ring::of(rest.iter().copied());
        for key in &keys {
            let before = addresses[ring.backend_of(key) as usize];
            prop_assert_eq!(before, addresses[ring.backend_of(key) as usize]);
            let after = rest[smaller.backend_of(key) as usize];
            prop_assert!(before == gone || before == after, "{} and {}, {} is gone", before, after, gone);
        }
    }

    #[test]
    fn no_backend_is_left_without_keys(count in 2..20usize) {
        let addresses: Vec<String> = (0..count).map(|n| format!("10.0.0.{n}:4317")).collect();
        let ring = Ring::of(addresses.iter().map(String::as_str));
        let mut keys = vec![0; count];
        (0..2000u32 * count as u32).for_each(|n| keys[ring.backend_of(&n.to_be_bytes()) as usize] += 1);
        prop_assert!(keys.iter().all(|own| *own > 500), "{:?}", keys);
    }
}
