//! Tests of what stands in `store`: its promises, one sentence each.

mod memory;
mod power;

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::Bytes;
use host_component::{Delivery, Origin, Signal};
use host_otlp::Limits;

use super::{AppendError, Damage, Join, Recovered, Settings, Store, Taken};
use crate::record::{Outgoing, Totals};
use crate::segment::{HEADER, Name};
use crate::storage::Storage as _;
use crate::storage::testing::Shim;

const ALONE: Join = Join { bytes: 0, items: 0 };
const ALL: Join = Join { bytes: 1 << 20, items: 1 << 20 };

/// A request with one log record whose body is `text`.
fn request(text: &str) -> Bytes {
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut length = content.len();
        while length > 127 {
            out.push(u8::try_from(length & 127).unwrap() | 128);
            length >>= 7;
        }
        out.push(u8::try_from(length).unwrap());
        out.extend_from_slice(content);
        out
    }
    let record = field(5, &field(1, text.as_bytes()));
    field(1, &field(2, &field(2, &record))).into()
}

fn outgoing(text: &str) -> Outgoing {
    let payload = host_otlp::check(Signal::Logs, request(text), &Limits::default()).unwrap();
    Outgoing { delivery: Delivery::new(payload), time: 1 }
}

fn from(text: &str, tenant: &str) -> Outgoing {
    let mut outgoing = outgoing(text);
    outgoing.delivery.origin = Arc::new(Origin { metadata: vec![("tenant".to_owned(), tenant.to_owned())] });
    outgoing
}

fn settings() -> Settings {
    Settings { owner: "otlp_grpc".to_owned(), segment_bytes: 400, memory_bytes: 0, fsync: true }
}

fn open(shim: &Shim) -> (Arc<Store<Shim>>, Recovered) {
    open_with(shim, 0)
}

fn open_with(shim: &Shim, memory_bytes: usize) -> (Arc<Store<Shim>>, Recovered) {
    Store::open(shim.clone(), Settings { memory_bytes, ..settings() }).unwrap()
}

fn append(store: &Store<Shim>, texts: &[&str]) {
    let group: Vec<Outgoing> = texts.iter().map(|text| outgoing(text)).collect();
    assert_eq!(store.append(&group), (texts.len(), None));
}

/// The text of a request with one record; of a joined one, all of them.
fn texts(taken: &[Taken<Shim>]) -> Vec<String> {
    taken.iter().map(text).collect()
}

fn text(taken: &Taken<Shim>) -> String {
    // The heads of five fields, each a tag and a length, come before the text.
    let bytes = taken.delivery.payload.contiguous();
    let text = (0..5).fold(bytes.as_ref(), |rest, _| {
        let length = rest[1..].iter().take_while(|byte| **byte > 127).count() + 1;
        &rest[1 + length..]
    });
    String::from_utf8(text.to_vec()).unwrap()
}

/// Takes everything, one by one, and is done with it.
fn drain(store: &Arc<Store<Shim>>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let taken = store.take(ALONE);
        if taken.is_empty() {
            return all;
        }
        all.extend(texts(&taken));
        taken.into_iter().for_each(Taken::done);
    }
}

fn names(shim: &Shim) -> Vec<String> {
    shim.list().unwrap().into_iter().filter(|name| Name::parse(name).is_some()).collect()
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n:03}")).collect()
}

#[test]
fn what_was_appended_is_taken_in_order_by_the_process_after_this_one() {
    let shim = Shim::default();
    let wanted = numbered("r", 40);
    let (store, _) = open(&shim);
    for text in &wanted {
        append(&store, &[text]);
    }
    assert!(names(&shim).len() > 3, "{:?}", names(&shim));
    drop(store);
    let (store, recovered) = open(&shim);
    assert_eq!((recovered.damaged, recovered.torn), (0, 0));
    assert_eq!((store.usage().records, store.usage().items), (40, 40));
    assert_eq!(drain(&store), wanted);
    assert_eq!(store.usage().records, 0);
}

#[test]
fn what_is_done_does_not_come_again_and_its_segments_go() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &numbered("r", 40).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(drain(&store).len(), 40);
    store.end_segment();
    store.keep(false).unwrap();
    assert_eq!((names(&shim), store.usage()), (Vec::new(), super::Usage::default()));
    drop(store);
    let (store, _) = open(&shim);
    append(&store, &["after"]);
    assert_eq!(drain(&store), ["after"]);
}

