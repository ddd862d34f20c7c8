//! What is used, by samples that come one after another.

use super::{Usage, Whose};

const SECOND: u64 = 1_000_000_000;

fn pod(uid: &str) -> Whose {
    Whose::Pod(uid.to_owned())
}

#[test]
fn it_takes_two_samples() {
    let mut usage = Usage::default();
    assert_eq!(usage.cores(pod("a"), 10 * SECOND, 1_000_000_000), None);
    assert_eq!(usage.finish(), 1);
    assert_eq!(usage.cores(pod("a"), 20 * SECOND, 16_000_000_000), Some(1.5));
    usage.finish();
    assert_eq!(usage.cores(pod("a"), 24 * SECOND, 16_000_000_000), Some(0.0), "an idle one is told, too");
}

#[test]
fn a_sample_that_is_not_newer_tells_nothing() {
    let mut usage = Usage::default();
    usage.cores(pod("a"), 10 * SECOND, 5);
    usage.finish();
    assert_eq!(usage.cores(pod("a"), 10 * SECOND, 5), None);
    usage.finish();
    assert_eq!(usage.cores(pod("a"), 9 * SECOND, 7), None);
}

#[test]
fn a_time_that_has_begun_anew_tells_nothing_and_is_where_it_goes_on_from() {
    let mut usage = Usage::default();
    usage.cores(pod("a"), 10 * SECOND, 9_000_000_000);
    usage.finish();
    assert_eq!(usage.cores(pod("a"), 20 * SECOND, 1_000_000_000), None);
    usage.finish();
    assert_eq!(usage.cores(pod("a"), 30 * SECOND, 6_000_000_000), Some(0.5));
}

#[test]
fn what_was_not_in_a_scrape_is_forgotten() {
    let mut usage = Usage::default();
    usage.cores(pod("a"), SECOND, 0);
    usage.cores(pod("b"), SECOND, 0);
    assert_eq!(usage.finish(), 2);
    usage.cores(pod("b"), 2 * SECOND, 0);
    assert_eq!(usage.finish(), 1);
    assert_eq!(usage.cores(pod("a"), 3 * SECOND, SECOND as i64), None);
}
