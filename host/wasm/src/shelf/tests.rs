//! Tests of what stands in `shelf`, and of the meetings of those who take from it: their promises, one sentence each.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host_manifest::{Digest, Fields};

use super::{Edition, Pushed, Seat, Shelf};
use crate::meeting::{Say, Standing, Verdict};

const MODULE: &str = "mine";

fn pushed(revision: u64) -> Pushed {
    Pushed {
        head: MODULE.to_owned(),
        module: MODULE.to_owned(),
        revision,
        digest: Digest::of(b"component"),
        component: PathBuf::from("component.wasm"),
        config: "{}".to_owned(),
        grants: Fields { reads: Vec::new(), writes: Vec::new(), metadata: Vec::new() },
        clusters: Vec::new(),
        is_good: false,
        withheld: None,
    }
}

fn put(shelf: &Shelf, pushed: Pushed) -> Arc<Edition> {
    let edition = Arc::new(Edition::new(pushed));
    shelf.put(Arc::clone(&edition));
    edition
}

/// A shelf with two processors, for logs and for metrics.
fn with_two() -> (Arc<Shelf>, Seat, Seat) {
    let shelf = Arc::new(Shelf::default());
    let (logs, metrics) = (shelf.seat(MODULE, "logs".to_owned()), shelf.seat(MODULE, "metrics".to_owned()));
    (shelf, logs, metrics)
}

fn refused(reason: &str) -> Standing {
    Standing::Refused(reason.to_owned())
}

fn ready(who: &Seat, edition: &Edition) {
    who.member().say(edition, Say::Ready);
}

fn refuses(who: &Seat, edition: &Edition) {
    who.member().say(edition, Say::Stands(refused("no")));
}

/// All have swapped to it.
fn live(all: &[&Seat], edition: &Edition) {
    assert_eq!(edition.verdict(), Verdict::Agreed);
    all.iter().for_each(|who| who.member().say(edition, Say::Stands(Standing::Live)));
}

fn revision_in_force(shelf: &Shelf) -> Option<u64> {
    shelf.live(MODULE, MODULE).map(|edition| edition.revision)
}

#[test]
fn what_was_pushed_comes_into_force_when_all_processors_of_the_module_are_ready() {
    let (shelf, logs, metrics) = with_two();
    let _of_another = shelf.seat("other", "logs".to_owned());
    let edition = put(&shelf, pushed(1));
    let mut verdicts = edition.hear();
    ready(&logs, &edition);
    ready(&logs, &edition);
    assert_eq!(edition.verdict(), Verdict::Open { round: 0 });
    assert_eq!((shelf.standing(&edition), revision_in_force(&shelf)), (None, None));
    ready(&metrics, &edition);
    assert!(verdicts.has_changed().unwrap());
    assert_eq!((*verdicts.borrow_and_update(), revision_in_force(&shelf)), (Verdict::Agreed, Some(1)));

    live(&[&logs], &edition);
    assert_eq!((shelf.standing(&edition), shelf.runs(&edition)), (None, true), "one has not swapped yet");
    live(&[&metrics], &edition);
    assert_eq!(shelf.standing(&edition), Some(Standing::Live));
    assert!(!verdicts.has_changed().unwrap());
}

#[test]
fn what_one_refuses_comes_into_force_nowhere_whoever_speaks_first() {
    for is_first in [true, false] {
        let (shelf, logs, metrics) = with_two();
        let before = put(&shelf, pushed(1));
        ready(&logs, &before);
        ready(&metrics, &before);
        let edition = put(&shelf, pushed(2));
        if is_first {
            refuses(&metrics, &edition);
        }
        ready(&logs, &edition);
        refuses(&metrics, &edition);
        assert_eq!(edition.verdict(), Verdict::Refused { round: 0 });
        assert_eq!(shelf.standing(&edition), Some(refused("metrics: no")));
        assert_eq!((shelf.runs(&edition), revision_in_force(&shelf)), (false, Some(1)));
    }
}

#[test]
fn of_two_that_refuse_it_the_first_is_quoted_and_one_that_is_alone_needs_no_name() {
    let (shelf, logs, metrics) = with_two();
    let edition = put(&shelf, pushed(1));
    refuses(&metrics, &edition);
    refuses(&logs, &edition);
    refuses(&metrics, &edition);
    assert_eq!(shelf.standing(&edition), Some(refused("metrics: no")));
    drop(metrics);
    let _of_the_configuration_before = shelf.seat(MODULE, "logs".to_owned());
    let newer = put(&shelf, pushed(2));
    refuses(&logs, &newer);
    assert_eq!(shelf.standing(&newer), Some(refused("no")));
}

#[test]
fn whoever_leaves_is_not_waited_for() {
    let (shelf, logs, metrics) = with_two();
    let edition = put(&shelf, pushed(1));
    ready(&logs, &edition);
    drop(metrics);
    assert_eq!((edition.verdict(), shelf.processors_of(MODULE)), (Verdict::Agreed, 1));
    drop(logs);
    assert_eq!((shelf.standing(&edition), shelf.processors_of(MODULE)), (None, 0));
}

