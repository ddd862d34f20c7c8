//! Payment cards: 13 to 19 digits of which the first says the scheme and the last is a checksum.

/// Digits of the shortest and the longest card.
const LENGTH: std::ops::RangeInclusive<usize> = 13..=19;

/// How far around a candidate cards are looked for: a few cards' worth.
const AROUND: usize = 64;

/// Hands over each card in the run of digits, blanks and hyphens around the candidate.
///
/// The candidate itself comes first. Where its checksum fails, other groups of the same run may be a card: in
/// `1234 4111 1111 1111 1111` the pattern takes the first sixteen digits.
pub(super) fn findings(text: &[u8], start: usize, end: usize, found: &mut impl FnMut(usize, usize)) {
    if is_card(&text[start..end]) {
        return found(start, end);
    }
    let in_run = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
    let from = start - text[start.saturating_sub(AROUND)..start].iter().rev().take_while(in_run).count();
    let to = end + text[end..text.len().min(end + AROUND)].iter().take_while(in_run).count();
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = from;
    while at < to {
        let group_starts = is_digit(at) && (at == 0 || !is_digit(at - 1));
        match group_starts.then(|| card_at(text, at, to)).flatten() {
            Some(card_end) => {
                found(at, card_end);
                at = card_end;
            }
            None => at += 1,
        }
    }
}

/// The end of the longest card that starts at a group and ends with one.
fn card_at(text: &[u8], start: usize, to: usize) -> Option<usize> {
    let mut digits = 0;
    let mut longest = None;
    for end in start + 1..=to {
        digits += usize::from(text[end - 1].is_ascii_digit());
        if digits > *LENGTH.end() {
            break;
        }
        let group_ends = text[end - 1].is_ascii_digit() && !text.get(end).is_some_and(u8::is_ascii_digit);
        if group_ends && is_card(&text[start..end]) {
            longest = Some(end);
        }
    }
    longest
}

/// Whether the digits are as many as a card's, start as one's and pass Luhn's test.
fn is_card(candidate: &[u8]) -> bool {
    if !matches!(candidate.first(), Some(b'2'..=b'6')) {
        return false;
    }
    let mut digits = 0;
    let mut sum = 0;
    for byte in candidate.iter().rev().filter(|byte| byte.is_ascii_digit()) {
        let digit = u32::from(byte - b'0');
        let doubled = if digits % 2 == 1 { digit * 2 } else { digit };
        sum += doubled / 10 + doubled % 10;
        digits += 1;
    }
    LENGTH.contains(&digits) && sum % 10 == 0
}
