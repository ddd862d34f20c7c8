//! Tests of what stands in `budget`: its promises, one sentence each.

use super::Budget;

#[test]
fn gives_no_more_than_its_limit_and_takes_back_what_is_dropped() {
    let budget = Budget::new(100);
    let first = budget.reserve(60).unwrap();
    assert!(budget.reserve(41).is_none());
    let second = budget.reserve(40).unwrap();
    assert!(budget.reserve(1).is_none());
    drop(first);
    assert_eq!(budget.used(), 40);
    drop(second);
    assert_eq!(budget.used(), 0);
}

#[test]
fn grows_only_within_its_limit() {
    let budget = Budget::new(100);
    let mut held = budget.reserve(10).unwrap();
    assert!(held.grow(90));
    assert!(!held.grow(1));
    drop(held);
    assert_eq!(budget.used(), 0);
}

#[test]
fn survives_a_size_that_overflows() {
    let budget = Budget::new(100);
    let _held = budget.reserve(1).unwrap();
    assert!(budget.reserve(usize::MAX).is_none());
}

#[test]
fn takes_back_what_was_reserved_in_vain() {
    let budget = Budget::new(100);
    let mut held = budget.reserve(80).unwrap();
    held.shrink_to(30);
    assert_eq!(budget.used(), 30);
    held.shrink_to(50);
    assert_eq!(budget.used(), 30, "shrinking never grows");
    drop(held);
    assert_eq!(budget.used(), 0);
}
