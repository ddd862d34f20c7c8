//! Tests of what stands in `standing`: its promises, one sentence each.

use std::time::{Duration, Instant};

use super::{FEW, RECENT, Standing, Watch};

const WATCH: Watch = Watch { window: Duration::from_secs(60), error_percent: 5, p99: Duration::from_millis(100) };

#[test]
fn a_module_is_at_fault_when_more_than_one_of_twenty_recent_items_is_poison() {
    let standing = Standing::new(Instant::now());
    standing.began(1000);
    assert!(!standing.poisoned(50));
    assert!(standing.poisoned(1));
}

#[test]
fn a_few_poison_items_are_nobody_s_fault_however_few_there_were_in_all() {
    let standing = Standing::new(Instant::now());
    for _ in 0..FEW {
        standing.began(1);
        assert!(!standing.poisoned(1));
    }
    standing.began(1);
    assert!(standing.poisoned(1));
}

#[test]
fn what_was_long_ago_counts_for_less() {
    let standing = Standing::new(Instant::now());
    (0..100).for_each(|_| standing.began(RECENT));
    assert!(standing.poisoned(RECENT / 8), "whatever good there was in the hundred batches before");
    (0..100).for_each(|_| standing.began(RECENT));
    assert!(!standing.poisoned(FEW + 1), "whatever poison there was a hundred batches ago");
    standing.forget();
    assert_eq!(standing.recent(), (0, 0));
}

#[test]
fn batches_that_fail_count_against_a_generation_only_while_it_is_watched() {
    let start = Instant::now();
    let standing = Standing::new(start);
    (0..200).for_each(|_| standing.began(1));
    let failed: Vec<bool> = (0..11).map(|_| standing.failed(&WATCH, start)).collect();
    assert_eq!(failed, [vec![false; 10], vec![true]].concat());
    assert!(!standing.failed(&WATCH, start + WATCH.window), "its time is over");
}

#[test]
fn more_than_one_slow_batch_of_a_hundred_is_a_p99_over_the_budget() {
    let start = Instant::now();
    let standing = Standing::new(start);
    (0..700).for_each(|_| standing.began(1));
    let slow: Vec<bool> = (0..8).map(|_| standing.slow(&WATCH, start)).collect();
    assert_eq!(slow, [vec![false; 7], vec![true]].concat());
}
