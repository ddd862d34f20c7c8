//! Stripping by example.

use bytes::Bytes;

use super::{Walk, unknown};
use crate::check::{Limits, check};
use crate::edit::REQUEST;
use crate::schema::Message;
use crate::signal::Signal;
use crate::wire::Fields;

#[test]
fn a_payload_without_unknown_fields_is_the_same_bytes() {
    let bytes = Bytes::from_static(&[0x0a, 0x02, 0x1a, 0x00]);
    let payload = check(Signal::Logs, bytes.clone(), &Limits::default()).unwrap();
    assert_eq!(unknown(payload).segments()[0].bytes().as_ptr(), bytes.as_ptr());
}

#[test]
fn unknown_fields_go_and_the_lengths_around_them_shrink() {
    // A resource logs with a schema URL, an unknown field inside it and one beside it.
    let bytes = Bytes::from_static(&[0x0a, 0x06, 0x1a, 0x01, b'u', 0x7a, 0x01, 0xff, 0x78, 0x01]);
    let stripped = unknown(check(Signal::Logs, bytes, &Limits::default()).unwrap());
    assert_eq!(stripped.unknown_fields(), 0);
    assert_eq!(&stripped.contiguous()[..], &[0x0a, 0x03, 0x1a, 0x01, b'u']);
}

#[test]
fn a_request_of_unknown_fields_alone_becomes_empty() {
    let payload = check(Signal::Traces, Bytes::from_static(&[0x78, 0x01]), &Limits::default()).unwrap();
    let stripped = unknown(payload);
    assert!(stripped.is_empty());
    assert!(stripped.segments().is_empty());
}

#[test]
fn messages_in_which_nothing_changes_take_no_room() {
    let mut bytes = [0x0a, 0x00].repeat(1_000);
    bytes.extend([0x78, 0x01].repeat(500));
    let mut walk = Walk { frames: Vec::new(), patches: Vec::new() };
    walk.message(Message::request(Signal::Logs), REQUEST, Fields::new(&bytes, 0, bytes.len()));
    assert_eq!((walk.frames.len(), walk.patches.len()), (0, 1));
    let payload = check(Signal::Logs, bytes.into(), &Limits::default()).unwrap();
    assert_eq!(unknown(payload).contiguous(), [0x0a, 0x00].repeat(1_000));
}
