//! What the door refuses, by example: each fault with its place.

use bytes::Bytes;

use super::{CheckError, DEPTH, Fault, Limits, Walk, check, plain_pair, plain_value};
use crate::build::Logs;
use crate::schema;
use crate::signal::Signal;

fn refused(signal: Signal, bytes: &[u8]) -> (String, Fault, usize) {
    let CheckError { message, field, at, fault } =
        check(signal, Bytes::copy_from_slice(bytes), &Limits::default()).expect_err("the request is wrong");
    (format!("{message}.{}", field.unwrap_or("?")), fault, at)
}

fn message(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
}

/// A request with one log record of these bytes; they start at byte 6.
fn record(content: &[u8]) -> Vec<u8> {
    message(1, &message(2, &message(2, content)))
}

#[test]
fn an_empty_request_is_a_payload_without_items() {
    for signal in Signal::ALL {
        assert_eq!(check(signal, Bytes::new(), &Limits::default()).unwrap().items(), 0);
    }
}

#[test]
fn a_length_beyond_its_message_is_refused() {
    assert_eq!(
        refused(Signal::Logs, &[0x0a, 5, 0]),
        ("ExportLogsServiceRequest.resource_logs".into(), Fault::Truncated, 0)
    );
    // The request has enough bytes, the log record has not.
    let mut long = record(&message(3, b"INFO"));
    long[7] += 1;
    long.extend([0; 10]);
    assert_eq!(refused(Signal::Logs, &long), ("LogRecord.severity_text".into(), Fault::Truncated, 6));
}

#[test]
fn a_length_of_a_gibibyte_is_refused_at_once() {
    let huge = [0x0a, 0x80, 0x80, 0x80, 0x80, 0x04];
    assert_eq!(refused(Signal::Traces, &huge).1, Fault::Truncated);
}

#[test]
fn cut_off_scalars_are_refused() {
    assert_eq!(refused(Signal::Logs, &record(&[0x09, 1, 2])), ("LogRecord.time_unix_nano".into(), Fault::Truncated, 6));
    assert_eq!(refused(Signal::Logs, &record(&[0x45, 1])), ("LogRecord.flags".into(), Fault::Truncated, 6));
    assert_eq!(
        refused(Signal::Logs, &record(&[0x10, 0x80])),
        ("LogRecord.severity_number".into(), Fault::Truncated, 6)
    );
    assert_eq!(refused(Signal::Logs, &record(&[0x80])), ("LogRecord.?".into(), Fault::Truncated, 6));
}

#[test]
fn a_varint_of_eleven_bytes_is_refused() {
    let long = [&[0x10][..], &[0x80; 10], &[0]].concat();
    assert_eq!(refused(Signal::Logs, &record(&long)), ("LogRecord.severity_number".into(), Fault::Truncated, 6));
}

#[test]
fn groups_reserved_wire_types_and_field_0_are_refused() {
    for tag in [0x0b, 0x0c, 0x0e, 0x0f] {
        assert_eq!(refused(Signal::Logs, &record(&[tag])), ("LogRecord.time_unix_nano".into(), Fault::Tag, 6));
    }
    // A group of an unknown field is one, too: decoders differ in whether they take it.
    assert_eq!(refused(Signal::Logs, &record(&[0xa3, 0x06, 0xa4, 0x06])), ("LogRecord.?".into(), Fault::Tag, 6));
    assert_eq!(refused(Signal::Logs, &record(&[0x00, 0x01])), ("LogRecord.?".into(), Fault::Tag, 6));
}

#[test]
fn a_tag_beyond_32_bits_is_refused() {
    let tag = [0x8a, 0x80, 0x80, 0x80, 0x10, 0];
    assert_eq!(refused(Signal::Logs, &record(&tag)), ("LogRecord.?".into(), Fault::Tag, 6));
}

#[test]
fn another_wire_type_is_refused() {
    assert_eq!(refused(Signal::Logs, &record(&[0x28, 1])), ("LogRecord.body".into(), Fault::WireType, 6));
    // A long tag is no way around.
    assert_eq!(refused(Signal::Logs, &record(&[0xa8, 0x00, 1])), ("LogRecord.body".into(), Fault::WireType, 6));
}

