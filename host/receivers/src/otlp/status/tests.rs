//! Tests of what stands in `status`: its promises, one sentence each.

use std::time::Duration;

use super::{Cause, Rejection};

#[test]
fn spells_a_message_in_printable_ascii() {
    let rejection = Rejection::malformed("50 % of\nthe b\u{fc}ffer");
    assert_eq!(rejection.grpc_message(), "50 %25 of%0Athe b%C3%BCffer");
}

#[test]
fn cuts_a_message_that_is_too_long_for_a_header() {
    assert_eq!(Rejection::malformed("x".repeat(100_000)).grpc_message().len(), super::MESSAGE_BYTES);
}

#[test]
fn rounds_the_time_to_try_again_up() {
    let after = |millis| {
        let mut rejection = Rejection::new(Cause::Refused, "full");
        rejection.after = Some(Duration::from_millis(millis));
        rejection.retry_after()
    };
    assert_eq!((after(1), after(1000), after(1001)), (Some(1), Some(1), Some(2)));
}

#[test]
fn tells_a_sender_to_try_again_wherever_that_may_help() {
    for cause in Cause::ALL {
        let rejection = Rejection::new(cause, "");
        let retried = [4, 14].contains(&rejection.grpc_code());
        let temporary = matches!(cause, Cause::Retryable | Cause::Slow);
        assert_eq!(retried, temporary, "{}", cause.name());
    }
    assert!(Rejection::no_room().grpc_details().is_some());
}
