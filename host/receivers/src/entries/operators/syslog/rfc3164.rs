//! Messages as RFC 3164 describes them: `Oct 11 22:14:15 mymachine su[12]: 'su root' failed`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Message;
use crate::entries::operators::time::in_latest_year;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The longest tag: RFC 3164 has 32 characters, and devices more.
const MAX_TAG: usize = 48;
const MAX_HOSTNAME: usize = 255;

/// What stands behind the priority.
pub(super) fn parse<'a>(text: &'a str, zone: &TimeZone) -> Result<Message<'a>, String> {
    let text = text.trim_start_matches(' ');
    let (time, rest) = timestamp(text, zone)?;
    let rest = rest.strip_prefix(' ').map(|rest| rest.trim_start_matches(' ')).filter(|rest| !rest.is_empty());
    let rest = rest.ok_or("there is no message behind its time")?;
    let (hostname, rest) = match rest.split_once(' ') {
        Some((name, behind)) if is_hostname(name) && !behind.trim_start_matches(' ').is_empty() => {
            (Some(name), behind.trim_start_matches(' '))
        }
        _ => (None, rest),
    };
    let mut message = Message { time: Some(time), hostname, message: Some(rest), ..Message::default() };
    let Some((tag, behind)) = tag(rest) else { return Ok(message) };
    message.appname = Some(tag);
    let behind = match behind.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((content, behind)) if !content.contains('[') => {
            message.proc_id = Some(content);
            behind
        }
        _ => behind,
    };
    if let Some(text) = behind.strip_prefix(": ").filter(|text| !text.is_empty()) {
        message.message = Some(text);
    }
    Ok(message)
}

/// The name of who has written a message, which `:` or `[` ends.
fn tag(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| matches!(byte, b':' | b'[') || !byte.is_ascii_graphic())?;
    let is_tag = (1..=MAX_TAG).contains(&end) && text.as_bytes().get(end).is_some_and(|end| b":[".contains(end));
    is_tag.then(|| text.split_at(end))
}

fn is_hostname(text: &str) -> bool {
    (1..=MAX_HOSTNAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// The time that a text begins with, and what stands behind it.
fn timestamp<'a>(text: &'a str, zone: &TimeZone) -> Result<(i128, &'a str), String> {
    if let Some(told) = stamp(text, zone) {
        return told;
    }
    // Many senders write the time of RFC 5424.
    let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    let parsed = word.parse::<Timestamp>().map(|time| (time.as_nanosecond(), rest));
    parsed.map_err(|_| format!("{:?} is no time such as `Oct 11 22:14:15`", text.get(..15).unwrap_or(word)))
}

/// A time without a year; none where the text does not begin with what looks like one.
fn stamp<'a>(text: &'a str, zone: &TimeZone) -> Option<Result<(i128, &'a str), String>> {
    let written = text.get(..15)?;
    let month = MONTHS.iter().position(|month| written.starts_with(month))?;
    let [_, _, _, b' ', day @ .., b' ', _, _, b':', _, _, b':', _, _] = written.as_bytes() else { return None };
    let number = |at: std::ops::Range<usize>| -> Option<i8> {
        let digits = written.get(at)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let day = match day {
        [b' ', _] => number(5..6)?,
        _ => number(4..6)?,
    };
    let (hour, minute, second) = (number(7..9)?, number(10..12)?, number(13..15)?);
    let month = i8::try_from(month + 1).ok()?;
    let (fraction, rest) = fraction(text.get(15..)?);
    let at = |year: i16| -> Result<i128, jiff::Error> {
        let time = DateTime::new(year, month, day, hour, minute, second, fraction)?;
        Ok(time.to_zoned(zone.clone())?.timestamp().as_nanosecond())
    };
    let told = in_latest_year(zone, at).map_err(|error| format!("{written:?} is no time: {error}"));
    Some(told.map(|time| (time, rest)))
}

/// Parts of a second in nanoseconds, where there are any.
fn fraction(text: &str) -> (i32, &str) {
    let Some(digits) = text.strip_prefix('.') else { return (0, text) };
    let end = digits.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let (written, rest) = digits.split_at(end);
    match written.parse::<i32>() {
        Ok(value) => (value * 10_i32.pow(9 - end as u32), rest),
        Err(_) => (0, text),
    }
}