#[test]
fn what_was_put_back_comes_first_and_after_a_restart_too() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b", "c", "d"]);
    let (a, b, c) = (store.take(ALONE), store.take(ALONE), store.take(ALONE));
    b.into_iter().for_each(Taken::done);
    drop(c);
    drop(a);
    assert_eq!(texts(&store.take(ALONE)), ["a"]);
    store.keep(false).unwrap();
    drop(store);
    let (store, _) = open(&shim);
    assert_eq!(store.usage().records, 3);
    assert_eq!(drain(&store), ["a", "c", "d"]);
    assert_eq!(store.usage().items, 0);
}

#[test]
fn whoever_waits_is_told_of_what_was_put_back() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b"]);
    let (a, b) = (store.take(ALONE), store.take(ALONE));
    let is_told = |taken, how: fn(Taken<Shim>)| {
        let ready = std::pin::pin!(store.ready.notified());
        Vec::into_iter(taken).for_each(how);
        ready.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    };
    assert!(!is_told(a, Taken::done), "nothing is there for it");
    assert!(is_told(b, drop));
}

#[test]
fn one_delivery_that_takes_long_does_not_keep_the_segments_behind_it() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    let all = numbered("r", 60);
    append(&store, &all.iter().map(String::as_str).collect::<Vec<_>>());
    let slow = store.take(ALONE);
    assert_eq!(drain(&store), all[1..]);
    store.end_segment();
    store.keep(false).unwrap();
    assert!(names(&shim).len() <= 2, "{:?}", names(&shim));
    drop(slow);
    drop(store);
    assert_eq!(drain(&open(&shim).0), ["r000"]);
}

#[test]
fn records_of_one_origin_travel_together_and_no_others() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    let group = [from("a", "x"), from("b", "x"), from("c", "y"), outgoing("d"), outgoing("e")];
    assert_eq!(store.append(&group).0, 5);
    let one_item = Join { bytes: 1 << 20, items: 1 };
    let taken = [ALL, ALL, one_item, ALL].map(|join| store.take(join));
    assert_eq!(taken.each_ref().map(|taken| texts(taken)), [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"]]);
    assert_eq!(taken[1][0].delivery.origin.values("tenant").collect::<Vec<_>>(), ["y"]);
}

#[test]
fn a_torn_tail_costs_nothing_that_was_acknowledged() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b"]);
    drop(store);
    let whole = shim.content(&names(&shim)[0]);
    let torn = Shim::default();
    // Half of a third record.
    let more = [whole.as_slice(), &whole[HEADER as usize + 40..HEADER as usize + 70]].concat();
    torn.put(&names(&shim)[0], &more);
    let (store, recovered) = open(&torn);
    assert_eq!((recovered.torn, recovered.damaged), (30, 0));
    assert_eq!(drain(&store), ["a", "b"]);
    assert_eq!(store.take_damage().lost, Totals::default());
}

#[test]
fn damage_costs_the_record_that_it_lies_in_and_is_told_to_the_item() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b"]);
    append(&store, &["c"]);
    append(&store, &["d"]);
    drop(store);
    let name = &names(&shim)[0];
    let content = shim.content(name);
    let at = content.windows(2).position(|pair| pair == b"\x01b").unwrap();
    shim.damage(name, at);
    let (store, recovered) = open(&shim);
    assert!(recovered.damaged > 60 && recovered.torn == 0, "{recovered:?}");
    assert_eq!(drain(&store), ["a", "c", "d"]);
    let damage = store.take_damage();
    assert_eq!(damage.lost, Totals { records: 1, items: 1 });
    assert_eq!(store.usage().records, 0);
}

