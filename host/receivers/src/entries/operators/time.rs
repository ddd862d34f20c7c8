//! `time_parser`: times as strptime, Go or the epoch writes them. Go's layouts are translated.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::entries::entry::{Entry, Value};
use crate::entries::field::Field;
use crate::entries::settings::Time;

/// A time without a year that lies further ahead than this, in nanoseconds, is one of the year before, as in the Collector.
const AHEAD: i128 = 7 * 24 * 3600 * 1_000_000_000;

pub(crate) struct Clock {
    from: Field,
    layout: Layout,
    zone: TimeZone,
}

enum Layout {
    /// Nanoseconds that one of it has.
    Epoch(f64),
    Format {
        format: String,
        has_year: bool,
        is_utc: bool,
    },
}

/// What Go's reference time has in a layout, the longer before what it begins with, as strptime writes it.
const GO: &[(&str, &str)] = &[
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "%Z"),
    ("2006", "%Y"),
    ("Z07:00", "%:z"),
    ("Z0700", "%z"),
    ("-07:00", "%:z"),
    ("-0700", "%z"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%p"),
    ("_2", "%e"),
    ("1", "%m"),
    ("2", "%d"),
    ("3", "%I"),
    ("4", "%M"),
    ("5", "%S"),
];

/// The zone of times that say none, by its IANA name.
pub(crate) fn zone(location: Option<&str>) -> Result<TimeZone, String> {
    Ok(match location {
        None | Some("UTC" | "") => TimeZone::UTC,
        Some("Local") => TimeZone::system(),
        Some(name) => TimeZone::get(name).map_err(|error| format!("location: {error}"))?,
    })
}

/// A time that says no year, in this year or, where that lies too far ahead, in the one before: what is read soon after New
/// Year was written before it.
pub(crate) fn in_latest_year(
    zone: &TimeZone,
    mut at: impl FnMut(i16) -> Result<i128, jiff::Error>,
) -> Result<i128, jiff::Error> {
    let now = Zoned::now().with_time_zone(zone.clone());
    match at(now.year()) {
        Ok(told) if told <= now.timestamp().as_nanosecond() + AHEAD => Ok(told),
        // A leap day may be one of last year.
        _ => at(now.year() - 1),
    }
}

impl Clock {
    pub(crate) fn new(config: &Time) -> Result<Self, String> {
        let from = Field::parse(config.parse_from.as_deref().ok_or("`parse_from` is missing")?)?;
        let layout = config.layout.as_deref().ok_or("`layout` is missing")?;
        let layout = match config.layout_type.as_deref().unwrap_or("strptime") {
            "epoch" => Layout::Epoch(match layout {
                "s" | "s.ms" | "s.us" | "s.ns" => 1e9,
                "ms" => 1e6,
                "us" => 1e3,
                "ns" => 1.0,
                other => return Err(format!("layout: {other:?} is none of s, ms, us, ns, s.ms, s.us and s.ns")),
            }),
            "gotime" => format(&from_go(layout)),
            "strptime" => format(&from_strptime(layout)),
            other => return Err(format!("layout_type: {other:?} is none of `strptime`, `gotime` and `epoch`")),
        };
        Ok(Clock { from, layout, zone: zone(config.location.as_deref())? })
    }

    pub(crate) fn run(&self, entry: &mut Entry<'_>) -> Result<(), String> {
        let value = self.from.get(entry).ok_or("there is no time to parse")?;
        let nanos = match &self.layout {
            Layout::Epoch(scale) => epoch(value, *scale)?,
            Layout::Format { format, has_year, is_utc } => {
                let text = value.as_text().ok_or("a time has to be text")?;
                self.parse(text, format, *has_year, *is_utc)
                    .map_err(|error| format!("{text:?} is no such time: {error}"))?
            }
        };
        entry.time = u64::try_from(nanos).map_err(|_| "the time lies before 1970".to_owned())?;
        Ok(())
    }

    fn parse(&self, text: &str, format: &str, has_year: bool, is_utc: bool) -> Result<i128, jiff::Error> {
        // `Z` is an offset of zero for Go.
        let replaced = match format.ends_with("z") && text.ends_with('Z') {
            true => {
                Some(format!("{}{}", &text[..text.len() - 1], if format.ends_with("%:z") { "+00:00" } else { "+0000" }))
            }
            false => is_utc.then(|| text.trim_end_matches("UTC").trim_end_matches("GMT").to_owned()),
        };
        let mut time = BrokenDownTime::parse(format, replaced.as_deref().unwrap_or(text))?;
        if has_year {
            return self.instant(&time);
        }
        in_latest_year(&self.zone, |year| {
            time.set_year(Some(year))?;
            self.instant(&time)
        })
    }

    fn instant(&self, time: &BrokenDownTime) -> Result<i128, jiff::Error> {
        if time.offset().is_some() {
            return Ok(time.to_timestamp()?.as_nanosecond());
        }
        if time.hour().is_none() {
            return Ok(self
                .zone
                .to_timestamp(time.to_date()?.to_datetime(jiff::civil::Time::midnight()))?
                .as_nanosecond());
        }
        let civil: DateTime = time.to_datetime()?;
        let timestamp: Timestamp = self.zone.to_timestamp(civil)?;
        Ok(timestamp.as_nanosecond())
    }
}

fn epoch(value: &Value<'_>, scale: f64) -> Result<i128, String> {
    match value {
        Value::Int(value) => Ok(i128::from(*value) * scale as i128),
        Value::Double(value) => Ok((*value * scale) as i128),
        Value::Text(text) => {
            let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
            let told = || format!("{text:?} is no number");
            let whole: i64 = whole.parse().map_err(|_| told())?;
            let fraction =
                if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse::<f64>().map_err(|_| told())? };
            Ok(i128::from(whole) * scale as i128 + (fraction * scale).round() as i128)
        }
        _ => Err("a time of the epoch is a number".to_owned()),
    }
}

fn format(format: &str) -> Layout {
    let is_utc = format.ends_with("%Z");
    let format = format.trim_end_matches("%Z").to_owned();
    let has_year = ["%Y", "%y", "%F", "%D", "%c", "%s"].iter().any(|year| format.contains(year));
    Layout::Format { format, has_year, is_utc }
}

/// What the Collector's strptime has and this one writes in another way.
fn from_strptime(layout: &str) -> String {
    layout.replace("%L", "%f").replace("%j", "%:z").replace("%i", "%z").replace("%h", "%b").replace("%n", "%t")
}

fn from_go(layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while let Some(c) = rest.chars().next() {
        if c == '.' || c == ',' {
            let digits = rest[1..].bytes().take_while(|byte| *byte == b'0' || *byte == b'9').count();
            if digits > 0 && out.ends_with("%S") {
                out.push_str(if c == '.' { "%.f" } else { ",%f" });
                rest = &rest[1 + digits..];
                continue;
            }
        }
        match GO.iter().find(|(go, _)| rest.starts_with(go)) {
            Some((go, strptime)) => {
                out.push_str(strptime);
                rest = &rest[go.len()..];
            }
            None => {
                out.push(c);
                if c == '%' {
                    out.push(c);
                }
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}
