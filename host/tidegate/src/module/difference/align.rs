//! Which row of one list is which row of another, where rows were dropped, added and changed at once.
//!
//! Rows that are equal are found first. Between them lie gaps, and in a gap those rows are taken for the same that are most
//! alike, in order.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::Value;
use similar::{Algorithm, DiffTag, capture_diff_slices_deadline};

/// Larger gaps are paired as they stand: the likeness of each with each would take too long.
const PAIRS: usize = 1 << 20;
/// After this the search for equal rows takes what it has.
const PATIENCE: Duration = Duration::from_secs(2);
/// What it costs to take a row for dropped, or for added; a row that has nothing in common with another costs both.
const ALONE: f32 = 0.5;

/// A step through both lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The same row, changed or not.
    Pair(usize, usize),
    Removed(usize),
    Added(usize),
}

/// Goes through both lists, in order.
pub(super) fn align(old: &[Value], new: &[Value]) -> Vec<Step> {
    let mut numbers = HashMap::new();
    let mut number = |row: &Value| {
        let next = numbers.len();
        *numbers.entry(row.to_string()).or_insert(next)
    };
    let before: Vec<usize> = old.iter().map(&mut number).collect();
    let after: Vec<usize> = new.iter().map(&mut number).collect();
    let end = Some(Instant::now() + PATIENCE);
    let (mut steps, mut i, mut j) = (Vec::new(), 0, 0);
    for op in capture_diff_slices_deadline(Algorithm::Myers, &before, &after, end) {
        if op.tag() != DiffTag::Equal {
            continue;
        }
        let (same_old, same_new) = (op.old_range(), op.new_range());
        gap(old, new, i..same_old.start, j..same_new.start, &mut steps);
        (i, j) = (same_old.end, same_new.end);
        steps.extend(same_old.zip(same_new).map(|(i, j)| Step::Pair(i, j)));
    }
    gap(old, new, i..old.len(), j..new.len(), &mut steps);
    steps
}

fn gap(old: &[Value], new: &[Value], i: Range<usize>, j: Range<usize>, steps: &mut Vec<Step>) {
    if i.len() * j.len() > PAIRS || i.is_empty() || j.is_empty() {
        let both = i.len().min(j.len());
        steps.extend(i.clone().zip(j.clone()).map(|(i, j)| Step::Pair(i, j)));
        steps.extend(i.skip(both).map(Step::Removed));
        steps.extend(j.skip(both).map(Step::Added));
        return;
    }
    let leaves = |rows: &[Value]| rows.iter().map(leaves).collect::<Vec<_>>();
    let (olds, news) = (leaves(old.get(i.clone()).unwrap_or_default()), leaves(new.get(j.clone()).unwrap_or_default()));
    let best = cheapest(&olds, &news);
    steps.extend(best.into_iter().map(|step| match step {
        Step::Pair(a, b) => Step::Pair(i.start + a, j.start + b),
        Step::Removed(a) => Step::Removed(i.start + a),
        Step::Added(b) => Step::Added(j.start + b),
    }));
}

/// The way through a gap that costs least.
fn cheapest(old: &[Vec<u64>], new: &[Vec<u64>]) -> Vec<Step> {
    let width = new.len() + 1;
    // What it costs from here to the end of both, from the end backwards; and the step that is taken here.
    let mut costs = vec![(0.0f32, None); (old.len() + 1) * width];
    for a in (0..=old.len()).rev() {
        for b in (0..=new.len()).rev() {
            let cost = |a: usize, b: usize| costs.get(a * width + b).map_or(f32::INFINITY, |(cost, _)| *cost);
            let mut here = (0.0, None);
            let mut offer = |cost: f32, step| {
                if here.1.is_none() || cost < here.0 {
                    here = (cost, Some(step));
                }
            };
            if let (Some(one), Some(other)) = (old.get(a), new.get(b)) {
                offer(cost(a + 1, b + 1) + distance(one, other), Step::Pair(a, b));
            }
            if a < old.len() {
                offer(cost(a + 1, b) + ALONE, Step::Removed(a));
            }
            if b < new.len() {
                offer(cost(a, b + 1) + ALONE, Step::Added(b));
            }
            if let Some(place) = costs.get_mut(a * width + b) {
                *place = here;
            }
        }
    }
    let (mut steps, mut a, mut b) = (Vec::new(), 0, 0);
    while let Some((_, Some(step))) = costs.get(a * width + b).copied() {
        (a, b) = match step {
            Step::Pair(..) => (a + 1, b + 1),
            Step::Removed(_) => (a + 1, b),
            Step::Added(_) => (a, b + 1),
        };
        steps.push(step);
    }
    steps
}

/// From 0 for rows that have everything in common to 1 for those that have nothing.
fn distance(one: &[u64], other: &[u64]) -> f32 {
    let (mut i, mut j, mut common) = (0, 0, 0usize);
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    1.0 - 2.0 * common as f32 / (one.len() + other.len()).max(1) as f32
}

/// A number for each place of a row that holds something, and one for what it holds there, sorted.
fn leaves(row: &Value) -> Vec<u64> {
    let mut found = Vec::new();
    collect(row, &DefaultHasher::new(), &mut found);
    found.sort_unstable();
    found
}

fn collect(value: &Value, place: &DefaultHasher, found: &mut Vec<u64>) {
    let at = |part: &dyn Fn(&mut DefaultHasher)| {
        let mut place = place.clone();
        part(&mut place);
        place
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                collect(value, &at(&|place| key.hash(place)), found);
            }
        }
        // An attribute lies at its key and not at its number; other items lie wherever they lie.
        Value::Array(items) => {
            for item in items {
                let key = item.get("key").and_then(Value::as_str).unwrap_or_default();
                collect(item, &at(&|place| key.hash(place)), found);
            }
        }
        scalar => {
            found.push(place.finish());
            found.push(at(&|place| scalar.to_string().hash(place)).finish());
        }
    }
}