#[test]
fn a_field_given_twice_is_refused() {
    let body = message(5, &message(1, b"a"));
    let twice = record(&[body.clone(), body].concat());
    assert_eq!(refused(Signal::Logs, &twice), ("LogRecord.body".into(), Fault::Repeated, 11));

    let resource = message(1, &[]);
    let twice = message(1, &[resource.clone(), resource].concat());
    assert_eq!(refused(Signal::Metrics, &twice), ("ResourceMetrics.resource".into(), Fault::Repeated, 4));

    let key = message(1, b"k");
    let twice = record(&message(6, &[key.clone(), key].concat()));
    assert_eq!(refused(Signal::Logs, &twice), ("KeyValue.key".into(), Fault::Repeated, 11));
    // With a long tag the second time.
    let twice = record(&[0x10, 1, 0x90, 0x00, 1]);
    assert_eq!(refused(Signal::Logs, &twice), ("LogRecord.severity_number".into(), Fault::Repeated, 8));
}

#[test]
fn two_members_of_a_oneof_are_refused() {
    let both = record(&message(5, &[message(1, b"a"), vec![0x18, 1]].concat()));
    assert_eq!(refused(Signal::Logs, &both), ("AnyValue.int_value".into(), Fault::Repeated, 11));
    let both = message(1, &message(2, &message(2, &[message(5, &[]), message(7, &[])].concat())));
    assert_eq!(refused(Signal::Metrics, &both), ("Metric.sum".into(), Fault::Repeated, 8));
}

#[test]
fn text_that_is_not_utf_8_is_refused_and_bytes_are_not() {
    let text = record(&message(3, &[0xff]));
    assert_eq!(refused(Signal::Logs, &text), ("LogRecord.severity_text".into(), Fault::Utf8, 6));
    let key = record(&message(6, &[message(1, b"k\xc3"), message(2, &message(1, b"v"))].concat()));
    assert_eq!(refused(Signal::Logs, &key), ("KeyValue.key".into(), Fault::Utf8, 8));
    let value = record(&message(6, &[message(1, b"k"), message(2, &message(1, b"v\xff"))].concat()));
    assert_eq!(refused(Signal::Logs, &value), ("AnyValue.string_value".into(), Fault::Utf8, 13));

    let bytes = record(&message(5, &message(7, &[0xff])));
    assert_eq!(check(Signal::Logs, bytes.into(), &Limits::default()).unwrap().items(), 1);
}

#[test]
fn an_id_of_another_length_is_refused() {
    for (number, field, len) in [(9, "trace_id", 16), (10, "span_id", 8)] {
        for wrong in [1, 7, 9, 15, 17, 100] {
            let id = record(&message(number, &vec![b'x'; wrong]));
            if wrong != len {
                assert_eq!(refused(Signal::Logs, &id), (format!("LogRecord.{field}"), Fault::Id, 6));
            }
        }
        for right in [0, len] {
            let id = record(&message(number, &vec![0; right]));
            assert_eq!(check(Signal::Logs, id.into(), &Limits::default()).unwrap().items(), 1);
        }
    }
    // A long tag is no way around.
    assert_eq!(refused(Signal::Logs, &record(&[0xca, 0x00, 1, b'x'])), ("LogRecord.trace_id".into(), Fault::Id, 6));
}

#[test]
fn an_unknown_field_is_let_in_and_counted_at_any_depth() {
    let unknown = message(13, b"\xff");
    let attribute = message(6, &[message(1, b"k"), unknown.clone()].concat());
    let request = [record(&[attribute, unknown.clone()].concat()), unknown].concat();
    let payload = check(Signal::Logs, request.into(), &Limits::default()).unwrap();
    assert_eq!((payload.items(), payload.unknown_fields()), (1, 3));
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let nested = |depth: usize| {
        let inner = (0..depth).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut out = Vec::new();
            let mut array = Vec::new();
            crate::wire::put_len(&mut array, 1, &inner);
            crate::wire::put_len(&mut out, 5, &array);
            out
        });
        let mut request = Vec::new();
        for number in [5, 2, 2, 1] {
            let content = if request.is_empty() { inner.clone() } else { std::mem::take(&mut request) };
            crate::wire::put_len(&mut request, number, &content);
        }
        Bytes::from(request)
    };
    // Request, resource, scope, record and body are five; each array in a body adds itself and its element.
    let limits = Limits { depth: 9, ..Limits::default() };
    assert!(check(Signal::Logs, nested(2), &limits).is_ok());
    let error = check(Signal::Logs, nested(3), &limits).unwrap_err();
    assert_eq!((error.message, error.fault), ("ArrayValue", Fault::Depth(9)));
    // No limit goes beyond what a decoder takes and the stack bears.
    let limits = Limits { depth: u32::MAX, ..Limits::default() };
    assert!(check(Signal::Logs, nested(47), &limits).is_ok());
    assert_eq!(check(Signal::Logs, nested(2_000), &limits).unwrap_err().fault, Fault::Depth(DEPTH));
}

