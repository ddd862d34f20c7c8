//! What becomes of collections that the pipeline refuses.

use std::time::Duration;

use host_component::{Failure, Outcome};

use super::harness::{Running, every, takes};

const SECOND: Duration = Duration::from_secs(1);

fn refused(after: u64) -> Outcome {
    Err(Failure::refused("full", Duration::from_secs(after)))
}

#[tokio::test(start_paused = true)]
async fn a_refused_collection_is_tried_again_after_a_pause() {
    let mut running = Running::start(every(60 * SECOND), Vec::new(), vec![(Duration::ZERO, refused(5))]);
    assert_eq!((running.told().await, running.told().await), ((1, false), (1, true)));
    assert_eq!(running.metrics.total("otelcol_receiver_refused_metric_points"), 1);
    assert_eq!(running.metrics.total("otelcol_receiver_accepted_metric_points"), 1);
    assert_eq!(running.metrics.total("tidegate_scraper_lost_points"), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_collection_goes_before_the_next_one() {
    let mut running = Running::start(every(10 * SECOND), Vec::new(), vec![(Duration::ZERO, refused(3600))]);
    let told = [running.told().await, running.told().await, running.told().await];
    assert_eq!(told, [(1, false), (1, true), (2, true)]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_again_gives_its_place_to_the_next_one_and_is_counted() {
    let answers = vec![(Duration::ZERO, refused(3600)), (Duration::ZERO, refused(3600))];
    let mut running = Running::start(every(10 * SECOND), Vec::new(), answers);
    let told = [running.told().await, running.told().await, running.told().await];
    assert_eq!(told, [(1, false), (1, false), (2, true)]);
    assert_eq!(running.metrics.total("tidegate_scraper_lost_points"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_does_not_answer_holds_up_no_collection_and_one_waits() {
    let mut running = Running::start(every(10 * SECOND), Vec::new(), vec![(25 * SECOND, Ok(()))]);
    let told = [running.told().await, running.told().await, running.told().await];
    assert_eq!(told, [(1, true), (3, true), (4, true)]);
    assert_eq!(running.metrics.total("tidegate_scraper_lost_points"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_delivered_is_not_tried_again() {
    let answers = vec![(Duration::ZERO, Err(Failure::permanent("never")))];
    let mut running = Running::start(every(10 * SECOND), Vec::new(), answers);
    assert_eq!((running.told().await, running.told().await), ((1, false), (2, true)));
    assert_eq!(running.metrics.total("otelcol_receiver_failed_metric_points"), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_tries_what_is_kept_once_more() {
    let mut running = Running::start(every(60 * SECOND), Vec::new(), vec![(Duration::ZERO, refused(3600))]);
    assert_eq!(running.told().await, (1, false));
    assert_eq!(running.stop().await, [(1, true)]);
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_is_counted_as_lost() {
    let steps = vec![takes(Duration::ZERO), takes(SECOND)];
    let mut running = Running::within(every(10 * SECOND), steps, Vec::new(), 4);
    running.asked().await;
    running.asked().await;
    assert_eq!(running.metrics.total("tidegate_scraper_lost_points"), 1);
    assert!(running.stop().await.is_empty());
}
