//! Tests of what stands in `status`: its promises, one sentence each.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};

use super::{partial_success, unescape};
use crate::sending::Denial;
use host_component::Failure;

fn headers(fields: &[(&'static str, String)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn outcome(http: StatusCode, fields: &HeaderMap) -> Result<(), Failure> {
    super::outcome(http, fields).map_err(|denial| match denial {
        Denial::Failed(failure) | Denial::Stranger(failure) => failure,
        Denial::TooLarge(too_large) => panic!("{}", too_large.reason),
    })
}

#[test]
fn undoes_percent_signs_and_leaves_broken_ones_alone() {
    assert_eq!(unescape(b"50 %25 of%0Athe b%C3%BCffer"), "50 % of the b\u{fc}ffer");
    assert_eq!(unescape(b"%zz % %4"), "%zz % %4");
    assert_eq!(unescape(b"%1b[31mred%0d%0a"), " [31mred  ", "a log line stays one");
    assert_eq!(unescape(&[b'x'; 100_000]).len(), super::MESSAGE_BYTES);
}

#[test]
fn a_status_that_is_no_number_is_a_failure() {
    let fields = headers(&[("grpc-status", "zero".to_owned())]);
    assert!(outcome(StatusCode::OK, &fields).unwrap_err().is_permanent());
}

#[test]
fn an_answer_that_broke_off_before_its_status_may_be_tried_again() {
    assert!(!outcome(StatusCode::OK, &HeaderMap::new()).unwrap_err().is_permanent());
}

#[test]
fn details_that_are_garbage_carry_no_delay() {
    let cases: [&[u8]; 5] = [b"", b"\x1a\x7f", b"\x1a\x02\x0a\x00", b"\x08\x08\x1a\x04\x12\x02\x0a\xff", &[0xff; 40]];
    for bytes in cases {
        let fields = headers(&[("grpc-status", "14".to_owned()), ("grpc-status-details-bin", STANDARD.encode(bytes))]);
        let failure = outcome(StatusCode::OK, &fields).unwrap_err();
        assert!(matches!(failure, Failure::Retryable { after: None, .. }), "{bytes:?}");
    }
}

#[test]
fn a_delay_has_a_ceiling() {
    let duration = [&b"\x08"[..], &[0xff; 9], &[0x01]].concat();
    let len = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let field = |tag: u8, bytes: &[u8]| [&[tag, len(bytes)], bytes].concat();
    let any = [field(0x0a, b"type.googleapis.com/google.rpc.RetryInfo"), field(0x12, &field(0x0a, &duration))].concat();
    let fields =
        headers(&[("grpc-status", "14".to_owned()), ("grpc-status-details-bin", STANDARD.encode(field(0x1a, &any)))]);
    let failure = outcome(StatusCode::OK, &fields).unwrap_err();
    let Failure::Retryable { after: Some(after), .. } = failure else { panic!("{failure:?}") };
    assert_eq!(after, Duration::from_secs(86_400));
}

#[test]
fn a_response_that_is_garbage_rejects_nothing() {
    for bytes in [&b""[..], b"\x0a", b"\x0a\x7f", b"\x0a\x00", &[0xff; 20], b"\x08\x01"] {
        assert_eq!(partial_success(bytes), None, "{bytes:?}");
    }
}

#[test]
fn finds_the_limit_in_what_servers_say_of_a_message_that_is_too_large() {
    let denial = |code: u32, message: &str| {
        let fields = headers(&[("grpc-status", code.to_string()), ("grpc-message", message.to_owned())]);
        match super::outcome(StatusCode::OK, &fields) {
            Err(Denial::TooLarge(too_large)) => Some(too_large.limit),
            _ => None,
        }
    };
    let of_go = "grpc: received message larger than max (5000000 vs. 4194304)";
    let of_java = "gRPC message exceeds maximum size 4194304: 5000000";
    let of_rust = "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes";
    assert_eq!(denial(8, of_go), Some(Some(4_194_304)));
    assert_eq!(denial(8, of_java), Some(Some(4_194_304)));
    assert_eq!(denial(11, of_rust), Some(Some(4_194_304)));
    assert_eq!(denial(8, "quota of 100 spans a second is spent"), Some(None));
    assert_eq!(denial(11, "page 4194304 of 70000"), None, "it may pass");
}