#[test]
fn any_damaged_byte_of_any_segment_costs_one_record_at_most() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    let all = numbered("r", 12);
    append(&store, &all.iter().map(String::as_str).collect::<Vec<_>>());
    append(&store, &["last"]);
    drop(store);
    for name in names(&shim) {
        for at in 0..shim.content(&name).len() {
            let damaged = Shim::default();
            names(&shim).iter().for_each(|name| damaged.put(name, &shim.content(name)));
            damaged.damage(&name, at);
            let (store, recovered) = open(&damaged);
            let there = drain(&store);
            let damage = store.take_damage();
            let missing = 13 - there.len() as u64;
            assert!(missing <= 1, "{name} {at}: {there:?}");
            // In what was written last, nothing tells damage from a write that was cut short but that bytes are no record.
            let is_told = damage.lost.records == missing || recovered.torn > 0 || damage.bytes > 0;
            assert!(is_told, "{name} {at}: {damage:?} {recovered:?}");
            assert_eq!(store.usage().records, 0, "{name} {at}");
        }
    }
}

/// What the kernel says where a process has too many files open.
const EMFILE: i32 = 24;

#[test]
fn an_error_that_passes_costs_nothing_and_what_was_put_back_keeps_its_place() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &numbered("r", 20).iter().map(String::as_str).collect::<Vec<_>>());
    let fails = |fails: bool| shim.state().fails_read = fails.then_some(EMFILE);
    let trouble = || store.take_trouble().and_then(|error| error.raw_os_error());
    fails(true);
    assert_eq!((store.take(ALONE).len(), trouble()), (0, Some(EMFILE)), "what comes next");
    fails(false);
    drop(store.take(ALONE));
    fails(true);
    assert_eq!((store.take(ALONE).len(), trouble()), (0, Some(EMFILE)), "what was put back");
    fails(false);
    assert_eq!(drain(&store), numbered("r", 20));
    assert_eq!((store.take_damage(), store.usage().records), (Damage::default(), 0));
}

#[test]
fn a_queue_that_cannot_be_read_at_present_is_not_opened_and_loses_nothing() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b"]);
    store.take(ALONE).into_iter().for_each(Taken::done);
    store.keep(true).unwrap();
    drop(store);
    shim.state().fails_read = Some(EMFILE);
    let error = Store::open(shim.clone(), settings()).err().unwrap().to_string();
    assert!(error.contains("cannot be read"), "{error}");
    shim.state().fails_read = None;
    assert_eq!(drain(&open(&shim).0), ["b"]);
}

#[test]
fn a_disk_that_has_gone_bad_is_damage_and_holds_up_nothing() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b"]);
    shim.state().fails_read = Some(5);
    assert!(store.take(ALONE).is_empty() && store.take_trouble().is_none());
    shim.state().fails_read = None;
    append(&store, &["c"]);
    assert_eq!(drain(&store), ["c"]);
    assert_eq!(store.take_damage().lost, Totals { records: 2, items: 2 });
}

#[test]
fn progress_that_is_damaged_costs_nothing_but_repetition() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a", "b"]);
    store.take(ALONE).into_iter().for_each(Taken::done);
    store.keep(true).unwrap();
    drop(store);
    let progress = shim.list().unwrap().into_iter().find(|name| name.ends_with(".progress")).unwrap();
    shim.damage(&progress, 20);
    assert_eq!(drain(&open(&shim).0), ["a", "b"]);
}

#[test]
fn a_failed_sync_refuses_its_group_and_is_never_tried_again_on_the_same_file() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a"]);
    shim.state().fails_sync = true;
    let (done, error) = store.append(&[outgoing("refused")]);
    assert!(done == 0 && matches!(error, Some(AppendError::Sync(_))), "{error:?}");
    append(&store, &["b"]);
    assert_eq!(names(&shim).len(), 2);
    assert_eq!(shim.state().retried, Vec::<String>::new());
    assert_eq!(drain(&store), ["a", "b"]);
    let after = shim.lose_power(&mut fastrand::Rng::with_seed(1));
    assert_eq!(drain(&open(&after).0), ["a", "b"]);
}

#[test]
fn a_name_that_may_not_last_refuses_its_group() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    shim.state().fails_folder_sync = true;
    let (done, error) = store.append(&[outgoing("refused")]);
    assert!(done == 0 && matches!(error, Some(AppendError::Sync(_))), "{error:?}");
    append(&store, &["a"]);
    assert_eq!(drain(&store), ["a"]);
}

