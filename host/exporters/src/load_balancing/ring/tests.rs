//! Tests of the ring: where the Collector puts keys, and which move.

use proptest::collection::btree_set;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::{CIRCLE, POINTS, Ring, hash};

/// The first positions that an address wants, in order.
fn wanted(address: &str) -> Vec<u32> {
    let mut wanted: Vec<u32> =
        (0..5_u32).map(|number| hash(&[address.as_bytes(), &number.to_le_bytes()]) % CIRCLE).collect();
    wanted.sort_unstable();
    wanted
}

#[test]
fn positions_are_those_that_the_collector_gives() {
    assert_eq!(wanted("endpoint-1"), [0x4be4, 0x666a, 0xad6f, 0x1a4c1, 0x1bae2]);
    assert_eq!(wanted("endpoint-A"), [0xca91, 0x10b72, 0x11801, 0x1af16, 0x1e723]);
    assert_eq!(wanted("endpoint-B"), [0x61a4, 0x11372, 0x116b1, 0x18a36, 0x1af01]);
}

#[test]
fn keys_belong_where_the_collector_sends_them() {
    let ring = Ring::of(["endpoint-1", "endpoint-2"]);
    assert_eq!(ring.points.len(), 400);
    for (key, backend) in
        [(&[1, 2, 0, 0][..], 1), (&[128, 128, 0, 0], 0), (b"ad-service-7", 1), (b"get-recommendations-1", 1)]
    {
        assert_eq!(ring.backend_of(key), backend, "{key:?}");
    }
}

#[test]
fn nobody_loses_positions_for_coming_late() {
    let addresses: Vec<String> = (0..300).map(|number| format!("endpoint-{number}")).collect();
    let ring = Ring::of(addresses.iter().map(String::as_str));
    let mut counts = vec![0; addresses.len()];
    ring.points.iter().for_each(|(_, backend)| counts[*backend as usize] += 1);
    assert!(counts.iter().all(|count| *count == POINTS), "{counts:?}");
    let positions: Vec<u32> = ring.points.iter().map(|(position, _)| *position).collect();
    let reversed = Ring::of(addresses.iter().rev().map(String::as_str));
    assert_eq!(reversed.points.iter().map(|(position, _)| *position).collect::<Vec<_>>(), positions);
    assert!(ring.points.iter().zip(&reversed.points).all(|((_, one), (_, other))| one + other == 299));
}

#[test]
fn behind_the_last_position_comes_the_first() {
    let points = [14, 25, 33, 47, 56, 121, 134, 158, 240, 270, 350];
    let ring = Ring { points: points.iter().map(|position| (*position, *position)).collect() };
    assert_eq!([85, 14, 351, 270, 271].map(|wanted| ring.owner(wanted).unwrap()), [121, 14, 14, 270, 350]);
}

#[test]
fn nobody_is_no_panic() {
    assert_eq!(Ring::of([]), Ring::default());
    assert_eq!(Ring::default().backend_of(b"key"), 0);
}

proptest! {
    #[test]
    fn a_key_belongs_to_the_same_backend_each_time_and_those_of_one_that_goes_move_alone(
        addresses in btree_set("[a-z]{1,8}:[0-9]{1,4}", 2..12), gone in any::<proptest::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let ring = Ring::of(addresses.iter().copied());
        let gone = addresses[gone.index(addresses.len())];
        let rest: Vec<&str> = addresses.iter().copied().filter(|address| *address != gone).collect();
        let smaller = Ring::of(rest.iter().copied());
        let mut moved = 0;
        for number in 0..2000_u64 {
            let key = seed.wrapping_add(number).to_be_bytes();
            let before = addresses[ring.backend_of(&key) as usize];
            prop_assert_eq!(before, addresses[ring.backend_of(&key) as usize]);
            moved += u32::from(before != gone && before != rest[smaller.backend_of(&key) as usize]);
        }
        // Where it had a position that another wanted, too, that one moves by a position.
        prop_assert!(moved <= 20, "{} keys of others have moved", moved);
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
