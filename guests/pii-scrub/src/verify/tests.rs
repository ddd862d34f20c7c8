//! What a check lets pass, each with a value from the wild beside one that looks like it.

use super::findings;
use crate::detector::Detector;

/// What the check makes of a match of `candidate` in `text`.
fn check(detector: Detector, text: &str, candidate: &str) -> Vec<String> {
    let start = text.find(candidate).unwrap();
    let mut found = Vec::new();
    findings(detector, text.as_bytes(), start, start + candidate.len(), &mut |start, end| {
        found.push(text[start..end].to_owned());
    });
    found
}

fn passes(detector: Detector, text: &str) -> bool {
    !check(detector, text, text).is_empty()
}

#[test]
fn cards_pass_luhn_and_start_with_a_scheme() {
    for card in
        ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "3782 822463 10005", "6011111111111117"]
    {
        assert!(passes(Detector::PaymentCard, card), "{card}");
    }
    for number in ["4111 1111 1111 1112", "0000000000000000", "9111111111111111", "1735689600000", "411111111111"] {
        assert!(!passes(Detector::PaymentCard, number), "{number}");
    }
}

#[test]
fn a_card_that_a_failed_match_hid_is_found() {
    let text = "ref 1234 4111 1111 1111 1111 ok";
    assert_eq!(check(Detector::PaymentCard, text, "1234 4111 1111 1111"), ["4111 1111 1111 1111"]);
    assert_eq!(
        check(Detector::PaymentCard, "4111-1111-1111-1111-1234", "1111-1111-1111-1234"),
        ["4111-1111-1111-1111"]
    );
}

#[test]
fn social_security_numbers_are_such_as_were_given_out() {
    assert!(passes(Detector::UsSsn, "123-45-6789"));
    for number in ["000-45-6789", "666-45-6789", "900-45-6789", "123-00-6789", "123-45-0000"] {
        assert!(!passes(Detector::UsSsn, number), "{number}");
    }
}

#[test]
fn phones_have_as_many_digits_as_phones_have() {
    for phone in ["+49 30 1234567", "+1 (212) 555-0123", "(212) 555-0123", "212-555-0123", "+4915112345678"] {
        assert!(passes(Detector::Phone, phone), "{phone}");
    }
    for number in ["+10 12", "+1234567", "+1234567890123456", "112-555-0123", "(212) 155-0123"] {
        assert!(!passes(Detector::Phone, number), "{number}");
    }
}

#[test]
fn ipv6_addresses_parse_and_stand_apart() {
    for address in ["2001:db8::1", "fe80::1ff:fe23:4567:890a", "2001:db8:0:0:0:0:2:1", "::ffff:192.0.2.1"] {
        assert!(passes(Detector::Ipv6, address), "{address}");
    }
    for other in ["a::b", "::1", "dead::beef", "1:2:3:4:5:6:7:8:9", "2001:db8::1::2"] {
        assert!(!passes(Detector::Ipv6, other), "{other}");
    }
    assert!(check(Detector::Ipv6, "std::2001::fade9", "d::2001").is_empty());
    for text in ["from 2001:db8::1: timeout", "addr:2001:db8::1", "ip4:2001:db8::1", "x=2001:db8::1:, y"] {
        assert_eq!(check(Detector::Ipv6, text, "2001:db8::1"), ["2001:db8::1"], "{text}");
    }
    assert!(check(Detector::Ipv6, "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8").is_empty());
    assert!(check(Detector::Ipv6, "1:2:3:4:5:6:7:8:9", "2:3:4:5:6:7:8:9").is_empty());
    assert_eq!(check(Detector::Ipv6, "to [2001:db8::1]:443", "2001:db8::1"), ["2001:db8::1"]);
}

#[test]
fn the_scheme_of_a_bearer_token_stays() {
    let text = "Bearer \tabcdefghijklmnop==";
    assert_eq!(check(Detector::BearerToken, text, text), ["abcdefghijklmnop=="]);
}