#[test]
fn all_are_asked_again_when_the_one_that_refused_it_leaves_or_thinks_better_of_it() {
    for leaves in [true, false] {
        let (shelf, logs, metrics) = with_two();
        let edition = put(&shelf, pushed(1));
        ready(&logs, &edition);
        refuses(&metrics, &edition);
        let mut verdicts = edition.hear();
        let metrics = if leaves {
            drop(metrics);
            None
        } else {
            ready(&metrics, &edition);
            Some(metrics)
        };
        assert!(verdicts.has_changed().unwrap());
        assert_eq!(*verdicts.borrow_and_update(), Verdict::Open { round: 1 }, "nobody has it ready any more");
        assert_eq!(shelf.standing(&edition), None);
        metrics.iter().for_each(|metrics| ready(metrics, &edition));
        ready(&logs, &edition);
        assert_eq!(edition.verdict(), Verdict::Agreed);
    }
}

#[test]
fn what_another_took_the_place_of_does_not_come_into_force_any_more() {
    let (shelf, logs, metrics) = with_two();
    let old = put(&shelf, pushed(1));
    let mut verdicts = old.hear();
    ready(&logs, &old);
    let new = put(&shelf, pushed(2));
    assert!(verdicts.has_changed().unwrap());
    assert_eq!(*verdicts.borrow_and_update(), Verdict::Superseded);
    ready(&metrics, &old);
    drop(metrics);
    assert_eq!((old.verdict(), revision_in_force(&shelf)), (Verdict::Superseded, None));
    ready(&logs, &new);
    assert_eq!((new.verdict(), revision_in_force(&shelf)), (Verdict::Agreed, Some(2)));
    // What is in force stays so until the next one is, and is no more when it is taken away.
    let newer = put(&shelf, pushed(3));
    assert_eq!((new.verdict(), revision_in_force(&shelf)), (Verdict::Agreed, Some(2)));
    shelf.clear(&newer);
    ready(&logs, &newer);
    assert_eq!((newer.verdict(), revision_in_force(&shelf)), (Verdict::Superseded, None));
}

#[test]
fn whoever_comes_while_others_wait_is_waited_for_and_whoever_comes_later_speaks_for_itself() {
    let shelf = Arc::new(Shelf::default());
    let logs = shelf.seat(MODULE, "logs".to_owned());
    let edition = put(&shelf, pushed(1));
    let metrics = shelf.seat(MODULE, "metrics".to_owned());
    ready(&logs, &edition);
    assert_eq!(edition.verdict(), Verdict::Open { round: 0 });
    ready(&metrics, &edition);
    live(&[&logs, &metrics], &edition);

    let traces = shelf.seat(MODULE, "traces".to_owned());
    assert_eq!(shelf.standing(&edition), None, "one has not said anything");
    refuses(&traces, &edition);
    assert_eq!((edition.verdict(), shelf.runs(&edition)), (Verdict::Agreed, true));
    let told = "traces refuses what other processors of the module run here: no";
    assert_eq!(shelf.standing(&edition), Some(refused(told)));
    drop(traces);
    assert_eq!(shelf.standing(&edition), Some(Standing::Live), "what one said that is gone says nothing");
}

#[test]
fn what_was_good_on_this_host_is_in_force_from_the_start() {
    let (shelf, logs, metrics) = with_two();
    let edition = put(&shelf, Pushed { is_good: true, ..pushed(1) });
    refuses(&metrics, &edition);
    live(&[&logs], &edition);
    assert_eq!(shelf.standing(&edition), Some(refused("metrics: no")));
    assert_eq!(revision_in_force(&shelf), Some(1));
}

#[test]
fn one_that_does_not_say_anything_is_waited_for_for_a_while_and_heard_all_the_same() {
    let (shelf, logs, metrics) = with_two();
    let edition = put(&shelf, pushed(1));
    ready(&logs, &edition);
    logs.member().tire_of(&edition, Duration::from_secs(600));
    assert_eq!(edition.verdict(), Verdict::Refused { round: 0 });
    let told = "metrics: it is not ready after 600s, in which others of the module have waited for it";
    assert_eq!(shelf.standing(&edition), Some(refused(told)));
    ready(&metrics, &edition);
    assert_eq!(edition.verdict(), Verdict::Open { round: 1 });
    ready(&metrics, &edition);
    ready(&logs, &edition);
    logs.member().tire_of(&edition, Duration::from_secs(600));
    assert_eq!(edition.verdict(), Verdict::Agreed);
}

#[test]
fn one_that_gave_it_up_does_not_take_it_from_the_others() {
    let (shelf, logs, metrics) = with_two();
    let edition = put(&shelf, pushed(1));
    ready(&logs, &edition);
    ready(&metrics, &edition);
    live(&[&logs, &metrics], &edition);
    let failed = Standing::RolledBack("it failed".to_owned());
    metrics.member().say(&edition, Say::Stands(failed.clone()));
    assert_eq!((edition.verdict(), shelf.standing(&edition)), (Verdict::Agreed, Some(failed)));
    assert!(shelf.runs(&edition));
}
