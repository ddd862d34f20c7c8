//! What a payload counts when it is joined and edited.

use bytes::Bytes;

use super::Payload;
use crate::check::{Limits, check};
use crate::signal::Signal;

/// A resource logs with one empty record.
const RECORD: &[u8] = &[0x0a, 0x04, 0x12, 0x02, 0x12, 0x00];

fn record() -> Payload {
    check(Signal::Logs, Bytes::from_static(RECORD), &Limits::default()).unwrap()
}

#[test]
fn joining_copies_nothing_and_adds_up() {
    let mut joined = Payload::empty(Signal::Logs);
    joined.join(record());
    joined.join(record());
    assert_eq!((joined.items(), joined.len(), joined.segments().len()), (2, 12, 2));
    assert!(joined.segments().iter().all(|segment| segment.bytes().as_ptr() == RECORD.as_ptr()));
    assert_eq!(joined.contiguous(), [RECORD, RECORD].concat());
}

#[test]
#[should_panic(expected = "payloads of one signal are joined")]
fn signals_do_not_mix() {
    record().join(Payload::empty(Signal::Traces));
}

#[test]
fn an_edited_payload_counts_its_new_segments_and_leaves_out_empty_ones() {
    let unknown = Bytes::from_static(&[0x78, 0x01]);
    let mut payload = record();
    payload.join(check(Signal::Logs, unknown.clone(), &Limits::default()).unwrap());
    let edited = payload.edited([(Bytes::new(), 0), (unknown, 0)]);
    assert_eq!((edited.items(), edited.len(), edited.segments().len()), (0, 2, 1));
    // How many of the unknown fields are left is not known; that there may be some is.
    assert_eq!(edited.unknown_fields(), 1);
}
