//! What waits, in which order it goes, and what is left out.

use host_kubernetes::Seen;
use jiff::Timestamp;
use serde_json::json;

use super::harness::{bodies, event};
use crate::intake::{Intake, MOST, MOST_BYTES};
use crate::progress::Progress;

fn from(version: Option<u64>) -> Intake {
    Intake::new(Progress { version, ..Progress::default() })
}

/// Tells a list of events with these versions.
fn list(intake: &mut Intake, versions: &[u64]) {
    intake.see(Seen::Begin, 1);
    for version in versions {
        intake.see(Seen::There(event(*version, &json!({ "message": version.to_string() }))), 1);
    }
    intake.see(Seen::All, 1);
}

fn tell(intake: &mut Intake, version: u64) {
    intake.see(Seen::There(event(version, &json!({ "message": version.to_string() }))), 1);
}

/// Takes all that waits, batch by batch.
fn drain(intake: &mut Intake) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(batch) = intake.next() {
        told.extend(bodies(&batch.events));
        intake.taken(batch.last);
    }
    told
}

#[test]
fn events_go_in_the_order_in_which_they_were_written_and_each_once() {
    let mut intake = from(None);
    list(&mut intake, &[9, 4, 7]);
    tell(&mut intake, 12);
    assert_eq!(drain(&mut intake), ["4", "7", "9", "12"]);
    list(&mut intake, &[12, 9, 14, 4, 7]);
    assert_eq!(drain(&mut intake), ["14"], "what was told is known by its version");
}

#[test]
fn nothing_of_a_list_goes_before_it_is_whole() {
    let mut intake = from(None);
    intake.see(Seen::Begin, 1);
    tell(&mut intake, 9);
    assert!(intake.next().is_none(), "one that was written before it may come yet");
    tell(&mut intake, 4);
    intake.see(Seen::All, 1);
    assert_eq!(drain(&mut intake), ["4", "9"]);
}

#[test]
fn what_is_handed_on_and_not_taken_waits() {
    let mut intake = from(None);
    list(&mut intake, &[1, 2]);
    let first = bodies(&intake.next().unwrap().events);
    assert_eq!(first, bodies(&intake.next().unwrap().events));
    intake.taken(1);
    assert_eq!(drain(&mut intake), ["2"]);
}

#[test]
fn a_list_has_events_from_before_the_start_left_out_and_counted() {
    let since: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
    let mut intake = Intake::new(Progress { version: None, since });
    intake.see(Seen::Begin, 1);
    intake.see(Seen::There(event(4, &json!({ "message": "old", "lastTimestamp": "2026-03-01T09:59:59Z" }))), 1);
    intake.see(Seen::There(event(5, &json!({ "message": "new", "lastTimestamp": "2026-03-01T10:00:00Z" }))), 1);
    intake.see(Seen::All, 1);
    // A clock that is behind is no reason to leave out what happens now.
    intake.see(Seen::There(event(6, &json!({ "message": "live", "lastTimestamp": "2026-03-01T09:00:00Z" }))), 1);
    assert_eq!((drain(&mut intake), intake.skipped), (vec!["new".to_owned(), "live".to_owned()], 1));
}

#[test]
fn the_latest_are_let_go_of_where_there_are_too_many_and_come_with_the_next_list() {
    let versions: Vec<u64> = (1..=MOST as u64 + 50).rev().collect();
    let mut intake = from(None);
    list(&mut intake, &versions);
    assert_eq!(intake.waiting(), MOST);
    assert!(intake.is_cut() && !intake.wants_more());
    tell(&mut intake, MOST as u64 + 51);
    assert_eq!(intake.waiting(), MOST, "it is behind those that were let go of");
    let mut told = drain(&mut intake);
    assert!(intake.wants_more());
    list(&mut intake, &(1..=MOST as u64 + 51).collect::<Vec<u64>>());
    told.extend(drain(&mut intake));
    assert_eq!(told, (1..=MOST + 51).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(!intake.wants_more());
}

#[test]
fn large_events_are_bounded_by_their_bytes_and_one_that_is_larger_goes_alone() {
    let mut intake = from(None);
    let huge = "x".repeat(MOST_BYTES / 3);
    for version in 1..=4 {
        intake.see(Seen::There(event(version, &json!({ "message": huge }))), 1);
    }
    assert_eq!(intake.waiting(), 2);
    assert_eq!(intake.next().unwrap().events.len(), 1);
    let mut alone = from(None);
    alone.see(Seen::There(event(1, &json!({ "message": "x".repeat(MOST_BYTES + 1) }))), 1);
    assert_eq!(alone.waiting(), 1);
}

#[test]
fn a_server_that_counts_from_anew_is_followed_from_anew() {
    let mut intake = from(Some(1000));
    list(&mut intake, &[900, 1000]);
    assert_eq!(drain(&mut intake), [""; 0]);
    tell(&mut intake, 5);
    assert!(intake.is_reset);
    assert_eq!(drain(&mut intake), ["5"]);
    list(&mut intake, &[5, 6]);
    assert_eq!(drain(&mut intake), ["6"]);
}

#[test]
fn a_list_that_is_broken_off_is_as_if_it_had_not_been_begun() {
    let mut intake = from(Some(3));
    tell(&mut intake, 4);
    intake.see(Seen::Begin, 1);
    tell(&mut intake, 4);
    tell(&mut intake, 9);
    intake.broken_off();
    assert_eq!(drain(&mut intake), ["4"], "6 is not known yet, which stands before 9");
    list(&mut intake, &[9, 6]);
    assert_eq!(drain(&mut intake), ["6", "9"]);
}
