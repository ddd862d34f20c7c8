//! Deltas become totals that never jump, in memory that is bounded.

use std::time::Duration;

use host_telemetry::Metrics;
use tokio::time::advance;

use crate::prometheus_remote_write::delta::{Deltas, Distribution, Exponential, Interval, Side, Step};
use crate::prometheus_remote_write::translate::Reason;

fn deltas(max_streams: usize) -> Deltas {
    let shown = Metrics::new().own_gauge("tidegate_exporter_delta_streams", "Series.", &[("exporter", "x")], 0);
    Deltas::new(max_streams, Duration::from_secs(60), shown)
}

fn from(start: u64, end: u64) -> Interval {
    Interval { start, end }
}

fn total<T>(total: T, start: u64) -> Step<T> {
    Step::Total { total, start }
}

#[tokio::test(start_paused = true)]
async fn adds_up_from_the_first_start_on() {
    let mut deltas = deltas(10);
    assert_eq!(deltas.add(1, from(0, 10), &2.0), total(2.0, 0));
    assert_eq!(deltas.add(1, from(10, 20), &3.0), total(5.0, 0));
    assert_eq!(deltas.add(2, from(5, 20), &7.0), total(7.0, 5));
    assert_eq!(deltas.add(1, from(25, 30), &1.0), total(6.0, 0), "a gap is no measurement");
}

#[tokio::test(start_paused = true)]
async fn adds_nothing_twice_that_comes_again() {
    let mut deltas = deltas(10);
    for end in [10, 20, 30] {
        deltas.add(1, from(end - 10, end), &1.0);
    }
    assert_eq!(deltas.add(1, from(10, 20), &1.0), Step::Again);
    assert_eq!(deltas.add(1, from(20, 30), &1.0), total(3.0, 0));
    assert_eq!(deltas.add(1, from(12, 18), &1.0), Step::Left(Reason::LateDelta), "that one was never there");
    assert_eq!(deltas.add(1, from(30, 40), &1.0), total(4.0, 0));
}

#[tokio::test(start_paused = true)]
async fn begins_anew_with_a_new_start_after_a_long_silence() {
    let mut deltas = deltas(10);
    deltas.add(1, from(0, 10), &5.0);
    advance(Duration::from_secs(61)).await;
    assert_eq!(deltas.add(1, from(100, 110), &2.0), total(2.0, 100));
}

#[tokio::test(start_paused = true)]
async fn keeps_no_more_streams_than_it_may_until_others_are_silent() {
    let mut deltas = deltas(2);
    deltas.add(1, from(0, 10), &1.0);
    deltas.add(2, from(0, 10), &1.0);
    assert_eq!(deltas.add(3, from(0, 10), &1.0), Step::Left(Reason::MaxStreams));
    assert_eq!(deltas.add(1, from(10, 20), &1.0), total(2.0, 0), "those that are there go on");
    advance(Duration::from_secs(61)).await;
    assert_eq!(deltas.add(3, from(100, 110), &1.0), total(1.0, 100));
}

#[tokio::test(start_paused = true)]
async fn adds_histograms_and_begins_anew_where_the_bounds_change() {
    let distribution = |bounds: &[f64], counts: &[u64]| Distribution {
        count: counts.iter().sum(),
        sum: Some(1.5),
        bounds: bounds.to_vec(),
        counts: counts.to_vec(),
    };
    let mut deltas = deltas(10);
    deltas.add(1, from(0, 10), &distribution(&[1.0], &[1, 2]));
    let Step::Total { total, start } = deltas.add(1, from(10, 20), &distribution(&[1.0], &[0, 4])) else { panic!() };
    assert_eq!((total.count, total.sum, total.counts, start), (7, Some(3.0), vec![1, 6], 0));
    let other = distribution(&[1.0, 2.0], &[1, 0, 0]);
    assert_eq!(deltas.add(1, from(20, 30), &other), Step::Total { total: other, start: 20 });
}

