//! The state by example: what came since the last time, whatever fails in between.

use std::time::Duration;

use host_otlp::view::Number;
use host_telemetry::Metrics;

use super::{Amount, Buckets, Distribution, First, Key, State, Step};

const BEGAN: u64 = 1_000;

fn state(first: First, limit: usize) -> State {
    State::new(Duration::from_secs(3600), limit, first, BEGAN, "datadog", &Metrics::new())
}

fn int(value: i64) -> Amount {
    Amount::Growing(Number::Int(value))
}

fn came(amount: Amount, since: u64) -> Step {
    Step::Came { amount, since }
}

fn values(count: u64, sum: f64, counts: &[u64]) -> Amount {
    let buckets = Buckets::Explicit { bounds: vec![1.0; counts.len() - 1], counts: counts.to_vec() };
    Amount::Values(Box::new(Distribution { count, sum: Some(sum), min: None, max: None, buckets }))
}

fn powers(scale: i32, positive: &[(i32, u64)]) -> Amount {
    let count = positive.iter().map(|(_, count)| count).sum();
    let buckets = Buckets::Exponential { scale, zero: 0, positive: positive.to_vec(), negative: Vec::new() };
    Amount::Values(Box::new(Distribution { count, sum: None, min: None, max: None, buckets }))
}

#[test]
fn a_sum_is_sent_as_what_came_since_the_last_time() {
    let state = state(First::Auto, 10);
    let key = state.key("requests");
    assert_eq!(state.reached(key, 10, 2_000, int(7)), Step::Begun);
    assert_eq!(state.reached(key, 10, 3_000, int(9)), came(int(2), 2_000));
    assert_eq!(state.reached(key, 10, 4_000, int(9)), came(int(0), 3_000));
    assert_eq!(state.reached(key, 10, 3_500, int(9)), Step::Old);
    // Integers beyond what a double can hold are exact.
    assert_eq!(state.reached(key, 10, 5_000, int(i64::MAX)), came(int(i64::MAX - 9), 4_000));
}

#[test]
fn the_first_point_counts_where_the_series_began_after_this_process() {
    let auto = state(First::Auto, 10);
    assert_eq!(auto.reached(auto.key("a"), BEGAN + 1, 2_000, int(7)), came(int(7), BEGAN + 1));
    assert_eq!(auto.reached(auto.key("b"), BEGAN - 1, 2_000, int(7)), Step::Begun);
    assert_eq!(auto.reached(auto.key("c"), 2_000, 2_000, int(7)), Step::Begun);
    let keep = state(First::Keep, 10);
    assert_eq!(keep.reached(keep.key("a"), 0, 2_000, int(7)), came(int(7), 0));
    let drop = state(First::Drop, 10);
    assert_eq!(drop.reached(drop.key("a"), BEGAN + 1, 2_000, int(7)), Step::Begun);
}

#[test]
fn a_sum_that_begins_anew_is_not_negative() {
    let state = state(First::Auto, 10);
    let key = state.key("requests");
    state.reached(key, 10, 2_000, int(7));
    assert_eq!(state.reached(key, 10, 3_000, int(2)), Step::Begun);
    assert_eq!(state.reached(key, 10, 4_000, int(5)), came(int(3), 3_000));
    // The new start is after that of this process: what was counted since then is known.
    assert_eq!(state.reached(key, 4_500, 5_000, int(4)), came(int(4), 4_500));
}

#[test]
fn what_was_not_delivered_goes_out_with_the_next_point_or_with_the_same_one_again() {
    let state = state(First::Auto, 10);
    let key = state.key("requests");
    state.reached(key, 10, 2_000, int(7));
    assert_eq!(state.reached(key, 10, 3_000, int(9)), came(int(2), 2_000));
    state.give_back(key, int(2));
    assert_eq!(state.reached(key, 10, 3_000, int(9)), came(int(2), 10));
    assert_eq!(state.reached(key, 10, 3_000, int(9)), Step::Old);
    state.give_back(key, int(2));
    assert_eq!(state.reached(key, 10, 4_000, int(10)), came(int(3), 3_000));
    // Also past a new beginning.
    state.give_back(key, int(3));
    assert_eq!(state.reached(key, 11, 5_000, int(1)), came(int(3), 11));
}

