//! Sketches by example, and their quantiles by chance.

use proptest::collection::vec;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use prost::Message as _;

use super::{BIN, BINS, Labels, Payload, Sketch, bin, encode, end};
use crate::datadog::state::{Buckets, Distribution};

fn explicit(bounds: &[f64], counts: &[u64]) -> Distribution {
    let buckets = Buckets::Explicit { bounds: bounds.to_vec(), counts: counts.to_vec() };
    Distribution { count: counts.iter().sum(), sum: None, min: None, max: None, buckets }
}

/// The middle of the bin in which this share of the values lies at or below.
fn quantile(sketch: &Sketch, share: f64) -> f64 {
    let total: u64 = sketch.bins.values().sum();
    let wanted = (share * total as f64).ceil().max(1.0) as u64;
    let mut so_far = 0;
    let found = sketch.bins.iter().find(|(_, count)| {
        so_far += **count;
        so_far >= wanted
    });
    let bin = *found.unwrap().0;
    (end(bin) + end(bin - 1)) / 2.0
}

#[test]
fn bins_are_those_of_datadogs_agent() {
    // Bins of the agent's own sketches: zero, the smallest, one, and their opposites.
    let known = [(0.0, 0), (1e-10, 0), (1e-9, 1), (0.001, 892), (1.0, 1338), (100.0, 1635), (12_345.678, 1946)];
    for (value, wanted) in known {
        assert_eq!((bin(value), bin(-value)), (wanted, -wanted), "{value}");
    }
    assert_eq!(bin(f64::MAX), 32_766);
}

#[test]
fn a_bin_ends_where_the_next_one_begins() {
    for at in [-3000, -1338, -2, -1, 0, 1, 2, 1338, 3000] {
        let edge = end(at);
        assert!(bin(edge * (1.0 - 1e-9 * edge.signum())) <= at, "{at}");
        assert!(bin(edge * (1.0 + 1e-6 * edge.signum())) > at, "{at}");
    }
}

#[test]
fn values_lie_evenly_between_the_bounds_of_their_bucket() {
    let sketch = Sketch::of(&explicit(&[10.0, 20.0], &[0, 1000, 0])).unwrap();
    assert_eq!(sketch.bins.values().sum::<u64>(), 1000);
    for (share, wanted) in [(0.1, 11.0), (0.5, 15.0), (0.9, 19.0)] {
        let found = quantile(&sketch, share);
        assert!((found - wanted).abs() / wanted < 0.02, "{share}: {found}");
    }
    assert_eq!((sketch.low, sketch.high), (Some(10.0), Some(20.0)));
}

#[test]
fn without_an_outer_bound_the_extreme_stands_for_it_or_else_the_inner_one() {
    let mut values = explicit(&[10.0], &[1, 1]);
    let sketch = Sketch::of(&values).unwrap();
    assert_eq!((sketch.low, sketch.high), (Some(10.0), Some(10.0)));
    (values.min, values.max) = (Some(4.0), Some(30.0));
    let sketch = Sketch::of(&values).unwrap();
    assert_eq!((sketch.low, sketch.high), (Some(4.0), Some(30.0)));
}

#[test]
fn an_exponential_histogram_keeps_its_powers_on_both_sides_of_zero() {
    let buckets =
        Buckets::Exponential { scale: 0, zero: 5, positive: vec![(3, 100)], negative: vec![(0, 10), (1, 10)] };
    let sketch = Sketch::of(&Distribution { count: 125, sum: None, min: None, max: None, buckets }).unwrap();
    assert_eq!((sketch.low, sketch.high), (Some(-4.0), Some(16.0)));
    assert_eq!(sketch.bins.get(&0), Some(&5));
    let median = quantile(&sketch, 0.6);
    assert!((8.0..16.0).contains(&median), "{median}");
    assert!(quantile(&sketch, 0.04) < -2.0);
}

