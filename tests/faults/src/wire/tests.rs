//! Paths, frames and answers.

use super::*;

#[test]
fn finds_the_signal_of_each_path() {
    for protocol in Protocol::ALL {
        for signal in Signal::ALL {
            assert_eq!(Signal::of_path(signal.path(protocol)), Some((protocol, signal)));
        }
    }
    assert_eq!(Signal::of_path("/v1/profiles"), None);
}

#[test]
fn takes_out_of_a_frame_what_was_put_into_it() {
    let message = Bytes::from_static(b"message");
    for protocol in Protocol::ALL {
        assert_eq!(protocol.unwrap(protocol.wrap(&message)), Some(message.clone()));
    }
    assert_eq!(Protocol::Grpc.unwrap(Bytes::from_static(b"\x01\0\0\0\0")), None, "a compressed message");
}

#[test]
fn gives_data_up_only_where_otlp_says_so() {
    let soon = Some(Duration::from_secs(1));
    assert!(!Answer::Grpc(Code::Unavailable, None).is_final());
    assert!(!Answer::Grpc(Code::ResourceExhausted, soon).is_final());
    assert!(Answer::Grpc(Code::ResourceExhausted, None).is_final());
    assert!(Answer::Grpc(Code::InvalidArgument, soon).is_final());
    assert!(!Answer::Http(429, None).is_final());
    assert!(Answer::Http(500, None).is_final());
}

#[test]
fn says_over_http_too_that_data_is_to_be_given_up() {
    let status = |code| Answer::Grpc(code, None).response(Protocol::Http).status().as_u16();
    assert_eq!((status(Code::InvalidArgument), status(Code::Unavailable)), (400, 503));
}

#[test]
fn tells_in_an_answer_when_to_come_again() {
    let full = Answer::Grpc(Code::ResourceExhausted, Some(Duration::from_secs(2)));
    let response = full.response(Protocol::Grpc);
    let status = Status::from_header_map(response.headers()).expect("a status among the headers");
    let retry = status.get_details_retry_info().and_then(|info| info.retry_delay);
    assert_eq!((status.code(), retry), (Code::ResourceExhausted, Some(Duration::from_secs(2))));
    let response = Answer::Http(429, Some(Duration::from_secs(2))).response(Protocol::Http);
    assert_eq!(response.headers()[RETRY_AFTER], "2");
}