#[test]
fn buckets_are_taken_from_each_other() {
    let state = state(First::Auto, 100);
    let key = state.key("took");
    state.reached(key, 10, 2_000, values(3, 1.5, &[1, 2]));
    assert_eq!(state.reached(key, 10, 3_000, values(7, 4.0, &[4, 3])), came(values(4, 2.5, &[3, 1]), 2_000));
    state.give_back(key, values(4, 2.5, &[3, 1]));
    assert_eq!(state.reached(key, 10, 4_000, values(8, 5.0, &[4, 4])), came(values(5, 3.5, &[3, 2]), 3_000));
    assert_eq!(state.reached(key, 10, 5_000, values(8, 5.0, &[5, 3])), Step::Begun, "one that shrinks began anew");
    assert_eq!(state.reached(key, 10, 6_000, values(9, 5.0, &[5, 3, 1])), Step::Begun, "and so did other bounds");
}

#[test]
fn an_exponential_histogram_that_became_coarser_goes_on() {
    let state = state(First::Auto, 100);
    let key = state.key("took");
    state.reached(key, 10, 2_000, powers(1, &[(-1, 1), (0, 2), (1, 3), (2, 4)]));
    let coarser = powers(0, &[(-1, 1), (0, 6), (1, 4), (7, 9)]);
    assert_eq!(state.reached(key, 10, 3_000, coarser), came(powers(0, &[(0, 1), (7, 9)]), 2_000));
    assert_eq!(state.reached(key, 10, 4_000, powers(1, &[(0, 100)])), Step::Begun);
}

#[test]
fn no_more_is_remembered_than_may_be() {
    let state = state(First::Auto, 3);
    let keys: Vec<Key> = (0..4).map(|i| state.key(i)).collect();
    let steps: Vec<_> = keys.iter().map(|key| state.reached(*key, 10, 2_000, int(1))).collect();
    assert_eq!(steps, [Step::Begun, Step::Begun, Step::Begun, Step::Full]);
    assert_eq!(state.reached(keys[0], 10, 3_000, int(2)), came(int(1), 2_000), "what is known goes on");
}

#[tokio::test(start_paused = true)]
async fn a_series_that_nobody_hears_of_is_forgotten() {
    let metrics = Metrics::new();
    let state = State::new(Duration::from_secs(100), 1, First::Auto, BEGAN, "datadog", &metrics);
    let (old, new) = (state.key("old"), state.key("new"));
    state.reached(old, 10, 2_000, int(1));
    assert_eq!(state.reached(new, 10, 2_000, int(1)), Step::Full);
    tokio::time::advance(Duration::from_secs(101)).await;
    assert_eq!(state.reached(new, 10, 2_000, int(1)), Step::Begun);
    state.give_back(old, int(1));
    assert_eq!(metrics.total("tidegate_exporter_delta_amounts_lost"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_to_a_series_that_is_forgotten_is_counted() {
    let metrics = Metrics::new();
    let state = State::new(Duration::from_secs(100), 10, First::Auto, BEGAN, "datadog", &metrics);
    let (owed, other) = (state.key("owed"), state.key("other"));
    state.reached(owed, 10, 2_000, int(1));
    assert_eq!(state.reached(owed, 10, 3_000, int(3)), came(int(2), 2_000));
    state.give_back(owed, int(2));
    tokio::time::advance(Duration::from_secs(101)).await;
    // Known and told of anew, it is no longer there.
    state.reached(other, 10, 2_000, int(1));
    state.reached(other, 10, 3_000, int(2));
    assert_eq!(metrics.total("tidegate_exporter_delta_amounts_lost"), 1);
    let shown = metrics.render();
    assert!(shown.contains("tidegate_exporter_delta_series{exporter=\"datadog\"} 1"), "{shown}");
}

#[test]
fn buckets_that_meet_in_one_place_are_taken_from_each_other() {
    let state = state(First::Auto, 100);
    let key = state.key("took");
    // So far out that two of them have the same index here.
    let far = |one, other| powers(0, &[(i32::MAX, one), (i32::MAX, other)]);
    state.reached(key, 10, 2_000, far(5, 1));
    assert_eq!(state.reached(key, 10, 3_000, far(3, 7)), came(powers(0, &[(i32::MAX, 4)]), 2_000));
}