#[test]
fn the_short_way_for_attributes_keeps_the_depth_limit() {
    let attribute = record(&message(6, &[message(1, b"k"), message(2, &message(1, b"v"))].concat()));
    for (depth, fits) in [(6, true), (5, false), (4, false)] {
        let limits = Limits { depth, ..Limits::default() };
        assert_eq!(check(Signal::Logs, attribute.clone().into(), &limits).is_ok(), fits, "{depth}");
    }
    let body = record(&message(5, &message(1, b"v")));
    for (depth, fits) in [(5, true), (4, false)] {
        let limits = Limits { depth, ..Limits::default() };
        assert_eq!(check(Signal::Logs, body.clone().into(), &limits).is_ok(), fits, "{depth}");
    }
}

#[test]
fn more_items_than_the_limit_are_refused() {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.scope_logs(|scope_logs| {
            (0..3).for_each(|_| scope_logs.log_record(|record| record.body("x")));
        });
    });
    let bytes = logs.finish().contiguous();
    let limits = |items| Limits { items, ..Limits::default() };
    assert_eq!(check(Signal::Logs, bytes.clone(), &limits(3)).unwrap().items(), 3);
    let error = check(Signal::Logs, bytes, &limits(2)).unwrap_err();
    assert_eq!((error.message, error.fault), ("LogRecord", Fault::Items(2)));
}

#[test]
fn data_points_are_the_items_of_metrics() {
    let mut metrics = crate::build::Metrics::new();
    metrics.resource_metrics(|resource_metrics| {
        resource_metrics.scope_metrics(|scope_metrics| {
            scope_metrics.metric(|metric| {
                metric.name("requests");
                metric.sum(|sum| (0..4).for_each(|n| sum.data_point(|point| point.as_int(n))));
            });
            scope_metrics.metric(|metric| metric.name("nothing yet"));
        });
    });
    assert_eq!(metrics.finish().items(), 4);
}

#[test]
fn a_packed_field_that_ends_within_an_element_is_refused() {
    let point = |content: &[u8]| message(1, &message(2, &message(2, &message(9, &message(1, content)))));
    assert_eq!(
        refused(Signal::Metrics, &point(&message(6, &[0; 9]))),
        ("HistogramDataPoint.bucket_counts".into(), Fault::Truncated, 10)
    );
    assert!(check(Signal::Metrics, point(&message(6, &[0; 16])).into(), &Limits::default()).is_ok());
}

#[test]
fn an_error_names_the_place_and_the_problem() {
    let error = check(Signal::Logs, record(&[0x28, 1]).into(), &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "LogRecord.body at byte 6: the wire type does not fit the field");
}

#[test]
fn the_short_way_for_attributes_takes_nothing_that_the_walk_refuses() {
    // Every string of up to six of these bytes as a KeyValue and as an AnyValue.
    const BYTES: [u8; 9] = [0, 1, 2, 3, 0x0a, 0x10, 0x12, b'a', 0x80];
    let mut plain = 0;
    for len in 0..=6u32 {
        for mut choice in 0..9usize.pow(len) {
            let mut bytes = Vec::new();
            for _ in 0..len {
                bytes.push(BYTES[choice % 9]);
                choice /= 9;
            }
            for (short, message) in
                [(plain_pair(&bytes), &schema::KEY_VALUE), (plain_value(&bytes), &schema::ANY_VALUE)]
            {
                if short {
                    plain += 1;
                    let mut walk = Walk::new(Limits::default());
                    assert_eq!(walk.message(message, &bytes, 0, 64), Ok(()), "{bytes:x?}");
                    assert_eq!(walk.unknown, 0);
                }
            }
        }
    }
    assert!(plain > 500, "{plain}");
}
