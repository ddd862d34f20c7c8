//! `syslog_parser`: messages as RFC 3164 and RFC 5424 write them, or anything that came as syslog.
//!
//! Attributes, severities and their texts are the Collector's. What the RFCs leave to devices is read as widely as it can be
//! without a doubt about what is meant: names are as long as they are, and a message may have any characters.

mod rfc3164;
mod rfc5424;

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::time::zone;
use crate::entries::entry::{Entry, Map, Value};
use crate::entries::settings::Operator;

/// The longest message whose length stands before it, where nothing is written: that of RFC 5425.
const MAX_OCTETS: usize = 8_192;

/// What each severity of syslog is to OpenTelemetry, and what it is called.
const SEVERITIES: [(u32, &str); 8] = [
    (21, "emerg"),
    (19, "alert"),
    (18, "crit"),
    (17, "err"),
    (13, "warning"),
    (10, "notice"),
    (9, "info"),
    (5, "debug"),
];

/// The names of RFC 5427, by number.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "security", "console", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// The priority that a message begins with.
const MAX_PRIORITY: u8 = 191;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Rfc3164,
    Rfc5424,
    /// Whatever came: it is not read, but for a priority.
    None,
}

pub(crate) struct Syslog {
    protocol: Protocol,
    zone: TimeZone,
    counts_octets: bool,
    max_octets: usize,
    may_skip_priority: bool,
}

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message<'a> {
    pub(crate) priority: Option<u8>,
    pub(crate) version: Option<i64>,
    /// Nanoseconds since the Unix epoch.
    pub(crate) time: Option<i128>,
    pub(crate) hostname: Option<&'a str>,
    pub(crate) appname: Option<&'a str>,
    pub(crate) proc_id: Option<&'a str>,
    pub(crate) msg_id: Option<&'a str>,
    pub(crate) structured_data: Option<Map<'a>>,
    pub(crate) message: Option<&'a str>,
}

/// What a message says of its entry besides what is put into it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Said {
    severity: Option<(u32, &'static str)>,
    time: Option<u64>,
}

impl Syslog {
    pub(crate) fn new(operator: &Operator) -> Result<Self, String> {
        let protocol = match operator.protocol.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("rfc3164") => Protocol::Rfc3164,
            Some("rfc5424") => Protocol::Rfc5424,
            Some("none") => Protocol::None,
            Some(other) => return Err(format!("protocol: {other:?} is none of `rfc3164`, `rfc5424` and `none`")),
            None => return Err("`protocol` is missing: write `rfc3164`, `rfc5424` or `none`".to_owned()),
        };
        let counts_octets = operator.enable_octet_counting.unwrap_or(false);
        let may_skip_priority = operator.allow_skip_pri_header.unwrap_or(false);
        if counts_octets && may_skip_priority {
            return Err("allow_skip_pri_header: write it or `enable_octet_counting`, not both".to_owned());
        }
        match operator.non_transparent_framing_trailer.as_deref() {
            None => {}
            Some("LF" | "NUL") if counts_octets => {
                let told = "write it or `enable_octet_counting`, not both";
                return Err(format!("non_transparent_framing_trailer: {told}"));
            }
            Some("LF" | "NUL") if protocol == Protocol::Rfc5424 => {}
            Some("LF" | "NUL") => {
                return Err("non_transparent_framing_trailer: it goes with `protocol: rfc5424` only".to_owned());
            }
            Some(other) => return Err(format!("non_transparent_framing_trailer: {other:?} is neither `LF` nor `NUL`")),
        }
        Ok(Syslog {
            protocol,
            zone: zone(operator.location.as_deref())?,
            counts_octets,
            max_octets: operator.max_octets.filter(|octets| *octets > 0).unwrap_or(MAX_OCTETS),
            may_skip_priority,
        })
    }

    /// What a text says, borrowed from it where it can be.
    pub(crate) fn parse_shared<'a>(&self, text: Cow<'a, str>) -> Result<(Map<'a>, Said), String> {
        match text {
            Cow::Borrowed(text) => self.parse(text).and_then(Message::told),
            Cow::Owned(text) => {
                let (map, said) = self.parse(&text).and_then(Message::told)?;
                let own = map.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()));
                Ok((own.collect(), said))
            }
        }
    }

    pub(crate) fn parse<'a>(&self, text: &'a str) -> Result<Message<'a>, String> {
        if self.protocol == Protocol::None {
            // Whatever it is, it is one.
            let text = if self.counts_octets { counted(text).map_or(text, |(_, rest)| rest) } else { text };
            let priority = priority(text).ok().map(|(priority, _)| priority);
            return Ok(Message { priority, message: Some(text), ..Message::default() });
        }
        let text = if self.counts_octets { self.counted(text)? } else { text };
        let priority = priority(text);
        let (priority, rest) = match priority {
            Ok((priority, rest)) => (Some(priority), rest),
            Err(_) if self.may_skip_priority && !text.starts_with('<') => (None, text),
            Err(told) => return Err(told),
        };
        let rest = rest.trim_end_matches(['\n', '\r']);
        let message = match self.protocol {
            Protocol::Rfc3164 => rfc3164::parse(rest, &self.zone)?,
            _ => rfc5424::parse(rest)?,
        };
        Ok(Message { priority, ..message })
    }

    /// What stands behind the number of octets.
    fn counted<'a>(&self, text: &'a str) -> Result<&'a str, String> {
        let told = "there is no number of octets before the message";
        let (count, rest) = counted(text).ok_or(told)?;
        if count > self.max_octets {
            return Err(format!("the message has {count} octets, and `max_octets` allows {}", self.max_octets));
        }
        Ok(rest)
    }
}