#[test]
fn what_is_acknowledged_after_fsync_was_turned_on_outlasts_a_loss_of_power() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    store.set_fsync(false);
    append(&store, &["a"]);
    store.set_fsync(true);
    append(&store, &["b"]);
    for seed in 0..16 {
        let after = shim.lose_power(&mut fastrand::Rng::with_seed(seed));
        assert_eq!(drain(&open(&after).0), ["a", "b"], "seed {seed}");
    }
}

#[test]
fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    append(&store, &["a"]);
    for room in 0..70 {
        shim.state().room = Some(room);
        let (done, error) = store.append(&[outgoing("refused")]);
        assert!(done == 0 && matches!(error, Some(AppendError::Space(_))), "{error:?}");
    }
    shim.state().room = None;
    append(&store, &["b"]);
    assert_eq!(names(&shim).len(), 1, "the segment goes on");
    assert_eq!(drain(&store), ["a", "b"]);
    drop(store);
    assert_eq!(open(&shim).1.damaged, 0);
}

#[test]
fn a_full_disk_that_takes_no_new_segment_leaves_no_files_behind() {
    let shim = Shim::default();
    let (store, _) = open(&shim);
    for room in 0..70 {
        shim.state().room = Some(room);
        assert_eq!(store.append(&[outgoing("refused")]).0, 0);
        // Progress may not be written either, which costs repetition.
        let _ = store.keep(false);
        assert_eq!(names(&shim), Vec::<String>::new(), "{room}");
    }
}

#[test]
fn a_file_whose_number_none_can_follow_is_refused_by_name() {
    for name in ["ffffffffffffffff-0123456789abcdef.segment", "ffffffffffffffff.progress"] {
        let shim = Shim::default();
        shim.put(name, &crate::segment::header());
        let error = Store::open(shim.clone(), settings()).err().unwrap().to_string();
        assert!(error.contains("ffffffffffffffff") && error.contains("take it out"), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_and_left_as_it_is() {
    let shim = Shim::default();
    let mut header = crate::segment::header();
    header[8] += 1;
    let mut frame = Vec::new();
    host_frames::Frames::new(*b"head", [0; 8]).put(0, [&header[..12]], &mut frame);
    header[12..16].copy_from_slice(&frame[8..12]);
    shim.put(&Name::new(1).file(), &header);
    let error = Store::open(shim.clone(), settings()).err().unwrap().to_string();
    assert!(error.contains("version 2") && error.contains("newer tidegate"), "{error}");
    assert_eq!(names(&shim).len(), 1);
}

#[test]
fn what_is_written_is_little_more_than_the_payload() {
    let shim = Shim::default();
    let (store, _) = Store::open(shim.clone(), Settings { segment_bytes: 64 << 10, ..settings() }).unwrap();
    let text = "x".repeat(1000);
    let mut payload = 0;
    for _ in 0..500 {
        let group: Vec<Outgoing> = (0..4).map(|_| outgoing(&text)).collect();
        payload += group.iter().map(|outgoing| outgoing.delivery.payload.len() as u64).sum::<u64>();
        assert_eq!(store.append(&group).0, 4);
        store.take(ALL).into_iter().for_each(Taken::done);
        store.keep(false).unwrap();
    }
    let written = shim.state().written;
    assert!(written < payload * 11 / 10, "{written} for {payload}");
}

/// Written by the first version of the format, of which the second of four records was under way and the first was done.
#[test]
fn a_queue_of_the_first_version_is_read_as_it_was_left() {
    let shim = Shim::default();
    shim.put(
        "0000000000000001-0123456789abcdef.segment",
        include_bytes!("tests/version-1/0000000000000001-0123456789abcdef.segment"),
    );
    shim.put("0000000000000001.progress", include_bytes!("tests/version-1/0000000000000001.progress"));
    let (store, recovered) = open(&shim);
    assert_eq!((recovered.damaged, recovered.torn, store.usage().records), (0, 0, 3));
    let taken = [(); 3].map(|()| store.take(ALONE).remove(0));
    assert_eq!(taken.each_ref().map(text), ["under way", "of a tenant", "last"]);
    assert_eq!(taken[1].delivery.origin.values("x-tenant").collect::<Vec<_>>(), ["a"]);
    taken.into_iter().for_each(Taken::done);
    store.end_segment();
    store.keep(false).unwrap();
    assert_eq!(names(&shim), Vec::<String>::new());
}
