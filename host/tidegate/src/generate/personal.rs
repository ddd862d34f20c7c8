//! Personal data of people who do not exist: in the shapes that a scrubber has to know.

use fastrand::Rng;

const FIRST: &[&str] = &["ada", "grace", "linus", "edsger", "barbara", "alan", "margaret", "dennis", "radia", "ken"];
const LAST: &[&str] = &["lovelace", "hopper", "meyer", "silva", "nakamura", "okafor", "novak", "garcia", "weber"];
const DOMAINS: &[&str] = &["example.com", "example.org", "mail.example.net", "corp.example.co.uk"];
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A piece of personal data, and the attribute that it would be found in.
pub(super) struct Personal {
    pub(super) key: &'static str,
    pub(super) value: String,
}

/// One of the kinds, at random.
pub(super) fn any(rng: &mut Rng) -> Personal {
    let (key, value) = match rng.u8(0..9) {
        0 => ("user.email", email(rng)),
        1 => ("payment.card", card(rng)),
        2 => ("customer.ssn", ssn(rng)),
        3 => ("customer.phone", phone(rng)),
        4 => ("client.address", ipv4(rng)),
        5 => ("client.address", ipv6(rng)),
        6 => ("http.request.header.authorization", format!("Bearer {}", jwt(rng))),
        7 => ("aws.access_key_id", format!("AKIA{}", code(rng, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16))),
        _ => ("api.key", format!("sk_live_{}", code(rng, &BASE64[..62], 24))),
    };
    Personal { key, value }
}

pub(super) fn pick<'a>(rng: &mut Rng, list: &[&'a str]) -> &'a str {
    list[rng.usize(..list.len())]
}

fn code(rng: &mut Rng, alphabet: &[u8], len: usize) -> String {
    (0..len).map(|_| char::from(alphabet[rng.usize(..alphabet.len())])).collect()
}

fn email(rng: &mut Rng) -> String {
    format!("{}.{}{}@{}", pick(rng, FIRST), pick(rng, LAST), rng.u32(1..1_000), pick(rng, DOMAINS))
}

/// A card number whose last digit is right by Luhn's formula, in one of the ways that people write it.
pub(super) fn card(rng: &mut Rng) -> String {
    let mut digits = format!("4{}", code(rng, b"0123456789", 14));
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            // From the right, every second digit counts twice; the check digit is still to come.
            let doubled = if place % 2 == 0 { 2 * digit } else { digit };
            doubled / 10 + doubled % 10
        })
        .sum();
    digits.push(char::from(b'0' + ((10 - sum % 10) % 10) as u8));
    let separator = pick(rng, &["", " ", "-"]);
    let groups: Vec<&str> = (0..4).map(|group| &digits[4 * group..4 * group + 4]).collect();
    groups.join(separator)
}

/// In the ranges that are given out: no 000, 666 or 9xx in front, no zeros in the other groups.
fn ssn(rng: &mut Rng) -> String {
    format!("{:03}-{:02}-{:04}", rng.u16(1..666), rng.u8(1..100), rng.u16(1..10_000))
}

fn phone(rng: &mut Rng) -> String {
    let (area, exchange, line) = (rng.u16(201..990), rng.u16(200..1_000), rng.u16(0..10_000));
    match rng.u8(0..3) {
        0 => format!("+1 {area}-{exchange}-{line:04}"),
        1 => format!("({area}) {exchange}-{line:04}"),
        _ => format!("+49 30 {exchange}{line:04}"),
    }
}

fn ipv4(rng: &mut Rng) -> String {
    format!("{}.{}.{}.{}", rng.u8(1..224), rng.u8(..), rng.u8(..), rng.u8(1..255))
}

fn ipv6(rng: &mut Rng) -> String {
    let group = |rng: &mut Rng| rng.u16(1..);
    format!("2001:db8:{:x}:{:x}::{:x}", group(rng), group(rng), group(rng))
}

fn jwt(rng: &mut Rng) -> String {
    // Header and payload begin as every JSON object in base64 does.
    format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", code(rng, BASE64, 48), code(rng, BASE64, 43))
}