/// The number of octets that a text begins with, and what stands behind it.
fn counted(text: &str) -> Option<(usize, &str)> {
    let (count, rest) = text.split_once(' ')?;
    let is_number = !count.starts_with('0') && count.bytes().all(|byte| byte.is_ascii_digit());
    Some((count.parse().ok().filter(|_| is_number)?, rest))
}

/// The priority in angle brackets that a text begins with, and what stands behind it.
fn priority(text: &str) -> Result<(u8, &str), String> {
    let told = || format!("there is no priority from 0 to {MAX_PRIORITY} in angle brackets at its beginning");
    let (digits, rest) = text.strip_prefix('<').and_then(|text| text.split_once('>')).ok_or_else(told)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = is_number && (digits == "0" || !digits.starts_with('0'));
    let value = digits.parse().ok().filter(|value| is_plain && *value <= MAX_PRIORITY).ok_or_else(told)?;
    Ok((value, rest))
}

impl<'a> Message<'a> {
    /// What becomes attributes, and what the entry itself has a place for.
    fn told(self) -> Result<(Map<'a>, Said), String> {
        let mut map: Map<'a> = Vec::with_capacity(12);
        let mut put = |key: &'static str, value: Value<'a>| map.push((Cow::Borrowed(key), value));
        let mut said = Said::default();
        if let Some(time) = self.time {
            said.time = Some(u64::try_from(time).map_err(|_| "its time lies before 1970".to_owned())?);
        }
        if let Some(priority) = self.priority {
            let facility = priority / 8;
            put("priority", Value::Int(priority.into()));
            put("facility", Value::Int(facility.into()));
            if let Some(name) = FACILITIES.get(usize::from(facility)) {
                put("facility_text", Value::text(*name));
            }
            said.severity = SEVERITIES.get(usize::from(priority % 8)).copied();
        }
        if let Some(version) = self.version {
            put("version", Value::Int(version));
        }
        let texts = [
            ("hostname", self.hostname),
            ("appname", self.appname),
            ("proc_id", self.proc_id),
            ("msg_id", self.msg_id),
            ("message", self.message),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                put(key, Value::text(text));
            }
        }
        if let Some(data) = self.structured_data {
            put("structured_data", Value::Map(data));
        }
        Ok((map, said))
    }
}

impl Said {
    pub(crate) fn put(self, entry: &mut Entry<'_>) {
        if let Some((number, text)) = self.severity {
            entry.severity = number;
            entry.severity_text = Cow::Borrowed(text);
        }
        if let Some(time) = self.time {
            entry.time = time;
        }
    }
}

/// A message, read in a way that is drawn from `how`: what it is taken to say stands in it.
pub fn probe(how: u8, text: &str) {
    let operator = Operator {
        protocol: Some(["rfc3164", "rfc5424", "none"][usize::from(how % 3)].to_owned()),
        enable_octet_counting: Some(how & 64 != 0),
        allow_skip_pri_header: Some(how & 192 == 128),
        ..Operator::default()
    };
    let syslog = Syslog::new(&operator).expect("it is a protocol");
    let Ok(message) = syslog.parse(text) else { return };
    let parts = [message.hostname, message.appname, message.proc_id, message.msg_id, message.message];
    assert!(parts.iter().flatten().all(|part| text.contains(part)), "a part of it stands in it");
    let names = [message.hostname, message.appname, message.msg_id];
    assert!(names.iter().flatten().all(|name| !name.is_empty() && !name.contains(' ')), "a name is one word");
    let shared = syslog.parse_shared(Cow::Borrowed(text)).ok().map(|(map, _)| map);
    let owned = syslog.parse_shared(Cow::Owned(text.to_owned())).ok().map(|(map, _)| map);
    assert_eq!(shared, owned, "it says the same to whom it belongs");
}

#[cfg(test)]
mod tests;