fn exponential(scale: i32, offset: i32, counts: &[u64]) -> Exponential {
    let positive = Side { offset, counts: counts.to_vec() };
    Exponential { scale, count: counts.iter().sum(), sum: Some(1.0), positive, ..Exponential::default() }
}

#[tokio::test(start_paused = true)]
async fn adds_exponential_histograms_at_the_coarser_of_two_scales() {
    let mut deltas = deltas(10);
    deltas.add(1, from(0, 10), &exponential(1, 0, &[1, 1, 1, 1]));
    let step = deltas.add(1, from(10, 20), &exponential(0, 1, &[5]));
    let Step::Total { total, .. } = step else { panic!("{step:?}") };
    assert_eq!((total.scale, total.count), (0, 9));
    assert_eq!(total.positive, Side { offset: 0, counts: vec![2, 7] });
}

#[tokio::test(start_paused = true)]
async fn makes_exponential_histograms_coarser_before_they_take_too_many_buckets() {
    let mut deltas = deltas(10);
    deltas.add(1, from(0, 10), &exponential(8, -100_000, &[1]));
    let step = deltas.add(1, from(10, 20), &exponential(8, 100_000, &[1]));
    let Step::Total { total, .. } = step else { panic!("{step:?}") };
    assert!(
        total.positive.counts.len() <= 320 && total.scale < 0,
        "{} at {}",
        total.positive.counts.len(),
        total.scale
    );
    assert_eq!(total.positive.counts.iter().sum::<u64>(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delta_that_is_no_finite_number_is_left_out_and_the_total_goes_on() {
    let mut deltas = deltas(10);
    deltas.add(1, from(0, 10), &2.0);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(deltas.add(1, from(10, 20), &bad), Step::Left(Reason::NotFinite));
    }
    assert_eq!(deltas.add(1, from(20, 30), &3.0), total(5.0, 0));
    assert_eq!(deltas.add(1, from(30, 40), &f64::MAX), total(f64::MAX, 0));
    assert_eq!(deltas.add(1, from(40, 50), &f64::MAX), total(f64::MAX, 40), "a total beyond all numbers begins anew");
    let beyond = Exponential { zero_threshold: f64::INFINITY, ..exponential(0, 0, &[1]) };
    assert_eq!(deltas.add(2, from(0, 10), &beyond), Step::Left(Reason::NotFinite));
}

#[tokio::test(start_paused = true)]
async fn a_histogram_without_a_sum_takes_no_sum_from_those_behind_it() {
    let mut deltas = deltas(10);
    let with = |sum| Exponential { sum, ..exponential(0, 0, &[1]) };
    let mut sum_of = |start, sum| match deltas.add(1, from(start, start + 10), &with(sum)) {
        Step::Total { total, start } => (total.sum, total.count, start),
        step => panic!("{step:?}"),
    };
    assert_eq!(sum_of(0, Some(1.0)), (Some(1.0), 1, 0));
    assert_eq!(sum_of(10, None), (None, 1, 10), "it begins anew");
    assert_eq!(sum_of(20, Some(1.0)), (Some(1.0), 1, 20));
    assert_eq!(sum_of(30, Some(1.0)), (Some(2.0), 2, 20));
}

#[tokio::test(start_paused = true)]
async fn no_number_of_a_sender_is_too_large_to_be_added() {
    let mut deltas = deltas(10);
    let sides = |scale, count, zero_threshold| {
        let side = || Side { offset: -1, counts: vec![count] };
        Exponential { scale, zero_threshold, positive: side(), negative: side(), ..Exponential::default() }
    };
    deltas.add(1, from(0, 10), &sides(0, u64::MAX, 0.0));
    let step = deltas.add(1, from(10, 20), &sides(0, 1, 8.0));
    let Step::Total { total, .. } = step else { panic!("{step:?}") };
    assert_eq!(total.zero_count, u64::MAX);
    deltas.add(2, from(0, 10), &sides(i32::MIN, 1, 0.0));
    assert!(matches!(deltas.add(2, from(10, 20), &sides(i32::MIN, 1, 8.0)), Step::Total { .. }));
}
