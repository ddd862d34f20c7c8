//! When a receiver collects, and what it says of what it could not.

use std::time::Duration;

use super::harness::{Running, Step, every, misses, takes};
use crate::{Missed, Schedule};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn collections_are_an_interval_apart_however_long_they_take() {
    let steps = vec![takes(3 * SECOND), takes(9 * SECOND), takes(SECOND)];
    let mut running = Running::start(every(10 * SECOND), steps, Vec::new());
    for expected in [1, 11, 21, 31] {
        assert_eq!(running.asked().await.as_secs(), expected);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_collection_that_is_due_while_the_one_before_is_under_way_is_left_out_and_counted() {
    let mut running = Running::start(every(10 * SECOND), vec![takes(25 * SECOND)], Vec::new());
    assert_eq!((running.asked().await.as_secs(), running.asked().await.as_secs()), (1, 31));
    assert_eq!(running.metrics.total("tidegate_scraper_late_collections"), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_collection_that_takes_longer_than_the_timeout_is_given_up_and_counted_as_missed() {
    let schedule = Schedule { timeout: 2 * SECOND, ..every(10 * SECOND) };
    let mut running = Running::start(schedule, vec![takes(SECOND), takes(60 * SECOND)], Vec::new());
    assert_eq!(running.told().await, (1, true));
    assert_eq!(running.told().await, (3, true));
    assert_eq!(running.metrics.total("otelcol_scraper_scraped_metric_points"), 2);
    assert_eq!(running.metrics.total("otelcol_scraper_errored_metric_points"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_found_is_handed_on_beside_what_was_not() {
    let missing = Step { missed: Some(Missed { points: 4, ..missed("/b") }), ..Step::default() };
    let mut running = Running::start(every(10 * SECOND), vec![misses("/a"), missing], Vec::new());
    assert_eq!((running.told().await, running.told().await), ((1, true), (2, true)));
    let errored = running.metrics.totals("otelcol_scraper_errored_metric_points", "scraper");
    assert_eq!(errored.into_iter().collect::<Vec<_>>(), [("stub".to_owned(), 5)]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_collection_that_fails_hands_on_nothing_and_the_next_one_goes_on() {
    let failing = Step { is_failing: true, ..misses("all") };
    let mut running = Running::start(every(10 * SECOND), vec![failing], Vec::new());
    assert_eq!(running.told().await, (2, true));
    assert_eq!(running.metrics.total("otelcol_scraper_errored_metric_points"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_collection() {
    let mut running = Running::start(every(10 * SECOND), vec![takes(3600 * SECOND)], Vec::new());
    running.asked().await;
    let begun = tokio::time::Instant::now();
    assert!(running.stop().await.is_empty());
    assert!(begun.elapsed() < SECOND);
}

#[test]
fn an_interval_of_nothing_is_refused_by_name() {
    let wrongs = every(Duration::ZERO).wrongs();
    assert_eq!(wrongs.len(), 1);
    assert!(wrongs[0].to_string().starts_with("collection_interval: it is more than 0"), "{}", wrongs[0]);
    assert!(every(SECOND).wrongs().is_empty());
}

fn missed(place: &str) -> Missed {
    Missed::new(place, "it is broken", "mend it")
}
