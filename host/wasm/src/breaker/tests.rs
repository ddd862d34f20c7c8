//! Tests of what stands in `breaker`: its promises, one sentence each.

use std::time::{Duration, Instant};

use super::{Admission, Breaker};

const SECOND: Duration = Duration::from_secs(1);

fn refused_for(breaker: &Breaker, now: Instant) -> Duration {
    match breaker.admit(|| now) {
        Admission::Refused { after, .. } => after,
        Admission::Closed | Admission::Trial(_) => panic!("it is let in"),
    }
}

#[test]
fn lets_everything_in_without_a_look_at_the_time_until_it_is_tripped() {
    let breaker = Breaker::default();
    assert!(matches!(breaker.admit(|| panic!("nobody asks")), Admission::Closed));
}

#[test]
fn waits_longer_each_time_that_the_one_batch_that_tries_fails_and_half_a_minute_at_most() {
    let breaker = Breaker::default();
    let mut now = Instant::now();
    assert_eq!(breaker.trip(now, "bad".to_owned(), false), (SECOND, true));
    for seconds in [1, 2, 4, 8, 16, 30, 30] {
        let backoff = SECOND * seconds;
        assert_eq!(refused_for(&breaker, now), backoff);
        now += backoff - Duration::from_millis(1);
        refused_for(&breaker, now);
        now += Duration::from_millis(1);
        let Admission::Trial(trial) = breaker.admit(|| now) else { panic!("it is time to try") };
        assert_eq!(refused_for(&breaker, now), SECOND, "one tries, and no other");
        assert_eq!(breaker.trip(now, "bad".to_owned(), true), ((backoff * 2).min(30 * SECOND), true));
        drop(trial);
    }
}

#[test]
fn closes_when_the_one_that_tries_succeeds_and_begins_anew_after_that() {
    let breaker = Breaker::default();
    let now = Instant::now();
    breaker.trip(now, "bad".to_owned(), false);
    breaker.trip(now, "bad".to_owned(), true);
    let Admission::Trial(trial) = breaker.admit(|| now + 2 * SECOND) else { panic!("it is time to try") };
    trial.succeeded();
    assert!(matches!(breaker.admit(|| now), Admission::Closed));
    assert_eq!(breaker.trip(now, "bad".to_owned(), false), (SECOND, true));
}

#[test]
fn batches_that_were_under_way_when_it_was_tripped_do_not_make_it_longer() {
    let breaker = Breaker::default();
    let now = Instant::now();
    breaker.trip(now, "bad".to_owned(), false);
    assert_eq!(breaker.trip(now + SECOND / 2, "bad".to_owned(), false), (SECOND / 2, false));
    assert_eq!(breaker.standing(now).expect("it is open").backoff, SECOND);
}

#[test]
fn the_next_may_try_where_the_one_that_tried_told_nothing() {
    let breaker = Breaker::default();
    let now = Instant::now();
    breaker.trip(now, "bad".to_owned(), false);
    let Admission::Trial(trial) = breaker.admit(|| now + SECOND) else { panic!("it is time to try") };
    drop(trial);
    assert!(matches!(breaker.admit(|| now + SECOND), Admission::Trial(_)));
}
