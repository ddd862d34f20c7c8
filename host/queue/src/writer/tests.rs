//! Tests of what stands in `writer`: its promises, one sentence each.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use host_component::Delivery;
use host_otlp::{Limits, Signal};
use tokio::sync::oneshot::error::TryRecvError;

use super::Writer;
use crate::record::Outgoing;
use crate::room::{Aside, Book};
use crate::segment::{self, Name};
use crate::storage::Storage as _;
use crate::storage::testing::Shim;
use crate::store::{Join, Settings, Store, Usage};

/// A request with one log record whose body has one letter.
fn outgoing(letter: u8) -> Outgoing {
    let bytes = vec![10, 9, 18, 7, 18, 5, 42, 3, 10, 1, letter].into();
    let payload = host_otlp::check(Signal::Logs, bytes, &Limits::default()).unwrap();
    Outgoing { delivery: Delivery::new(payload), time: 1 }
}

fn open(shim: &Shim) -> Arc<Store<Shim>> {
    let settings = Settings { owner: "otlp".to_owned(), segment_bytes: 1 << 20, memory_bytes: 0, fsync: true };
    Store::open(shim.clone(), settings).unwrap().0
}

fn room(book: &Book) -> Aside {
    book.enter(Usage { records: 1, ..Usage::default() }, |_| true).unwrap()
}

fn eventually(what: &str, is: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("not so: {what}");
}

/// The letters of all that waits.
fn taken(store: &Arc<Store<Shim>>) -> String {
    let all = store.take(Join { bytes: 1 << 20, items: 1 << 20 });
    all.into_iter().map(|one| char::from(one.delivery.payload.contiguous()[10])).collect()
}

#[test]
fn room_of_a_sender_that_gave_up_is_kept_while_the_disk_hangs_and_what_it_sent_is_not_written() {
    let (shim, book) = (Shim::default(), Book::default());
    let store = open(&shim);
    let writer = Writer::start("otlp", Arc::clone(&store), || {}).unwrap();
    let hanging = shim.state();
    let first = writer.append(outgoing(b'a'), room(&book));
    eventually("the disk has the first", || writer.desk.waiting().group.is_empty());
    drop(writer.append(outgoing(b'b'), room(&book)));
    let third = writer.append(outgoing(b'c'), room(&book));
    assert_eq!(book.sum().records, 3, "all of them are in memory");
    drop(hanging);
    first.blocking_recv().unwrap().unwrap();
    third.blocking_recv().unwrap().unwrap();
    assert_eq!((taken(&store).as_str(), book.sum().records), ("ac", 0));
}

#[test]
fn what_was_delivered_does_not_come_back_after_a_loss_of_power_that_comes_later() {
    let (shim, book) = (Shim::default(), Book::default());
    let store = open(&shim);
    let writer = Writer::start("otlp", Arc::clone(&store), || {}).unwrap();
    // The first file of what is written down lasts at once; the second time is what is looked at.
    for letter in [b'a', b'b'] {
        writer.append(outgoing(letter), room(&book)).blocking_recv().unwrap().unwrap();
        for one in store.take(Join { bytes: 0, items: 0 }) {
            one.done();
        }
        writer.has_news();
        eventually("it is there for good, whatever is lost", || {
            (0..30).all(|seed| taken(&open(&shim.lose_power(&mut fastrand::Rng::with_seed(seed)))).is_empty())
        });
    }
}

#[test]
fn nobody_waits_for_a_thread_that_has_ended_in_a_panic() {
    let (shim, book) = (Shim::default(), Book::default());
    let writer = Writer::start("otlp", open(&shim), || panic!("of a test")).unwrap();
    for letter in [b'a', b'b'] {
        assert!(writer.append(outgoing(letter), room(&book)).blocking_recv().is_err());
    }
    eventually("the room is given back", || book.sum().records == 0);
    assert!(writer.append(outgoing(b'c'), room(&book)).try_recv().is_err_and(|error| error == TryRecvError::Closed));
}

#[test]
fn a_segment_says_what_it_holds_after_a_clean_stop_though_something_waits() {
    let (shim, book) = (Shim::default(), Book::default());
    let writer = Writer::start("otlp", open(&shim), || {}).unwrap();
    writer.append(outgoing(b'a'), room(&book)).blocking_recv().unwrap().unwrap();
    drop(writer);
    let names: Vec<Name> = shim.list().unwrap().iter().filter_map(|name| Name::parse(name)).collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    let survey = segment::survey(&shim, *name).unwrap();
    assert!(survey.is_whole && survey.totals.records == 1, "{survey:?}");
    assert_eq!(taken(&open(&shim)), "a");
}

#[test]
fn whoever_is_told_finds_the_room_counted_once() {
    let (shim, book) = (Shim::default(), Book::default());
    let store = open(&shim);
    let writer = Writer::start("otlp", Arc::clone(&store), || {}).unwrap();
    for letter in 1..50 {
        let answer = writer.append(outgoing(letter), room(&book));
        answer.blocking_recv().unwrap().unwrap();
        assert_eq!((store.usage().records, book.sum().records), (u64::from(letter), 0));
    }
}
