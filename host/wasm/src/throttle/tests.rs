//! Tests of what stands in `throttle`: its promises, one sentence each.

use std::time::Instant;

use super::{EVERY, Throttle};

#[test]
fn one_a_second_is_let_through_and_the_next_says_how_many_were_not() {
    let throttle = Throttle::default();
    let start = Instant::now();
    assert_eq!(throttle.admits(start), Some(0));
    assert_eq!(throttle.admits(start), None);
    assert_eq!(throttle.admits(start + EVERY / 2), None);
    assert_eq!(throttle.admits(start + EVERY), Some(2));
    assert_eq!(throttle.admits(start + EVERY * 2), Some(0));
}
