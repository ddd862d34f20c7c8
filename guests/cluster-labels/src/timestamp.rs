//! A time in UTC as RFC 3339 text of one length, so that it sorts as text.

#[cfg(test)]
mod tests;

const NANOS: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// `2026-01-02T03:04:05.000000006Z` for nanoseconds since the Unix epoch.
pub(crate) fn rfc3339(nanos: u64) -> String {
    let (seconds, fraction) = (nanos / NANOS, nanos % NANOS);
    let (year, month, day) = date(seconds / DAY);
    let second = seconds % DAY;
    let mut text = String::with_capacity(30);
    let parts = [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (second / 3600, 2, ':'),
        (second / 60 % 60, 2, ':'),
        (second % 60, 2, '.'),
        (fraction, 9, 'Z'),
    ];
    for (number, digits, then) in parts {
        push(&mut text, number, digits);
        text.push(then);
    }
    text
}

/// The civil date of a day since the epoch: years that start in March have the leap day last, and repeat each 400 years.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

fn push(text: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        text.push(char::from(b'0' + digit as u8));
    }
}