#[test]
fn buckets_that_make_no_sense_make_no_sketch() {
    assert!(Sketch::of(&explicit(&[2.0, 1.0], &[1, 1, 1])).is_none());
    assert!(Sketch::of(&explicit(&[1.0, 2.0], &[1, 1])).is_none());
    assert!(Sketch::of(&explicit(&[f64::NAN], &[1, 1])).is_none());
}

#[test]
fn a_histogram_without_buckets_lies_between_its_extremes() {
    let mut values = explicit(&[], &[]);
    (values.count, values.sum) = (4, Some(8.0));
    let sketch = Sketch::of(&values).unwrap();
    assert_eq!((sketch.low, sketch.bins.values().sum::<u64>()), (Some(2.0), 4));
}

#[test]
fn a_sum_that_is_no_number_hides_no_values() {
    let mut values = explicit(&[], &[]);
    (values.count, values.sum) = (4, Some(f64::NAN));
    assert!(Sketch::of(&values).is_none(), "where there is nothing else");
    let mut values = explicit(&[], &[4]);
    values.sum = Some(f64::NAN);
    let sketch = Sketch::of(&values).unwrap();
    assert_eq!((sketch.low, sketch.high, sketch.bins.values().sum::<u64>()), (Some(0.0), Some(0.0), 4));
}

#[test]
fn no_count_is_too_large_and_no_sketch_has_too_many_bins() {
    let sketch = Sketch::of(&explicit(&[1.0], &[u64::MAX / 2, 3])).unwrap();
    let (keys, counts) = sketch.columns();
    assert!(keys.len() <= BINS && counts.iter().all(|count| u64::from(*count) <= BIN));
    let bounds: Vec<f64> = (-300..300).map(|power| 10_f64.powi(power)).collect();
    let counts = vec![1_000_000; bounds.len() + 1];
    let (keys, _) = Sketch::of(&explicit(&bounds, &counts)).unwrap().columns();
    assert!(keys.len() <= BINS && keys.is_sorted(), "{}", keys.len());
}

#[test]
fn payloads_end_to_end_are_one_payload() {
    let mut values = explicit(&[1.0, 2.0], &[0, 4, 0]);
    values.sum = Some(6.0);
    let sketch = Sketch::of(&values).unwrap();
    let mut out = Vec::new();
    for metric in ["a", "b"] {
        let labels = Labels { metric, host: "h", tags: vec!["k:v".to_owned()], time: 7 };
        encode(&mut out, labels, &sketch, &values);
    }
    let payload = Payload::decode(&out[..]).unwrap();
    let names: Vec<_> = payload.sketches.iter().map(|sketch| sketch.metric.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let dogsketch = &payload.sketches[1].dogsketches[0];
    assert_eq!((dogsketch.ts, dogsketch.cnt, dogsketch.sum, dogsketch.avg), (7, 4, 6.0, 1.5));
    assert_eq!((dogsketch.min, dogsketch.max), (1.0, 2.0));
    assert_eq!(dogsketch.n.iter().sum::<u32>(), 4);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_everything_stays_between_its_bounds(
        steps in vec((0.001_f64..1e3, 0_u64..100_000), 1..30),
        from in -1e3_f64..1e3,
    ) {
        let bounds: Vec<f64> = steps.iter().scan(from, |at, (step, _)| { *at += step; Some(*at) }).collect();
        let counts: Vec<u64> = std::iter::once(0).chain(steps.iter().skip(1).map(|(_, count)| *count)).chain([0]).collect();
        let sketch = Sketch::of(&explicit(&bounds, &counts)).unwrap();
        prop_assert_eq!(sketch.bins.values().sum::<u64>(), counts.iter().sum::<u64>());
        let (low, high) = (bin(bounds[0]), bin(*bounds.last().unwrap()));
        prop_assert!(sketch.bins.keys().all(|bin| (low..=high).contains(bin)));
    }
}
