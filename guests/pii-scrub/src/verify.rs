//! What a pattern cannot say: checksums, ranges, and where in a match the secret starts.

mod card;

use std::net::Ipv6Addr;

use crate::detector::Detector;

#[cfg(test)]
mod tests;

/// Checks one match of a detector's pattern in `text` and hands over what is a finding of it.
///
/// A match that fails may hide a true one, since a pattern's matches do not overlap: where that can be, the check looks
/// around in the text.
pub(crate) fn findings(
    detector: Detector,
    text: &[u8],
    start: usize,
    end: usize,
    found: &mut impl FnMut(usize, usize),
) {
    let Some(candidate) = text.get(start..end) else { return };
    match detector {
        Detector::PaymentCard => card::findings(text, start, end, found),
        Detector::UsSsn if is_ssn(candidate) => found(start, end),
        Detector::Phone if is_phone(candidate) => found(start, end),
        Detector::Ipv6 if is_ipv6(text, start, end) => found(start, end),
        Detector::BearerToken => found(start + token(candidate), end),
        Detector::Email | Detector::Ipv4 | Detector::Jwt | Detector::CloudKey => found(start, end),
        Detector::UsSsn | Detector::Phone | Detector::Ipv6 => {}
    }
}

impl Detector {
    /// Whether the pattern alone decides.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self, Detector::Email | Detector::Ipv4 | Detector::Jwt | Detector::CloudKey)
    }
}

/// Areas 000, 666 and 9xx were never given out, nor were groups and serials of zeros.
fn is_ssn(candidate: &[u8]) -> bool {
    let [area @ .., b'-', g, h, b'-', serial_a, serial_b, serial_c, serial_d] = candidate else { return false };
    area != b"000"
        && area != b"666"
        && area.first() != Some(&b'9')
        && [*g, *h] != *b"00"
        && [*serial_a, *serial_b, *serial_c, *serial_d] != *b"0000"
}

/// After `+`, E.164 allows 8 to 15 digits in practice; without, the North American plan starts area and exchange at 2.
fn is_phone(candidate: &[u8]) -> bool {
    let digits = candidate.iter().filter(|byte| byte.is_ascii_digit());
    if candidate.first() == Some(&b'+') {
        return (8..=15).contains(&digits.count());
    }
    let mut digits = digits.enumerate().filter(|(at, _)| matches!(at, 0 | 3));
    digits.all(|(_, digit)| *digit >= b'2')
}

/// It parses, is no part of a longer word (`std::cell`) or of more groups than an address has, and is no short or digitless name such as `a::b`.
fn is_ipv6(text: &[u8], start: usize, end: usize) -> bool {
    if goes_on(text[..start].iter().rev()) || goes_on(text[end..].iter()) {
        return false;
    }
    let candidate = &text[start..end];
    let is_address = std::str::from_utf8(candidate).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    is_address && candidate.len() > 6 && candidate.iter().any(u8::is_ascii_digit)
}

/// Whether what comes next, on the way away from an address, makes it a part of something longer: a letter or a digit, or
/// a colon that another group or colon follows. The colon of `from 2001:db8::1: timeout` is none of these.
fn goes_on<'t>(mut away: impl Iterator<Item = &'t u8>) -> bool {
    match away.next() {
        Some(b':') => {
            let rest: Vec<u8> = away.copied().take(5).collect();
            let group = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let ends = rest.get(group).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
            rest.first() == Some(&b':') || (1..=4).contains(&group) && ends
        }
        Some(byte) => byte.is_ascii_alphanumeric() || *byte == b'_',
        None => false,
    }
}

/// Where the token after `Bearer` and its blanks starts.
fn token(candidate: &[u8]) -> usize {
    const SCHEME: usize = "Bearer".len();
    SCHEME + candidate[SCHEME..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}
